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

/// The first pass along rows. Sums of bytes are whole numbers, which floats hold exactly to 2^24.
pub(super) struct RowBox {
    window: Window,
    sums: Vec<u32>,
    means: Vec<f32>,
}

impl RowBox {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            sums: vec![0; window.length],
            means: vec![0.0; window.length],
        }
    }

    pub(super) fn filter(&mut self, row: &[u8]) -> &[f32] {
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

    pub(super) fn push(&mut self, row: &[f32], give: &mut dyn FnMut(&[f32])) {
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

    pub(super) fn finish(mut self, give: &mut dyn FnMut(&[f32])) {
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
