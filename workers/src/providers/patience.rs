//! How often and for how long a call to an engine is repeated (rules, section 16).

use super::{ProviderError, Retry};
use eventstore::edge;
use std::time::{Duration, Instant};

/// Limits of the repetition inside one call; whatever takes longer goes back to the queue (PRV-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts at most, the first one included.
    pub attempts: u32,
    /// Wait before the first repetition; it doubles from there, give or take a tenth.
    pub base: Duration,
    /// Longest wait between two attempts.
    pub most: Duration,
    /// Longest time for all attempts and waits together.
    pub total: Duration,
}

impl RetryPolicy {
    /// The row for the copy search in section 16, within the 60 seconds of PRV-6.
    pub const COPY_SEARCH: Self = Self {
        attempts: 6,
        base: Duration::from_secs(1),
        most: Duration::from_secs(30),
        total: Duration::from_secs(60),
    };

    /// The row for the model host in section 16: two attempts and half a second between them, within PRV-6's minute.
    pub const MODEL_HOST: Self = Self {
        attempts: 2,
        base: Duration::from_millis(500),
        most: Duration::from_millis(500),
        total: Duration::from_secs(60),
    };

    /// One attempt, for tests and for callers that repeat by themselves.
    pub const ONCE: Self = Self {
        attempts: 1,
        ..Self::COPY_SEARCH
    };

    /// Repeats an attempt that takes up to `limit` until it succeeds or these limits are reached.
    pub(crate) async fn run<T, F>(
        &self,
        limit: Duration,
        attempt: impl Fn() -> F,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let begun = Instant::now();
        let mut made = 0;
        let mut once_used = false;
        loop {
            let failed = match attempt().await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            let again = match failed.repeat {
                Repeat::Never => false,
                Repeat::Once => !std::mem::replace(&mut once_used, true),
                Repeat::Allowed => true,
            };
            let wait = self.wait(made, failed.error.retry);
            made += 1;
            // An attempt that could not have its full time would be paid for and thrown away.
            let fits = begun.elapsed().saturating_add(wait).saturating_add(limit) <= self.total;
            if !again || made >= self.attempts || !fits {
                return Err(failed.error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn wait(&self, made: u32, retry: Retry) -> Duration {
        let own = edge::backoff(made, self.base, self.most);
        match retry {
            Retry::TryAgain { after: Some(after) } => own.max(after),
            Retry::TryAgain { after: None } | Retry::GiveUp => own,
        }
    }
}

/// An attempt that failed, and whether another one may follow within the same call.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ProviderError,
    pub(crate) repeat: Repeat,
}

/// Whether another attempt may follow within the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    Once,
    Allowed,
}

impl From<ProviderError> for Failed {
    /// What passes is repeated, what lasts is not.
    fn from(error: ProviderError) -> Self {
        let repeat = match error.retry {
            Retry::TryAgain { .. } => Repeat::Allowed,
            Retry::GiveUp => Repeat::Never,
        };
        Self { error, repeat }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::scan::ProviderFault::{InvalidKey, Network, ProviderError as Broken, RateLimited};
    use std::sync::atomic::{AtomicU32, Ordering};

    const QUICK: RetryPolicy = RetryPolicy {
        attempts: 6,
        base: Duration::from_millis(1),
        most: Duration::from_millis(4),
        total: Duration::from_secs(60),
    };
    const LIMIT: Duration = Duration::from_secs(15);

    /// Runs attempts that fail with these errors, one after the other, and counts them.
    async fn attempts(policy: RetryPolicy, failed: impl Fn() -> Failed) -> u32 {
        let made = AtomicU32::new(0);
        let outcome: Result<(), _> = policy
            .run(LIMIT, || async {
                made.fetch_add(1, Ordering::Relaxed);
                Err(failed())
            })
            .await;
        assert!(outcome.is_err());
        made.into_inner()
    }

    #[tokio::test]
    async fn what_passes_is_tried_six_times_and_what_lasts_once() {
        // rules section 16: 1 + 5
        let passing = || ProviderError::passing(Network, "").into();
        let lasting = || ProviderError::lasting(InvalidKey, "").into();
        assert_eq!(attempts(QUICK, passing).await, 6);
        assert_eq!(attempts(QUICK, lasting).await, 1);
        assert_eq!(attempts(RetryPolicy::ONCE, passing).await, 1);
    }

    #[tokio::test]
    async fn a_malformed_answer_is_asked_for_once_more() {
        let malformed = || Failed {
            error: ProviderError::lasting(Broken, ""),
            repeat: Repeat::Once,
        };
        assert_eq!(attempts(QUICK, malformed).await, 2);
    }

    #[tokio::test]
    async fn no_attempt_begins_that_could_not_end_within_the_total() {
        // PRV-6
        let short = RetryPolicy {
            total: LIMIT,
            ..QUICK
        };
        let passing = || ProviderError::passing(Network, "").into();
        assert_eq!(attempts(short, passing).await, 1);
        let later = || {
            let retry = Retry::TryAgain {
                after: Some(Duration::from_secs(46)),
            };
            let detail = String::new();
            ProviderError {
                fault: RateLimited,
                retry,
                detail,
            }
            .into()
        };
        assert_eq!(attempts(QUICK, later).await, 1);
    }

    #[test]
    fn the_longest_run_of_the_copy_search_stays_within_a_minute() {
        // PRV-6: five waits of 1 + 2 + 4 + 8 + 16 s, a tenth more at most, when every answer is quick
        let policy = RetryPolicy::COPY_SEARCH;
        let waits: Duration = (0..5)
            .map(|made| policy.wait(made, Retry::TryAgain { after: None }))
            .sum();
        assert!(waits < policy.total.saturating_sub(LIMIT), "{waits:?}");
    }
}
