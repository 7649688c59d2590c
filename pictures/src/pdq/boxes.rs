//! The box filter of PDQ: each value becomes the mean of its neighbours, along rows or columns.
//!
//! Sums are made in the order of Meta's code: the last bit of a float decides about a bit of the
//! hash when a coefficient lies near the median.

use super::shrink::SIDE;

/// A window that slides along `length` values: the value at `at` becomes the mean of those from
/// `at - back` to `at + ahead`, of fewer near the ends.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) length: usize,
    full: usize,
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
    pub(super) fn count(&self, at: usize) -> f32 {
        let last = (at + self.ahead).min(self.length - 1);
        (last - at.saturating_sub(self.back) + 1) as f32
    }

    /// The value that leaves the window when it moves to `at`.
    pub(super) fn leaving(&self, at: usize) -> Option<usize> {
        (at + self.ahead).checked_sub(self.full)
    }
}

/// Rows that are filtered side by side: a sliding sum is a chain, eight chains keep the processor busy.
pub(super) const LANES: usize = 8;
/// One value of each of those rows.
pub(super) type Lanes = [f32; LANES];

/// A pass along rows, eight rows abreast.
pub(super) struct RowBox {
    window: Window,
    lanes: Vec<Lanes>,
    filled: usize,
}

impl RowBox {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            lanes: vec![[0.0; LANES]; window.length],
            filled: 0,
        }
    }

    /// Puts a row beside the others; whether these are all and [`RowBox::filter`] is due.
    pub(super) fn push(&mut self, row: &[f32]) -> bool {
        let lane = self.filled;
        for (lanes, value) in self.lanes.iter_mut().zip(row) {
            lanes[lane] = *value;
        }
        self.filled += 1;
        self.filled == LANES
    }

    /// Gives the sum of the window at each place, from left to right, and how many values it holds.
    ///
    /// Answers how many of the rows mean something; the rest are left from before.
    pub(super) fn filter(&mut self, mut give: impl FnMut(usize, &Lanes, f32)) -> usize {
        let window = self.window;
        let mut sum = [0.0; LANES];
        for entering in &self.lanes[..window.ahead] {
            add(&mut sum, entering);
        }
        for at in 0..window.length {
            if let Some(entering) = self.lanes.get(at + window.ahead) {
                add(&mut sum, entering);
            }
            if let Some(gone) = window.leaving(at) {
                subtract(&mut sum, &self.lanes[gone]);
            }
            give(at, &sum, window.count(at));
        }
        std::mem::take(&mut self.filled)
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

/// A pass along columns, fed row by row; holds as many rows as its window and one more.
pub(super) struct ColumnBox {
    window: Window,
    width: usize,
    ring: Vec<f32>,
    sums: Vec<f32>,
    means: Vec<f32>,
    fed: usize,
    given: usize,
}

impl ColumnBox {
    pub(super) fn new(window: Window, width: usize) -> Self {
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

    /// Takes a row; whether [`ColumnBox::slide`] is due.
    pub(super) fn push(&mut self, row: &[f32]) -> bool {
        let slot = self.slot(self.fed);
        self.ring[slot.clone()].copy_from_slice(row);
        for (sum, value) in self.sums.iter_mut().zip(row) {
            *sum += value;
        }
        self.fed += 1;
        self.fed > self.window.ahead
    }

    /// Whether the window has not yet slid over all rows.
    pub(super) fn is_left(&self) -> bool {
        self.given < self.window.length
    }

    /// Slides the window on by a row, and tells which one that is.
    pub(super) fn slide(&mut self) -> usize {
        if let Some(gone) = self.window.leaving(self.given) {
            let slot = self.slot(gone);
            for (sum, value) in self.sums.iter_mut().zip(&self.ring[slot]) {
                *sum -= value;
            }
        }
        self.given += 1;
        self.given - 1
    }

    /// What the row is to become over which the window stands.
    pub(super) fn means(&mut self, at: usize) -> &[f32] {
        let count = self.window.count(at);
        for (mean, sum) in self.means.iter_mut().zip(&self.sums) {
            *mean = sum / count;
        }
        &self.means
    }

    fn slot(&self, row: usize) -> std::ops::Range<usize> {
        let start = row % (self.window.full + 1) * self.width;
        start..start + self.width
    }
}
