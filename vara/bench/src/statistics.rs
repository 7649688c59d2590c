//! From single calls to the figures of a table.

use crate::plan::Span;
use std::time::Duration;

/// One call that was answered, in microseconds since the first one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// When its answer came.
    pub ended_us: u64,
    /// How long the caller waited for it.
    pub took_us: u64,
}

/// What one measurement of one cell gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Answered calls in each second of the measured time.
    pub calls_per_s: f64,
    /// What each of them took, in microseconds, in no order.
    pub took_us: Vec<u64>,
}

/// The work ended before the measured time did, so that a rate over it would be a lie.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the work ended after {ended_s:.2} s, before the measured time of {due_s:.2} s was over")]
pub struct EndedEarly {
    ended_s: f64,
    due_s: f64,
}

/// The figures of one cell over all rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Median over the rounds.
    pub calls_per_s: f64,
    /// Half of all calls took at most this long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 calls took at most this long, in milliseconds.
    pub p99_ms: f64,
}

impl Sample {
    /// What happened between the end of the warm-up and the end of the measured time.
    ///
    /// # Errors
    /// [`EndedEarly`], when less than nine tenths of that time were worked.
    pub fn of(calls: &[Call], span: Span) -> Result<Self, EndedEarly> {
        let from = micros(span.warm_up);
        let to = from + micros(span.measured);
        let ended = calls.iter().map(|call| call.ended_us).max().unwrap_or(0);
        if ended < to - micros(span.measured) / 10 {
            let (ended_s, due_s) = (ended as f64 / 1e6, to as f64 / 1e6);
            return Err(EndedEarly { ended_s, due_s });
        }
        let inside = calls
            .iter()
            .filter(|call| (from..to).contains(&call.ended_us));
        let took_us: Vec<u64> = inside.map(|call| call.took_us).collect();
        let calls_per_s = took_us.len() as f64 / span.measured.as_secs_f64();
        Ok(Self {
            calls_per_s,
            took_us,
        })
    }
}

impl Figures {
    /// The figures of one cell's samples: the median of the rates, percentiles of all calls of all rounds.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Self {
        let mut rates: Vec<f64> = samples.iter().map(|sample| sample.calls_per_s).collect();
        let took = samples.iter().flat_map(|sample| &sample.took_us).copied();
        let mut took: Vec<u64> = took.collect();
        took.sort_unstable();
        let ms = |share| percentile(&took, share) as f64 / 1e3;
        Self {
            calls_per_s: median(&mut rates),
            p50_ms: ms(0.50),
            p99_ms: ms(0.99),
        }
    }
}

/// The middle value, or the mean of the two middle ones; 0 of nothing.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => 0.0,
        even if even.len() % 2 == 0 => f64::midpoint(even[middle - 1], even[middle]),
        odd => odd[middle],
    }
}

/// The smallest value that `share` of the sorted values do not exceed (nearest rank); 0 of nothing.
#[must_use]
pub fn percentile(sorted: &[u64], share: f64) -> u64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// The same of times in any order, in milliseconds.
#[must_use]
pub fn percentile_ms(times: &[Duration], share: f64) -> f64 {
    let mut sorted: Vec<u64> = times.iter().copied().map(micros).collect();
    sorted.sort_unstable();
    percentile(&sorted, share) as f64 / 1e3
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPAN: Span = Span {
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(2),
    };

    fn every_ms(until_ms: u64) -> Vec<Call> {
        (1..=until_ms)
            .map(|ms| Call {
                ended_us: ms * 1_000,
                took_us: ms,
            })
            .collect()
    }

    #[test]
    fn known_middles() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn known_percentiles_by_nearest_rank() {
        // The example of the definition: 15, 20, 35, 40, 50 (nearest rank, NIST handbook 7.2.6.2 without interpolation).
        let sorted = [15, 20, 35, 40, 50];
        let at = |share| percentile(&sorted, share);
        assert_eq!([0.05, 0.30, 0.40, 0.50, 1.0].map(at), [15, 20, 20, 35, 50]);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 0.99), 99);
        assert_eq!(percentile(&[], 0.5), 0);
    }

    #[test]
    fn only_what_was_answered_in_the_measured_time_counts() {
        let sample = Sample::of(&every_ms(3_500), SPAN).unwrap();
        assert_eq!(sample.calls_per_s, 1_000.0);
        assert_eq!((sample.took_us[0], sample.took_us.len()), (1_000, 2_000));
    }

    #[test]
    fn work_that_stopped_half_way_gives_no_rate() {
        let refusal = Sample::of(&every_ms(2_000), SPAN).unwrap_err().to_string();
        assert!(
            refusal.contains("2.00 s") && refusal.contains("3.00 s"),
            "{refusal}"
        );
        assert!(Sample::of(&[], SPAN).is_err());
    }

    #[test]
    fn rates_are_taken_by_round_and_latencies_over_all_rounds() {
        let round = |calls_per_s, took_us: &[u64]| Sample {
            calls_per_s,
            took_us: took_us.to_vec(),
        };
        let rounds = [
            round(10.0, &[1_000]),
            round(30.0, &[2_000, 3_000]),
            round(20.0, &[9_000]),
        ];
        let figures = Figures::of(&rounds);
        assert_eq!(
            (figures.calls_per_s, figures.p50_ms, figures.p99_ms),
            (20.0, 2.0, 9.0)
        );
    }

    proptest! {
        #[test]
        fn a_percentile_is_one_of_the_values_and_splits_them_as_it_says(
            mut values in prop::collection::vec(0_u64..1_000, 1..200), share in 0.01_f64..=1.0,
        ) {
            values.sort_unstable();
            let cut = percentile(&values, share);
            let count = |is: &dyn Fn(&u64) -> bool| values.iter().filter(|v| is(v)).count() as f64;
            prop_assert!(values.contains(&cut));
            prop_assert!(count(&|v| *v <= cut) >= share * values.len() as f64);
            prop_assert!(count(&|v| *v < cut) < share * values.len() as f64);
        }

        #[test]
        fn the_median_does_not_depend_on_the_order_and_lies_between_the_ends(
            values in prop::collection::vec(-1e9_f64..1e9, 1..50), by in 0_usize..50,
        ) {
            let (mut one, mut two) = (values.clone(), values.clone());
            let by = by % two.len();
            two.rotate_left(by);
            let middle = median(&mut one);
            prop_assert_eq!(middle, median(&mut two));
            prop_assert!(one[0] <= middle && middle <= one[one.len() - 1]);
        }
    }
}
