//! From any picture to 64 x 64 values of luminance: two passes of a box filter along rows and
//! columns (a tent, after Jarosz), of which only the points that are kept are ever written.
//!
//! Rows stream through all four passes, so no second picture is held.

use super::boxes::{ColumnBox, RowBox, Window};
use crate::Picture;
use crate::area::Area;
use crate::picture::CHANNELS;

/// Side of the square that the transform sees.
pub(super) const SIDE: usize = 64;
/// Luminance, 0 to 255, row by row.
pub(super) type Small = [[f32; SIDE]; SIDE];

/// Rows that are filtered side by side, for the processor's sake.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// The luminance of `area`, blurred and reduced.
pub(super) fn to_64_by_64(picture: &Picture, area: Area) -> Small {
    let along_rows = Window::over(area.width);
    let mut luminance = vec![0; area.width];
    let mut blurred = RowBox::new(along_rows);
    let mut first_columns = ColumnBox::new(Window::over(area.height), area.width);
    let mut rows = Interleaved::new(along_rows);
    let mut last = LastColumns::new(area.height);
    for row in 0..area.height {
        luminance_of(area.row(picture, row), &mut luminance);
        let blurred_row = blurred.filter(&luminance);
        first_columns.push(blurred_row, &mut |row| rows.push(row, &mut last));
    }
    first_columns.finish(&mut |row| rows.push(row, &mut last));
    rows.finish(&mut last);
    last.into_small()
}

/// Eight-bit luminance as OpenCV makes it, which the Python binding of PDQ calls: fifteen bits of
/// 0.299, 0.587 and 0.114, rounded.
fn luminance_of(rgb: &[u8], out: &mut [u8]) {
    for (pixel, grey) in rgb.chunks_exact(CHANNELS).zip(out) {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        *grey = ((r * 9_798 + g * 19_235 + b * 3_735 + (1 << 14)) >> 15) as u8;
    }
}

/// The points of `length` that are kept: the middles of 64 equal parts.
fn kept(length: usize) -> [usize; SIDE] {
    std::array::from_fn(|part| (2 * part + 1) * length / (2 * SIDE))
}

/// The second pass along rows, eight rows abreast, of which only the kept columns are written.
struct Interleaved {
    window: Window,
    columns: [usize; SIDE],
    lanes: Vec<Lanes>,
    filled: usize,
}

impl Interleaved {
    fn new(window: Window) -> Self {
        let lanes = vec![[0.0; LANES]; window.length];
        Self {
            window,
            columns: kept(window.length),
            lanes,
            filled: 0,
        }
    }

    fn push(&mut self, row: &[f32], last: &mut LastColumns) {
        let lane = self.filled;
        for (lanes, value) in self.lanes.iter_mut().zip(row) {
            lanes[lane] = *value;
        }
        self.filled += 1;
        if self.filled == LANES {
            self.finish(last);
        }
    }

    fn finish(&mut self, last: &mut LastColumns) {
        let means = self.filter();
        for lane in 0..self.filled {
            last.push(&means.map(|column| column[lane]));
        }
        self.filled = 0;
    }

    fn filter(&self) -> [Lanes; SIDE] {
        let mut means = [[0.0; LANES]; SIDE];
        let mut columns = self.columns.iter().zip(&mut means).peekable();
        let mut sum = [0.0; LANES];
        for entering in &self.lanes[..self.window.ahead] {
            add(&mut sum, entering);
        }
        for at in 0..self.window.length {
            if let Some(entering) = self.lanes.get(at + self.window.ahead) {
                add(&mut sum, entering);
            }
            if let Some(gone) = self.window.leaving(at) {
                subtract(&mut sum, &self.lanes[gone]);
            }
            // Below 64 pixels a column is kept more than once.
            while let Some((_, mean)) = columns.next_if(|(column, _)| **column == at) {
                *mean = sum.map(|sum| sum / self.window.count(at));
            }
        }
        means
    }
}

fn add(sum: &mut Lanes, values: &Lanes) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

fn subtract(sum: &mut Lanes, values: &Lanes) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum -= value;
    }
}

/// The second pass along columns, of which only the kept rows stay.
struct LastColumns {
    columns: ColumnBox,
    kept: Kept,
}

struct Kept {
    rows: [usize; SIDE],
    seen: usize,
    small: Small,
}

impl LastColumns {
    fn new(height: usize) -> Self {
        let kept = Kept {
            rows: kept(height),
            seen: 0,
            small: [[0.0; SIDE]; SIDE],
        };
        Self {
            columns: ColumnBox::new(Window::over(height), SIDE),
            kept,
        }
    }

    fn push(&mut self, row: &[f32; SIDE]) {
        self.columns.push(row, &mut |row| self.kept.take(row));
    }

    fn into_small(mut self) -> Small {
        self.columns.finish(&mut |row| self.kept.take(row));
        self.kept.small
    }
}

impl Kept {
    fn take(&mut self, row: &[f32]) {
        for (wanted, out) in self.rows.iter().zip(&mut self.small) {
            if *wanted == self.seen {
                out.copy_from_slice(row);
            }
        }
        self.seen += 1;
    }
}
