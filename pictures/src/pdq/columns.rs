//! The box filter of PDQ along columns: all columns at once, one row after another.
//!
//! Sums are made in the order of Meta's code, as along rows ([`super::boxes`]).

use super::boxes::{Band, LANES, Window};
use multiversion::multiversion;

/// A pass along columns, fed band by band; holds the bands that its window reaches into.
pub(super) struct ColumnBox {
    window: Window,
    ring: Vec<Band>,
    sums: Vec<f32>,
    fed: usize,
    given: usize,
}

impl ColumnBox {
    pub(super) fn new(window: Window, width: usize) -> Self {
        // The band that is fed, and those with the rows before it that have not left the window.
        let bands = window.full.div_ceil(LANES) + 1;
        Self {
            window,
            ring: (0..bands).map(|_| Band::new(width)).collect(),
            sums: vec![0.0; width],
            fed: 0,
            given: 0,
        }
    }

    /// Where the next rows are to be written before they enter the window one by one.
    pub(super) fn band(&mut self) -> &mut Band {
        let bands = self.ring.len();
        &mut self.ring[self.fed / LANES % bands]
    }

    /// The row over which the window comes to stand when another one enters.
    pub(super) fn next_over(&self) -> Option<usize> {
        (self.fed >= self.window.ahead).then_some(self.given)
    }

    /// The same when no other row is there.
    pub(super) fn last_over(&self) -> Option<usize> {
        (self.given < self.window.length).then_some(self.given)
    }

    /// A row enters, and the window does not stand over any yet.
    pub(super) fn enter(&mut self) {
        add_row(&mut self.sums, row(&self.ring, self.fed));
        self.fed += 1;
    }

    /// Slides the window on by a row, which another one enters or not; the means are those of the row over which it stands then.
    pub(super) fn slide(&mut self, enters: bool, means: Option<&mut [f32]>) {
        let entering = enters.then(|| row(&self.ring, self.fed));
        let leaving = self.window.leaving(self.given);
        let leaving = leaving.map(|gone| row(&self.ring, gone));
        let count = self.window.count(self.given);
        self.fed += usize::from(enters);
        self.given += 1;
        match (entering, leaving, means) {
            (Some(entering), Some(leaving), Some(means)) => {
                slide_row(&mut self.sums, (entering, leaving), count, means);
            }
            (entering, leaving, means) => {
                entering
                    .into_iter()
                    .for_each(|row| add_row(&mut self.sums, row));
                leaving
                    .into_iter()
                    .for_each(|row| subtract_row(&mut self.sums, row));
                means
                    .into_iter()
                    .for_each(|means| mean_row(&self.sums, count, means));
            }
        }
    }

    /// The means once more of the row over which the window stands.
    pub(super) fn means(&self, means: &mut [f32]) {
        mean_row(&self.sums, self.window.count(self.given - 1), means);
    }
}

fn row(ring: &[Band], at: usize) -> &[f32] {
    ring[at / LANES % ring.len()].row(at % LANES)
}

#[multiversion(targets("x86_64+avx2"))]
fn add_row(sums: &mut [f32], row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn subtract_row(sums: &mut [f32], row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum -= value;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn mean_row(sums: &[f32], count: f32, means: &mut [f32]) {
    for (mean, sum) in means.iter_mut().zip(sums) {
        *mean = sum / count;
    }
}

/// The three at once, which is what is done for most rows.
#[multiversion(targets("x86_64+avx2"))]
fn slide_row(
    sums: &mut [f32],
    (entering, leaving): (&[f32], &[f32]),
    count: f32,
    means: &mut [f32],
) {
    let rows = entering.iter().zip(leaving).zip(means);
    for (sum, ((entering, leaving), mean)) in sums.iter_mut().zip(rows) {
        *sum = *sum + entering - leaving;
        *mean = *sum / count;
    }
}
