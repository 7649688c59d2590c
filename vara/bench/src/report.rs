//! The figures of a run, as they are printed, drawn and written.

use crate::cell::Cell;
use crate::facts::Facts;
use crate::plan::Plan;
use crate::statistics::Figures;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which bench it was, as `append`.
    pub bench: String,
    /// How often each figure was taken.
    pub rounds: u32,
    /// How long each time, in seconds, after the warm-up.
    pub seconds: f64,
    /// The circumstances.
    pub facts: Facts,
    /// One for each cell, in the order of the tables.
    pub rows: Vec<Row>,
}

/// The figures of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was done, as `execute-1`.
    pub work: String,
    /// By whom, as `vara`.
    pub variant: String,
    /// How many did it at once.
    pub writers: u32,
    /// Events in a second, median over the rounds.
    pub events_per_s: f64,
    /// Half of all calls took at most this long.
    pub p50_ms: f64,
    /// 99 of 100 calls took at most this long.
    pub p99_ms: f64,
    /// Events in a second, as a multiple of those of the variant that this work is compared with.
    pub ratio: f64,
    /// The 99th percentile, as a multiple of that one's.
    pub p99_ratio: f64,
}

impl Report {
    /// The report over what was measured.
    #[must_use]
    pub fn new(bench: &str, plan: &Plan, facts: Facts, figures: &HashMap<Cell, Figures>) -> Self {
        let row = |cell: Cell| {
            let own = figures.get(&cell)?;
            let baseline = figures.get(&Cell {
                variant: cell.work.variants()[0],
                ..cell
            })?;
            Some(Row::new(cell, own, baseline))
        };
        Self {
            bench: bench.to_owned(),
            rounds: plan.rounds(),
            seconds: plan.span().measured.as_secs_f64(),
            facts,
            rows: plan.cells().into_iter().filter_map(row).collect(),
        }
    }

    /// How it was measured, in one sentence.
    #[must_use]
    pub fn method(&self) -> String {
        format!(
            "{} rounds of {} s for each figure, variants in turns; events/s are medians over the rounds, latencies \
             percentiles of all calls; ratios are to the first variant of each work.",
            self.rounds, self.seconds
        )
    }
}

impl Row {
    fn new(cell: Cell, own: &Figures, baseline: &Figures) -> Self {
        Self {
            work: cell.work.name().to_owned(),
            variant: cell.variant.name().to_owned(),
            writers: cell.writers,
            events_per_s: own.calls_per_s * f64::from(cell.work.events()),
            p50_ms: own.p50_ms,
            p99_ms: own.p99_ms,
            ratio: share(own.calls_per_s, baseline.calls_per_s),
            p99_ratio: share(own.p99_ms, baseline.p99_ms),
        }
    }
}

/// 0 where there is nothing to compare with, because JSON knows no infinity.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cell::{Variant, Work};
    use chrono::DateTime;
    use serde_json::json;

    /// A report with made-up figures, to try tables and pictures with.
    pub(crate) fn a_report() -> Report {
        let plan = Plan::try_new(Work::APPEND.to_vec(), vec![1, 32], 5, 3.0).unwrap();
        let figures = |cell: Cell| {
            let calls_per_s = match cell.variant {
                Variant::Vara => 600.0,
                Variant::Pgbench => 1_000.0,
                Variant::PostgresEs | Variant::PostgresEsOrdered => 250.0,
                Variant::Unordered => 640.0,
            };
            (
                cell,
                Figures {
                    calls_per_s,
                    p50_ms: 500.0 / calls_per_s,
                    p99_ms: 2_000.0 / calls_per_s,
                },
            )
        };
        let facts = Facts {
            at: DateTime::UNIX_EPOCH,
            cores: 2,
            processor: Some("a processor".to_owned()),
            postgres: "18.4".to_owned(),
            settings: [("fsync".to_owned(), "on".to_owned())].into(),
            checkpoints: true,
        };
        let figures = plan.cells().into_iter().map(figures).collect();
        Report::new("append", &plan, facts, &figures)
    }

    fn row(work: Work, variant: Variant, writers: u32) -> Row {
        let is = |row: &Row| {
            row.work == work.name() && row.variant == variant.name() && row.writers == writers
        };
        a_report().rows.into_iter().find(is).unwrap()
    }

    #[test]
    fn ratios_are_to_the_first_variant_of_the_same_work_and_writers() {
        assert_eq!(row(Work::Execute1, Variant::Pgbench, 1).ratio, 1.0);
        let ours = row(Work::Execute1, Variant::Vara, 32);
        assert_eq!(ours.ratio, 0.6);
        assert!((ours.p99_ratio - 1.0 / 0.6).abs() < 1e-9);
        assert_eq!(
            row(Work::AppendUnordered, Variant::Vara, 1).ratio,
            600.0 / 640.0
        );
    }

    #[test]
    fn events_are_counted_and_not_commands() {
        assert_eq!(row(Work::Execute1, Variant::Vara, 1).events_per_s, 600.0);
        assert_eq!(row(Work::Execute10, Variant::Vara, 1).events_per_s, 6_000.0);
    }

    #[test]
    fn the_written_form_has_the_promised_shape_and_reads_back() {
        let report = a_report();
        let written = serde_json::to_value(&report).unwrap();
        let mut first = written["rows"][0].clone();
        first.as_object_mut().unwrap().remove("p99_ratio").unwrap();
        let promised = json!({ "work": "execute-1", "variant": "pgbench", "writers": 1, "events_per_s": 1_000.0,
            "p50_ms": 0.5, "p99_ms": 2.0, "ratio": 1.0 });
        assert_eq!(first, promised);
        assert_eq!(serde_json::from_value::<Report>(written).unwrap(), report);
    }

    #[test]
    fn nothing_to_compare_with_is_no_infinity() {
        assert_eq!(share(1.0, 0.0), 0.0);
    }
}
