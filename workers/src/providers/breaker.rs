//! A circuit breaker: an engine that keeps failing is left alone for a while, then asked once.

use super::{ProviderError, Retry};
use domain::scan::ProviderFault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls in a row that must fail (each after its own repetitions) before the engine is left alone.
const FAILURES_MAX: u32 = 5;
/// How long a failing engine is left alone.
const PAUSE: Duration = Duration::from_secs(30);
/// How long an engine is left alone that refuses our key or has no searches left: somebody has to
/// act first, and every call until then only tells it who is searching for what.
const LONG_PAUSE: Duration = Duration::from_secs(600);

/// Time comes with every call; there is no clock in here.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Instant,
    pause: Duration,
    fault: ProviderFault,
}

impl Breaker {
    /// Lets a call through, or says why not.
    ///
    /// When the pause is over, one call goes through as a probe and the pause begins anew for all
    /// others; so a probe that is dropped half-way blocks nobody for longer than a pause.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), ProviderError> {
        let mut state = self.state();
        let Some(open) = state.open else {
            return Ok(());
        };
        if now >= open.until {
            let until = now + open.pause;
            state.open = Some(Open { until, ..open });
            return Ok(());
        }
        let retry = match open.fault {
            ProviderFault::InvalidKey | ProviderFault::QuotaExhausted => Retry::GiveUp,
            ProviderFault::InvalidImage
            | ProviderFault::RateLimited
            | ProviderFault::Network
            | ProviderFault::Timeout
            | ProviderFault::NotConfigured
            | ProviderFault::ProviderError => Retry::TryAgain {
                after: Some(open.until - now),
            },
        };
        Err(ProviderError {
            fault: open.fault,
            retry,
            detail: "not asked: the circuit is open after earlier failures".to_owned(),
        })
    }

    /// Takes note of how a call ended.
    pub(crate) fn note(&self, ended: Result<(), ProviderFault>, now: Instant) {
        let mut state = self.state();
        let (fault, pause) = match ended {
            // An engine that judged the picture works.
            Ok(()) | Err(ProviderFault::InvalidImage) => {
                *state = State::default();
                return;
            }
            // Being too eager is our fault, and nothing was asked without a key.
            Err(ProviderFault::RateLimited | ProviderFault::NotConfigured) => return,
            Err(fault @ (ProviderFault::InvalidKey | ProviderFault::QuotaExhausted)) => {
                (fault, LONG_PAUSE)
            }
            Err(
                fault @ (ProviderFault::Network
                | ProviderFault::Timeout
                | ProviderFault::ProviderError),
            ) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures < FAILURES_MAX {
                    return;
                }
                (fault, PAUSE)
            }
        };
        if state.open.is_none() {
            tracing::warn!(?fault, seconds = pause.as_secs(), "an engine is left alone");
        }
        let until = now + pause;
        state.open = Some(Open {
            until,
            pause,
            fault,
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single assignment, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProviderFault::{InvalidImage, InvalidKey, Network, QuotaExhausted, RateLimited};

    fn after_failures(count: u32, now: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..count {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.note(Err(Network), now);
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_the_circuit_for_half_a_minute() {
        let now = Instant::now();
        assert_eq!(after_failures(4, now).admit(now), Ok(()));
        let refused = after_failures(5, now).admit(now + Duration::from_secs(10));
        let refused = refused.unwrap_err();
        assert_eq!(refused.fault, Network);
        let left = Some(Duration::from_secs(20));
        assert_eq!(refused.retry, Retry::TryAgain { after: left });
    }

    #[test]
    fn after_the_pause_one_call_goes_through_and_decides() {
        let now = Instant::now();
        let breaker = after_failures(5, now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(()));
        assert!(
            breaker.admit(later).is_err(),
            "a second one waits for the probe"
        );
        breaker.note(Err(Network), later);
        assert!(breaker.admit(later + PAUSE / 2).is_err());
        let again = later + PAUSE;
        assert_eq!(breaker.admit(again), Ok(()));
        breaker.note(Ok(()), again);
        assert_eq!(breaker.admit(again), Ok(()));
        breaker.note(Err(Network), again);
        assert_eq!(breaker.admit(again), Ok(()), "the count began anew");
    }

    #[test]
    fn a_probe_that_never_ends_blocks_for_one_pause_only() {
        let now = Instant::now();
        let breaker = after_failures(5, now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        assert_eq!(breaker.admit(now + PAUSE * 2), Ok(()));
    }

    #[test]
    fn a_refused_key_and_a_used_up_quota_open_it_at_once_and_for_long() {
        // PRV-4
        for fault in [InvalidKey, QuotaExhausted] {
            let (breaker, now) = (Breaker::default(), Instant::now());
            breaker.note(Err(fault), now);
            let refused = breaker.admit(now + PAUSE).unwrap_err();
            assert_eq!((refused.fault, refused.retry), (fault, Retry::GiveUp));
            assert_eq!(breaker.admit(now + LONG_PAUSE), Ok(()));
        }
    }

    #[test]
    fn neither_her_picture_nor_our_haste_counts_against_the_engine() {
        let now = Instant::now();
        let breaker = after_failures(4, now);
        breaker.note(Err(RateLimited), now);
        assert_eq!(breaker.admit(now), Ok(()));
        breaker.note(Err(InvalidImage), now);
        breaker.note(Err(Network), now);
        assert_eq!(breaker.admit(now), Ok(()));
    }
}
