//! The one place where time, fresh ids and chance enter Vara.

use chrono::{DateTime, SubsecRound, Utc};
use std::time::Duration;
use uuid::Uuid;

/// The time now, UTC, cut to milliseconds (rules, conventions).
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge that the lint points to"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// A fresh id that sorts by the time of its making (RFC 9562, version 7).
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge that the lint points to"
)]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// What this process is called where owners are told apart; another one at each start.
#[must_use]
pub fn this_process() -> Uuid {
    static NAME: std::sync::OnceLock<Uuid> = std::sync::OnceLock::new();
    *NAME.get_or_init(fresh_id)
}

/// A wait of `base` doubled for each attempt already made, cut at `most`, give or take a tenth.
#[must_use]
pub fn backoff(attempts_made: u32, base: Duration, most: Duration) -> Duration {
    let doubled = base
        .saturating_mul(1_u32 << attempts_made.min(16))
        .min(most);
    doubled.mul_f64(0.9 + 0.2 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_stays_within_a_tenth_and_has_a_ceiling() {
        // rules section 16: min(1 s * 2^n, 30 s) +- 10 %
        let (base, most) = (Duration::from_secs(1), Duration::from_secs(30));
        for (made, seconds) in [(0, 1.0), (1, 2.0), (4, 16.0), (5, 30.0), (40, 30.0)] {
            let wait = backoff(made, base, most).as_secs_f64();
            assert!(
                (seconds * 0.9..=seconds * 1.1).contains(&wait),
                "{made}: {wait}"
            );
        }
    }
}
