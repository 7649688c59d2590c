//! What was measured of one variant of a work.

use crate::statistics::{median, percentile_ms};
use std::time::Duration;

/// The runs of one variant.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The work, as `intake-jpeg`.
    pub work: String,
    /// Who did it.
    pub variant: &'static str,
    /// Whether others are compared with it; of several, with the fastest.
    pub is_reference: bool,
    /// Pictures, hashes or questions a second, one number for each run.
    pub rates: Vec<f64>,
    /// How long each of them took.
    pub singly: Vec<Duration>,
    /// The most memory of any run, in KiB, where it was looked at.
    pub peak_kib: Option<u64>,
}

impl Figures {
    /// Nothing measured yet.
    pub fn new(work: &str, variant: &'static str, is_reference: bool) -> Self {
        Self {
            work: work.to_owned(),
            variant,
            is_reference,
            rates: Vec::new(),
            singly: Vec::new(),
            peak_kib: None,
        }
    }

    /// One run more, of questions that were asked one after another.
    pub fn add_in_turn(&mut self, singly: Vec<Duration>) {
        let whole: Duration = singly.iter().sum();
        self.rates
            .push(singly.len() as f64 / whole.as_secs_f64().max(1e-9));
        self.singly.extend(singly);
    }

    /// Median over the runs.
    pub fn per_s(&self) -> f64 {
        median(&mut self.rates.clone())
    }

    /// A percentile of all of them, in milliseconds.
    pub fn ms(&self, part: f64) -> f64 {
        percentile_ms(&self.singly, part)
    }

    /// In megabytes of a million bytes.
    pub fn peak_mb(&self) -> Option<f64> {
        Some(self.peak_kib? as f64 * 1_024.0 / 1e6)
    }
}
