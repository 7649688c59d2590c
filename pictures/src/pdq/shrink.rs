//! From any picture to 64 x 64 values of luminance: two passes of a box filter along rows and columns
//! (a tent, after Jarosz), of which only the 64 x 64 points that are kept are ever written.
//!
//! Rows stream through, so no second picture is held. Sums are made in the order of Meta's code: the
//! last bit of a float decides about a bit of the hash when a coefficient lies near the median.

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

/// A window that slides along `length` values: the value at `at` becomes the mean of those from
/// `at - back` to `at + ahead`, of fewer near the ends.
#[derive(Clone, Copy)]
struct Window {
    length: usize,
    full: usize,
    ahead: usize,
    back: usize,
}

impl Window {
    /// Half of a 64th of the length, rounded up: two passes make the whole of it.
    fn over(length: usize) -> Self {
        let full = length.div_ceil(2 * SIDE);
        let ahead = full / 2;
        Self {
            length,
            full,
            ahead,
            back: full - ahead - 1,
        }
    }

    /// How many values the window holds at `at`.
    fn count(&self, at: usize) -> f32 {
        let last = (at + self.ahead).min(self.length - 1);
        (last - at.saturating_sub(self.back) + 1) as f32
    }

    /// The value that leaves the window when it moves to `at`.
    fn leaving(&self, at: usize) -> Option<usize> {
        (at + self.ahead).checked_sub(self.full)
    }
}

/// The first pass along rows. Sums of bytes are whole numbers, which floats hold exactly up to 2^24.
struct RowBox {
    window: Window,
    sums: Vec<u32>,
    means: Vec<f32>,
}

impl RowBox {
    fn new(window: Window) -> Self {
        Self {
            window,
            sums: vec![0; window.length],
            means: vec![0.0; window.length],
        }
    }

    fn filter(&mut self, row: &[u8]) -> &[f32] {
        let Window {
            length,
            full,
            ahead,
            back,
        } = self.window;
        let mut sum: u32 = row[..ahead].iter().copied().map(u32::from).sum();
        // Sums and means apart: the first is a chain, the second is done many at a time.
        let (start, rest) = self.sums.split_at_mut(back + 1);
        for (value, out) in row[ahead..].iter().zip(start) {
            sum += u32::from(*value);
            *out = sum;
        }
        let (middle, end) = rest.split_at_mut(length - full);
        for ((value, gone), out) in row[full..].iter().zip(row).zip(middle) {
            sum = sum + u32::from(*value) - u32::from(*gone);
            *out = sum;
        }
        for (gone, out) in row[length - full..].iter().zip(end) {
            sum -= u32::from(*gone);
            *out = sum;
        }
        let inner = back..length - ahead;
        for at in (0..inner.start).chain(inner.end..length) {
            self.means[at] = self.sums[at] as f32 / self.window.count(at);
        }
        let inner_means = &mut self.means[inner.clone()];
        for (sum, mean) in self.sums[inner].iter().zip(inner_means) {
            *mean = *sum as f32 / full as f32;
        }
        &self.means
    }
}

/// A pass along columns, fed with one row at a time; holds as many rows as its window and one more.
struct ColumnBox {
    window: Window,
    width: usize,
    ring: Vec<f32>,
    sums: Vec<f32>,
    means: Vec<f32>,
    fed: usize,
    given: usize,
}

impl ColumnBox {
    fn new(window: Window, width: usize) -> Self {
        Self {
            window,
            width,
            ring: vec![0.0; (window.full + 1) * width],
            sums: vec![0.0; width],
            means: vec![0.0; width],
            fed: 0,
            given: 0,
        }
    }

    fn push(&mut self, row: &[f32], give: &mut dyn FnMut(&[f32])) {
        let slot = self.slot(self.fed);
        self.ring[slot.clone()].copy_from_slice(row);
        for (sum, value) in self.sums.iter_mut().zip(row) {
            *sum += value;
        }
        self.fed += 1;
        if self.fed > self.window.ahead {
            self.give(give);
        }
    }

    fn finish(mut self, give: &mut dyn FnMut(&[f32])) {
        while self.given < self.window.length {
            self.give(give);
        }
    }

    fn give(&mut self, give: &mut dyn FnMut(&[f32])) {
        if let Some(gone) = self.window.leaving(self.given) {
            let slot = self.slot(gone);
            for (sum, value) in self.sums.iter_mut().zip(&self.ring[slot]) {
                *sum -= value;
            }
        }
        let count = self.window.count(self.given);
        for (mean, sum) in self.means.iter_mut().zip(&self.sums) {
            *mean = sum / count;
        }
        self.given += 1;
        give(&self.means);
    }

    fn slot(&self, row: usize) -> std::ops::Range<usize> {
        let start = row % (self.window.full + 1) * self.width;
        start..start + self.width
    }
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
