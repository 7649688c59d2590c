//! The box filter of PDQ: each value becomes the mean of its neighbours; here along rows.
//!
//! Sums are made in the order of Meta's code: the last bit of a float decides about a bit of the
//! hash when a coefficient lies near the median. The loops are compiled for AVX2 as well, which changes no bit of them.

use super::shrink::SIDE;
use multiversion::multiversion;

/// A window that slides along `length` values: the value at `at` becomes the mean of those from
/// `at - back` to `at + ahead`, of fewer near the ends.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) length: usize,
    pub(super) full: usize,
    pub(super) ahead: usize,
    back: usize,
}

impl Window {
    /// Half of a 64th of the length, rounded up: two passes make the whole of it.
    pub(super) fn over(length: usize) -> Self {
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
    #[inline(always)]
    pub(super) fn count(&self, at: usize) -> f32 {
        let last = (at + self.ahead).min(self.length - 1);
        (last - at.saturating_sub(self.back) + 1) as u32 as f32
    }

    /// The value that leaves the window when it moves to `at`.
    #[inline(always)]
    pub(super) fn leaving(&self, at: usize) -> Option<usize> {
        (at + self.ahead).checked_sub(self.full)
    }
}

/// Rows that are filtered side by side: a sliding sum is a chain, eight chains keep the processor busy.
pub(super) const LANES: usize = 8;
/// One value of each of those rows.
pub(super) type Lanes = [f32; LANES];

/// Eight rows of one width, each padded to a multiple of eight values.
pub(super) struct Band {
    stride: usize,
    width: usize,
    values: Vec<f32>,
}

impl Band {
    pub(super) fn new(width: usize) -> Self {
        let stride = width.next_multiple_of(LANES);
        Self {
            stride,
            width,
            values: vec![0.0; stride * LANES],
        }
    }

    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.stride..][..self.width]
    }

    pub(super) fn row_mut(&mut self, at: usize) -> &mut [f32] {
        &mut self.values[at * self.stride..][..self.width]
    }
}

/// A pass along rows, eight rows abreast.
pub(super) struct RowBox {
    window: Window,
    lanes: Vec<Lanes>,
}

impl RowBox {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            lanes: vec![[0.0; LANES]; window.length.next_multiple_of(LANES)],
        }
    }

    /// Every value of a band becomes its mean, in another one of the same width.
    pub(super) fn all(&mut self, from: &Band, to: &mut Band) {
        lay_abreast(&from.values, &mut self.lanes);
        blur(self.window, &self.lanes, &mut to.values);
    }

    /// The means at the kept columns, in all rows of the band.
    pub(super) fn kept(&mut self, from: &Band, kept: &[usize; SIDE]) -> [Lanes; SIDE] {
        lay_abreast(&from.values, &mut self.lanes);
        blur_kept(self.window, &self.lanes, kept)
    }
}

/// Rows become columns.
#[inline(always)]
fn turned(tile: &[Lanes; LANES]) -> [Lanes; LANES] {
    std::array::from_fn(|row| std::array::from_fn(|column| tile[column][row]))
}

/// Eight rows become as many lanes.
#[multiversion(targets("x86_64+avx2"))]
fn lay_abreast(rows: &[f32], lanes: &mut [Lanes]) {
    let (tiles, _) = lanes.as_chunks_mut::<LANES>();
    let stride = tiles.len();
    let (rows, _) = rows.as_chunks::<LANES>();
    for (at, tile) in tiles.iter_mut().enumerate() {
        *tile = turned(&std::array::from_fn(|row| rows[row * stride + at]));
    }
}

/// The mean of the window at each place, back in rows.
#[multiversion(targets("x86_64+avx2"))]
fn blur(window: Window, lanes: &[Lanes], rows: &mut [f32]) {
    let mut sum = first(window, lanes);
    let stride = lanes.len() / LANES;
    let (rows, _) = rows.as_chunks_mut::<LANES>();
    for tile in 0..stride {
        let mut means = [[0.0; LANES]; LANES];
        let places = tile * LANES..((tile + 1) * LANES).min(window.length);
        for (at, mean) in places.zip(&mut means) {
            step(&mut sum, window, lanes, at);
            let count = window.count(at);
            *mean = sum.map(|sum| sum / count);
        }
        for (row, means) in turned(&means).iter().enumerate() {
            rows[row * stride + tile] = *means;
        }
    }
}

/// The mean of the window at the kept places only.
#[multiversion(targets("x86_64+avx2"))]
fn blur_kept(window: Window, lanes: &[Lanes], kept: &[usize; SIDE]) -> [Lanes; SIDE] {
    let mut sum = first(window, lanes);
    let mut means = [[0.0; LANES]; SIDE];
    let mut done = 0;
    // Below 64 pixels a column is kept more than once.
    for (column, mean) in kept.iter().zip(&mut means) {
        let places = done..column + 1;
        places.for_each(|at| step(&mut sum, window, lanes, at));
        done = column + 1;
        let count = window.count(*column);
        *mean = sum.map(|sum| sum / count);
    }
    means
}

/// What the window holds before it stands over the first place.
#[inline(always)]
fn first(window: Window, lanes: &[Lanes]) -> Lanes {
    let mut sum = [0.0; LANES];
    for entering in &lanes[..window.ahead] {
        add(&mut sum, entering);
    }
    sum
}

/// Moves the window on to a place.
#[inline(always)]
fn step(sum: &mut Lanes, window: Window, lanes: &[Lanes], at: usize) {
    if at + window.ahead < window.length {
        add(sum, &lanes[at + window.ahead]);
    }
    if let Some(gone) = window.leaving(at) {
        subtract(sum, &lanes[gone]);
    }
}

#[inline(always)]
fn add(sum: &mut Lanes, values: &Lanes) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

#[inline(always)]
fn subtract(sum: &mut Lanes, values: &Lanes) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum -= value;
    }
}
