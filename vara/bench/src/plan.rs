//! What a run measures, how long, and in which order.

use crate::cell::{Cell, Work};
use std::time::Duration;

/// Most rounds of one run.
const ROUNDS_MAX: u32 = 100;
/// Longest measurement of one cell, in seconds.
const SECONDS_MAX: f64 = 600.0;
/// Shortest one: below it the start of a load generator outweighs its work.
const SECONDS_MIN: f64 = 0.1;
/// Most writers at once; the server takes 200 connections.
const WRITERS_MAX: u32 = 128;

/// What a run measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    works: Vec<Work>,
    writers: Vec<u32>,
    rounds: u32,
    span: Span,
}

/// How long one cell is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// What happens in this time first is not counted: connections open, plans are made, caches fill.
    pub warm_up: Duration,
    /// What happens in this time then is.
    pub measured: Duration,
}

/// A plan that cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadPlan {
    /// No round, or more than anybody waits for.
    #[error(
        "--rounds must be from 1 to {ROUNDS_MAX}, not {0}; a figure to rely on takes 5 or more"
    )]
    Rounds(u32),
    /// Too short to say anything, or too long.
    #[error("--seconds must be from {SECONDS_MIN} to {SECONDS_MAX}, not {0}")]
    Seconds(f64),
    /// Nobody writes, or more than the server lets in.
    #[error("--writers must be from 1 to {WRITERS_MAX}, not {0}")]
    Writers(u32),
    /// A list without anything in it, or with the same twice.
    #[error("--{0} must name at least one, and none twice")]
    List(&'static str),
}

impl Plan {
    /// A plan, when it can be carried out.
    ///
    /// # Errors
    /// [`BadPlan`], which says what is allowed.
    pub fn try_new(
        works: Vec<Work>,
        writers: Vec<u32>,
        rounds: u32,
        seconds: f64,
    ) -> Result<Self, BadPlan> {
        if !(1..=ROUNDS_MAX).contains(&rounds) {
            return Err(BadPlan::Rounds(rounds));
        }
        if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
            return Err(BadPlan::Seconds(seconds));
        }
        if let Some(bad) = writers.iter().find(|w| !(1..=WRITERS_MAX).contains(*w)) {
            return Err(BadPlan::Writers(*bad));
        }
        if works.is_empty() || twice(&works) {
            return Err(BadPlan::List("works"));
        }
        if writers.is_empty() || twice(&writers) {
            return Err(BadPlan::List("writers"));
        }
        let span = Span::of(seconds);
        Ok(Self {
            works,
            writers,
            rounds,
            span,
        })
    }

    /// How often each cell is measured.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// How long each cell is measured.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Every cell once, in the order of the tables.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        self.round(0)
    }

    /// Every cell in every round. Variants that are compared stand next to each other, and each round another one
    /// begins: what the machine does meanwhile meets all of them alike.
    #[must_use]
    pub fn turns(&self) -> Vec<Cell> {
        (0..self.rounds)
            .flat_map(|round| self.round(round))
            .collect()
    }

    fn round(&self, round: u32) -> Vec<Cell> {
        let mut cells = Vec::new();
        for work in self.works.iter().copied() {
            for writers in self.writers.iter().copied() {
                let mut variants = work.variants().to_vec();
                let first = round as usize % variants.len();
                variants.rotate_left(first);
                cells.extend(variants.into_iter().map(|variant| Cell {
                    work,
                    variant,
                    writers,
                }));
            }
        }
        cells
    }
}

impl Span {
    /// Connections are open and plans are made well within a second; a short measurement warms up for less.
    fn of(seconds: f64) -> Self {
        Self {
            warm_up: Duration::from_secs_f64((seconds * 0.3).clamp(0.05, 0.9)),
            measured: Duration::from_secs_f64(seconds),
        }
    }

    /// Both together.
    #[must_use]
    pub fn whole(self) -> Duration {
        self.warm_up + self.measured
    }
}

fn twice<T: PartialEq>(list: &[T]) -> bool {
    list.iter()
        .enumerate()
        .any(|(at, one)| list[..at].contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Variant;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn plan(rounds: u32) -> Plan {
        Plan::try_new(Work::APPEND.to_vec(), vec![1, 8, 32], rounds, 3.0).unwrap()
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_with_what_can() {
        let works = || vec![Work::Execute1];
        let refused = |works, writers, rounds, seconds| {
            Plan::try_new(works, writers, rounds, seconds)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(works(), vec![1], 0, 3.0).contains("--rounds must be from 1"));
        assert!(refused(works(), vec![1], 101, 3.0).contains("101"));
        assert!(refused(works(), vec![1], 5, 0.0).contains("--seconds"));
        assert!(refused(works(), vec![1], 5, f64::NAN).contains("NaN"));
        assert!(refused(works(), vec![1, 0], 5, 3.0).contains("--writers must be from 1 to 128"));
        assert!(refused(works(), vec![], 5, 3.0).contains("--writers must name at least one"));
        assert!(refused(works(), vec![8, 8], 5, 3.0).contains("none twice"));
        assert!(refused(vec![], vec![1], 5, 3.0).contains("--works"));
    }

    #[test]
    fn each_round_another_variant_begins() {
        let first = |round| plan(3).round(round)[0].variant;
        let order = Work::Execute1.variants();
        assert_eq!([0, 1, 2, 3].map(first), order);
        assert_eq!(first(4), Variant::Pgbench);
    }

    proptest! {
        #[test]
        fn every_cell_is_measured_once_in_every_round(rounds in 1_u32..9) {
            let plan = plan(rounds);
            let mut count: HashMap<Cell, u32> = HashMap::new();
            for cell in plan.turns() {
                *count.entry(cell).or_default() += 1;
            }
            prop_assert_eq!(count.len(), plan.cells().len());
            prop_assert!(count.values().all(|n| *n == rounds));
        }

        #[test]
        fn what_is_compared_stands_next_to_each_other(rounds in 1_u32..9) {
            for group in plan(rounds).turns().chunk_by(|a, b| (a.work, a.writers) == (b.work, b.writers)) {
                prop_assert_eq!(group.len(), group[0].work.variants().len());
            }
        }
    }
}
