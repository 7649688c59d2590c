//! What we hold ourselves to, on two cores, and whether a figure keeps it.

use crate::cell::{Variant, Work};
use crate::report::Row;

/// What the figures of one row must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Least share of the compared variant's events a second.
    pub ratio_min: Option<f64>,
    /// Largest multiple of the compared variant's 99th percentile.
    pub p99_ratio_max: Option<f64>,
}

impl Target {
    /// The target of a row; those of others have none.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let work = row
            .work
            .parse()
            .ok()
            .filter(|_| row.variant == Variant::Vara.name());
        Self {
            ratio_min: work.and_then(|work| ratio_min(work, row.writers)),
            p99_ratio_max: work.and_then(|work| p99_ratio_max(work, row.writers)),
        }
    }

    /// In the words of a table, `≥ 0.55 met`; empty where there is none.
    #[must_use]
    pub fn of_ratio(self, ratio: f64) -> String {
        self.ratio_min
            .map(|least| words('≥', least, ratio >= least))
            .unwrap_or_default()
    }

    /// In the words of a table, `≤ 1.30 not met`; empty where there is none.
    #[must_use]
    pub fn of_p99_ratio(self, ratio: f64) -> String {
        self.p99_ratio_max
            .map(|most| words('≤', most, ratio <= most))
            .unwrap_or_default()
    }
}

fn words(sign: char, bound: f64, met: bool) -> String {
    format!("{sign} {bound:.2} {}", if met { "met" } else { "not met" })
}

/// Reading, deciding and sealing cost something; batches win some of it back.
fn ratio_min(work: Work, writers: u32) -> Option<f64> {
    match (work, writers) {
        (Work::Execute1, 1) => Some(0.55),
        (Work::Execute1, 8) => Some(0.60),
        (Work::Execute1, 32) => Some(0.65),
        (Work::Execute10, 1 | 8) => Some(0.80),
        (Work::Execute10, 32) => Some(0.75),
        (Work::AppendOnly, 8 | 32) => Some(1.5),
        // Order may cost a tenth of what the same lane does without it.
        (Work::AppendUnordered, _) => Some(0.9),
        (Work::Execute1 | Work::ExecuteKnown | Work::Execute10 | Work::AppendOnly, _) => None,
    }
}

fn p99_ratio_max(work: Work, writers: u32) -> Option<f64> {
    match (work, writers) {
        (Work::Execute1 | Work::Execute10 | Work::AppendOnly, 32) => Some(1.3),
        (
            Work::Execute1
            | Work::ExecuteKnown
            | Work::Execute10
            | Work::AppendOnly
            | Work::AppendUnordered,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_report;

    #[test]
    fn only_ours_has_targets() {
        for row in a_report().rows {
            let target = Target::of(&row);
            assert!(
                row.variant == "vara" || target.ratio_min.is_none(),
                "{row:?}"
            );
        }
    }

    #[test]
    fn a_bound_is_met_at_the_bound() {
        let target = Target {
            ratio_min: Some(0.55),
            p99_ratio_max: Some(1.3),
        };
        assert_eq!(target.of_ratio(0.55), "≥ 0.55 met");
        assert_eq!(target.of_ratio(0.549), "≥ 0.55 not met");
        assert_eq!(target.of_p99_ratio(1.3), "≤ 1.30 met");
        assert_eq!(target.of_p99_ratio(1.31), "≤ 1.30 not met");
        let none = Target {
            ratio_min: None,
            p99_ratio_max: None,
        };
        assert_eq!(none.of_ratio(0.1) + &none.of_p99_ratio(9.0), "");
    }
}
