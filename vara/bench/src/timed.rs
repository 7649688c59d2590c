//! Rows of the report for works that are timed as a whole: how long each run took, of how many events or questions.

use crate::report::{Row, share};
use crate::statistics::{median, percentile_ms};
use std::time::Duration;

/// The runs of one variant of a work.
#[derive(Debug, Clone)]
pub struct Timed {
    /// The work.
    pub work: String,
    /// Who did it.
    pub variant: &'static str,
    /// At once.
    pub writers: u32,
    /// Events or questions of one run.
    pub count: u64,
    /// How long each run took; where [`Timed::singly`] has them, of the whole run.
    pub runs: Vec<Duration>,
    /// How long each single question took, where that is known.
    pub singly: Vec<Duration>,
}

impl Timed {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(work: &str, variant: &'static str, writers: u32, count: u64) -> Self {
        Self {
            work: work.to_owned(),
            variant,
            writers,
            count,
            runs: Vec::new(),
            singly: Vec::new(),
        }
    }

    fn per_s(&self) -> f64 {
        let rate = |run: &Duration| self.count as f64 / run.as_secs_f64().max(1e-9);
        median(&mut self.runs.iter().map(rate).collect::<Vec<_>>())
    }

    fn ms(&self, part: f64) -> f64 {
        let all = if self.singly.is_empty() {
            &self.runs
        } else {
            &self.singly
        };
        percentile_ms(all, part)
    }
}

/// A row for each; ratios are to the first variant of the same work.
#[must_use]
pub fn rows(timed: &[Timed]) -> Vec<Row> {
    timed
        .iter()
        .map(|own| {
            let first = timed
                .iter()
                .find(|other| other.work == own.work)
                .unwrap_or(own);
            Row {
                work: own.work.clone(),
                variant: own.variant.to_owned(),
                writers: own.writers,
                events_per_s: own.per_s(),
                p50_ms: own.ms(0.50),
                p99_ms: own.ms(0.99),
                ratio: share(own.per_s(), first.per_s()),
                p99_ratio: share(own.ms(0.99), first.ms(0.99)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_medians_of_runs_and_ratios_are_to_the_first_of_the_same_work() {
        let run = |variant, ms: [u64; 3]| Timed {
            runs: ms.map(Duration::from_millis).to_vec(),
            ..Timed::new("rebuild", variant, 1, 1_000)
        };
        let rows = rows(&[run("reference", [100, 50, 200]), run("vara", [50, 50, 500])]);
        assert_eq!((rows[0].events_per_s, rows[0].ratio), (10_000.0, 1.0));
        assert_eq!((rows[1].events_per_s, rows[1].ratio), (20_000.0, 2.0));
        assert_eq!((rows[1].p50_ms, rows[1].p99_ms), (50.0, 500.0));
    }
}
