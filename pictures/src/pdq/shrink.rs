//! From any picture to 64 x 64 values of luminance: two passes of a box filter along rows and
//! columns (a tent, after Jarosz), of which only the points that are kept are ever written.
//!
//! Rows stream through all four passes, so no second picture is held.

use super::boxes::{ColumnBox, LANES, Lanes, RowBox, Window};
use crate::Picture;
use crate::area::Area;
use crate::picture::CHANNELS;

/// Side of the square that the transform sees.
pub(super) const SIDE: usize = 64;
/// Luminance, 0 to 255, row by row.
pub(super) type Small = [[f32; SIDE]; SIDE];

/// The luminance of `area`, blurred and reduced.
pub(super) fn to_64_by_64(picture: &Picture, area: Area) -> Small {
    let luminance = Luminance::new();
    let mut rows = FirstRows::new(area.width);
    let mut columns = FirstColumns::new(area);
    for row in 0..area.height {
        let pixels = area.row(picture, row).chunks_exact(CHANNELS);
        rows.push(pixels.map(|pixel| luminance.of(pixel)), &mut columns);
    }
    rows.finish(&mut columns);
    columns.into_small()
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

    fn of(&self, pixel: &[u8]) -> f32 {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(usize::from);
        (self.red[r] + self.green[g] + self.blue[b]) as f32
    }
}

/// The points of `length` that are kept: the middles of 64 equal parts.
fn kept(length: usize) -> [usize; SIDE] {
    std::array::from_fn(|part| (2 * part + 1) * length / (2 * SIDE))
}

/// The first pass along rows, of which every value is written.
struct FirstRows {
    rows: RowBox,
    width: usize,
    blurred: Vec<f32>,
}

impl FirstRows {
    fn new(width: usize) -> Self {
        Self {
            rows: RowBox::new(Window::over(width)),
            width,
            blurred: vec![0.0; LANES * width],
        }
    }

    fn push(&mut self, row: impl Iterator<Item = f32>, next: &mut FirstColumns) {
        if self.rows.push(row) {
            self.finish(next);
        }
    }

    fn finish(&mut self, next: &mut FirstColumns) {
        let filled = self.rows.filter(|at, sum, count| {
            for (row, sum) in self.blurred.chunks_exact_mut(self.width).zip(sum) {
                row[at] = sum / count;
            }
        });
        for row in self.blurred.chunks_exact(self.width).take(filled) {
            next.push(row);
        }
    }
}

/// The first pass along columns.
struct FirstColumns {
    columns: ColumnBox,
    next: LastRows,
}

impl FirstColumns {
    fn new(area: Area) -> Self {
        Self {
            columns: ColumnBox::new(Window::over(area.height), area.width),
            next: LastRows::new(area),
        }
    }

    fn push(&mut self, row: &[f32]) {
        self.columns.push(row, &mut |row| self.next.push(row));
    }

    fn into_small(mut self) -> Small {
        self.columns.finish(&mut |row| self.next.push(row));
        self.next.into_small()
    }
}

/// The second pass along rows, of which only the kept columns are written.
struct LastRows {
    rows: RowBox,
    kept: [usize; SIDE],
    next: LastColumns,
}

impl LastRows {
    fn new(area: Area) -> Self {
        Self {
            rows: RowBox::new(Window::over(area.width)),
            kept: kept(area.width),
            next: LastColumns::new(area.height),
        }
    }

    fn push(&mut self, row: &[f32]) {
        if self.rows.push(row.iter().copied()) {
            self.filter();
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

    fn into_small(mut self) -> Small {
        self.filter();
        self.next.into_small()
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
