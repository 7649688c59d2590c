//! From any picture to 64 x 64 values of luminance: two passes of a box filter along rows and
//! columns (a tent, after Jarosz), of which only the points that are kept are ever written.
//!
//! Rows stream through all four passes, eight at a time, so no second picture is held.

use super::boxes::{Band, LANES, RowBox, Window};
use super::columns::ColumnBox;
use crate::Picture;
use crate::area::Area;
use crate::picture::CHANNELS;
use crate::turn::Turn;
use multiversion::multiversion;

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

/// Writes the luminance of all rows, eight at a time.
fn read(picture: &Picture, area: Area, turn: Turn, to: &mut impl Bands) {
    for first in (0..area.height).step_by(LANES) {
        let rows = LANES.min(area.height - first);
        for at in 0..rows {
            let row = if turn.reads_from_the_last_row() {
                area.height - 1 - first - at
            } else {
                first + at
            };
            let (pixels, _) = area.row(picture, row).as_chunks::<CHANNELS>();
            let line = to.band().row_mut(at);
            luminance(pixels, line);
            if turn.reads_rows_backwards() {
                line.reverse();
            }
        }
        to.written(rows);
    }
    to.finish();
}

fn transposed(small: &Small) -> Small {
    std::array::from_fn(|row| std::array::from_fn(|column| small[column][row]))
}

/// Luminance as the Python binding of PDQ makes it, 0 to 255: it adds doubles and rounds to a float once, and the quotient of
/// two whole numbers that a float holds is the same float, for each of the 2²⁴ colours (a test goes through them).
#[multiversion(targets("x86_64+avx2"))]
fn luminance(pixels: &[[u8; CHANNELS]], line: &mut [f32]) {
    for (to, pixel) in line.iter_mut().zip(pixels) {
        let [red, green, blue] = pixel.map(f32::from);
        *to = (299.0 * red + 587.0 * green + 114.0 * blue) / 1000.0;
    }
}

/// The points of `length` that are kept: the middles of 64 equal parts.
fn kept(length: usize) -> [usize; SIDE] {
    std::array::from_fn(|part| (2 * part + 1) * length / (2 * SIDE))
}

/// Takes rows of values, from the first to the last, eight at a time.
trait Bands {
    /// Where the next rows are to be written.
    fn band(&mut self) -> &mut Band;
    /// So many of them are: eight, but for the last ones.
    fn written(&mut self, rows: usize);
    /// There is no other row.
    fn finish(&mut self);
}

/// A pass along rows, of which every value goes on.
struct Across<N> {
    band: Band,
    rows: RowBox,
    next: N,
}

impl<N: Bands> Across<N> {
    fn new(width: usize, next: N) -> Self {
        Self {
            band: Band::new(width),
            rows: RowBox::new(Window::over(width)),
            next,
        }
    }
}

impl<N: Bands> Bands for Across<N> {
    fn band(&mut self) -> &mut Band {
        &mut self.band
    }

    fn written(&mut self, rows: usize) {
        self.rows.all(&self.band, self.next.band());
        self.next.written(rows);
    }

    fn finish(&mut self) {
        self.next.finish();
    }
}

/// A pass along rows, of which only the kept columns go on.
struct KeptAcross<N> {
    band: Band,
    rows: RowBox,
    kept: [usize; SIDE],
    next: N,
}

impl<N: Bands> KeptAcross<N> {
    fn new(width: usize, next: N) -> Self {
        Self {
            band: Band::new(width),
            rows: RowBox::new(Window::over(width)),
            kept: kept(width),
            next,
        }
    }
}

impl<N: Bands> Bands for KeptAcross<N> {
    fn band(&mut self) -> &mut Band {
        &mut self.band
    }

    fn written(&mut self, rows: usize) {
        let means = self.rows.kept(&self.band, &self.kept);
        for lane in 0..rows {
            let row = self.next.band().row_mut(lane);
            for (to, column) in row.iter_mut().zip(&means) {
                *to = column[lane];
            }
        }
        self.next.written(rows);
    }

    fn finish(&mut self) {
        self.next.finish();
    }
}

/// A pass along columns; all rows go on, or those that are kept.
struct Down<N> {
    columns: ColumnBox,
    kept: Option<[usize; SIDE]>,
    filled: usize,
    next: N,
}

impl<N: Bands> Down<N> {
    fn all(height: usize, width: usize, next: N) -> Self {
        Self {
            columns: ColumnBox::new(Window::over(height), width),
            kept: None,
            filled: 0,
            next,
        }
    }

    fn kept(height: usize, width: usize, next: N) -> Self {
        Self {
            kept: Some(kept(height)),
            ..Self::all(height, width, next)
        }
    }

    fn give(&mut self, at: usize, enters: bool) {
        let times = match &self.kept {
            None => 1,
            // Below 64 pixels a row is kept more than once.
            Some(kept) => kept.iter().filter(|row| **row == at).count(),
        };
        let means = (times > 0).then(|| self.next.band().row_mut(self.filled));
        self.columns.slide(enters, means);
        for time in 0..times {
            if time > 0 {
                self.columns.means(self.next.band().row_mut(self.filled));
            }
            self.filled += 1;
            if self.filled == LANES {
                self.next.written(LANES);
                self.filled = 0;
            }
        }
    }
}

impl<N: Bands> Bands for Down<N> {
    fn band(&mut self) -> &mut Band {
        self.columns.band()
    }

    fn written(&mut self, rows: usize) {
        for _ in 0..rows {
            match self.columns.next_over() {
                None => self.columns.enter(),
                Some(at) => self.give(at, true),
            }
        }
    }

    fn finish(&mut self) {
        while let Some(at) = self.columns.last_over() {
            self.give(at, false);
        }
        if self.filled > 0 {
            self.next.written(self.filled);
        }
        self.next.finish();
    }
}

/// The rows that were kept.
struct Square {
    band: Band,
    small: Small,
    filled: usize,
}

impl Default for Square {
    fn default() -> Self {
        Self {
            band: Band::new(SIDE),
            small: [[0.0; SIDE]; SIDE],
            filled: 0,
        }
    }
}

impl Bands for Square {
    fn band(&mut self) -> &mut Band {
        &mut self.band
    }

    fn written(&mut self, rows: usize) {
        for at in 0..rows {
            if let Some(to) = self.small.get_mut(self.filled) {
                to.copy_from_slice(self.band.row(at));
            }
            self.filled += 1;
        }
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_as_bright_as_the_sum_of_doubles_says() {
        for red in 0..=255_u8 {
            let of_red = (0..=255).flat_map(|green| (0..=255).map(move |blue| [red, green, blue]));
            let colours: Vec<[u8; 3]> = of_red.collect();
            let mut line = vec![0.0; colours.len()];
            luminance(&colours, &mut line);
            for (bright, [r, g, b]) in line.iter().zip(&colours) {
                let [r, g, b] = [r, g, b].map(|part| f64::from(*part));
                let sum = (r * 0.299 + g * 0.587 + b * 0.114) as f32;
                assert_eq!(bright.to_bits(), sum.to_bits(), "{r} {g} {b}");
            }
        }
    }
}
