//! From any picture to 64 x 64 values of luminance: two passes of a box filter along rows and
//! columns (a tent, after Jarosz), of which only the points that are kept are ever written.
//!
//! Rows stream through all four passes, so no second picture is held.

use super::boxes::{ColumnBox, LANES, Lanes, RowBox, Window};
use crate::Picture;
use crate::area::Area;
use crate::picture::CHANNELS;
use crate::turn::Turn;

/// Side of the square that the transform sees.
pub(super) const SIDE: usize = 64;
/// Luminance, 0 to 255, row by row.
pub(super) type Small = [[f32; SIDE]; SIDE];

/// The luminance of `area`, blurred and reduced, as if the picture had been turned before.
///
/// Nothing is turned for it: a picture that lies is read by its columns first, and from the other end where its ends change
/// places, so that every sum is made of the same values in the same order.
pub(super) fn to_64_by_64(picture: &Picture, area: Area, turn: Turn) -> Small {
    let (across, down) = (area.width, area.height);
    let square = Square::default();
    if turn.lies {
        let last = KeptAcross::new(across, square);
        let blurred = Down::kept(down, across, last);
        let mut rows = Down::all(down, across, Across::new(across, blurred));
        read(picture, area, turn, &mut rows);
        transposed(&rows.next.next.next.next.small)
    } else {
        let last = Down::kept(down, SIDE, square);
        let blurred = Down::all(down, across, KeptAcross::new(across, last));
        let mut rows = Across::new(across, blurred);
        read(picture, area, turn, &mut rows);
        rows.next.next.next.next.small
    }
}

/// Gives the luminance of all rows.
fn read(picture: &Picture, area: Area, turn: Turn, to: &mut impl Rows) {
    let luminance = Luminance::new();
    let mut line = vec![0.0; area.width];
    for row in 0..area.height {
        let row = if turn.reads_from_the_last_row() {
            area.height - 1 - row
        } else {
            row
        };
        let (pixels, _) = area.row(picture, row).as_chunks::<CHANNELS>();
        let values = pixels.iter().map(|pixel| luminance.of(*pixel));
        if turn.reads_rows_backwards() {
            line.iter_mut()
                .rev()
                .zip(values)
                .for_each(|(to, value)| *to = value);
        } else {
            line.iter_mut()
                .zip(values)
                .for_each(|(to, value)| *to = value);
        }
        to.push(&line);
    }
    to.finish();
}

fn transposed(small: &Small) -> Small {
    std::array::from_fn(|row| std::array::from_fn(|column| small[column][row]))
}

/// Luminance as the Python binding of PDQ makes it: parts of red, green and blue added as doubles,
/// in this order, and rounded to a float once.
struct Luminance {
    red: [f64; 256],
    green: [f64; 256],
    blue: [f64; 256],
}

impl Luminance {
    fn new() -> Self {
        let parts = |share: f64| std::array::from_fn(|value| value as f64 * share);
        Self {
            red: parts(0.299),
            green: parts(0.587),
            blue: parts(0.114),
        }
    }

    fn of(&self, pixel: [u8; CHANNELS]) -> f32 {
        let [r, g, b] = pixel.map(usize::from);
        (self.red[r] + self.green[g] + self.blue[b]) as f32
    }
}

/// The points of `length` that are kept: the middles of 64 equal parts.
fn kept(length: usize) -> [usize; SIDE] {
    std::array::from_fn(|part| (2 * part + 1) * length / (2 * SIDE))
}

/// Takes rows of values, from the first to the last.
trait Rows {
    fn push(&mut self, row: &[f32]);
    /// There is no other row.
    fn finish(&mut self);
}

/// A pass along rows, of which every value goes on.
struct Across<N> {
    rows: RowBox,
    width: usize,
    blurred: Vec<f32>,
    next: N,
}

impl<N: Rows> Across<N> {
    fn new(width: usize, next: N) -> Self {
        Self {
            rows: RowBox::new(Window::over(width)),
            width,
            blurred: vec![0.0; LANES * width],
            next,
        }
    }

    fn filter(&mut self) {
        let filled = self.rows.filter(|at, sum, count| {
            for (row, sum) in self.blurred.chunks_exact_mut(self.width).zip(sum) {
                row[at] = sum / count;
            }
        });
        for row in self.blurred.chunks_exact(self.width).take(filled) {
            self.next.push(row);
        }
    }
}

impl<N: Rows> Rows for Across<N> {
    fn push(&mut self, row: &[f32]) {
        if self.rows.push(row) {
            self.filter();
        }
    }

    fn finish(&mut self) {
        self.filter();
        self.next.finish();
    }
}

/// A pass along rows, of which only the kept columns go on.
struct KeptAcross<N> {
    rows: RowBox,
    kept: [usize; SIDE],
    next: N,
}

impl<N: Rows> KeptAcross<N> {
    fn new(width: usize, next: N) -> Self {
        Self {
            rows: RowBox::new(Window::over(width)),
            kept: kept(width),
            next,
        }
    }

    fn filter(&mut self) {
        let mut means: [Lanes; SIDE] = [[0.0; LANES]; SIDE];
        let mut columns = self.kept.iter().zip(&mut means).peekable();
        let filled = self.rows.filter(|at, sum, count| {
            // Below 64 pixels a column is kept more than once.
            while let Some((_, mean)) = columns.next_if(|(column, _)| **column == at) {
                *mean = sum.map(|sum| sum / count);
            }
        });
        for lane in 0..filled {
            self.next.push(&means.map(|column| column[lane]));
        }
    }
}

impl<N: Rows> Rows for KeptAcross<N> {
    fn push(&mut self, row: &[f32]) {
        if self.rows.push(row) {
            self.filter();
        }
    }

    fn finish(&mut self) {
        self.filter();
        self.next.finish();
    }
}

/// A pass along columns; all rows go on, or those that are kept.
struct Down<N> {
    columns: ColumnBox,
    kept: Option<[usize; SIDE]>,
    next: N,
}

impl<N: Rows> Down<N> {
    fn all(height: usize, width: usize, next: N) -> Self {
        Self {
            columns: ColumnBox::new(Window::over(height), width),
            kept: None,
            next,
        }
    }

    fn kept(height: usize, width: usize, next: N) -> Self {
        Self {
            kept: Some(kept(height)),
            ..Self::all(height, width, next)
        }
    }

    fn give(&mut self) {
        let at = self.columns.slide();
        let times = match &self.kept {
            None => 1,
            // Below 64 pixels a row is kept more than once.
            Some(kept) => kept.iter().filter(|row| **row == at).count(),
        };
        for _ in 0..times {
            self.next.push(self.columns.means(at));
        }
    }
}

impl<N: Rows> Rows for Down<N> {
    fn push(&mut self, row: &[f32]) {
        if self.columns.push(row) {
            self.give();
        }
    }

    fn finish(&mut self) {
        while self.columns.is_left() {
            self.give();
        }
        self.next.finish();
    }
}

/// The rows that were kept.
struct Square {
    small: Small,
    filled: usize,
}

impl Default for Square {
    fn default() -> Self {
        Self {
            small: [[0.0; SIDE]; SIDE],
            filled: 0,
        }
    }
}

impl Rows for Square {
    fn push(&mut self, row: &[f32]) {
        if let Some(to) = self.small.get_mut(self.filled) {
            to.copy_from_slice(row);
        }
        self.filled += 1;
    }

    fn finish(&mut self) {}
}
