//! Opened keys in memory: for a minute at most, and not beyond the moment in which one is known to be destroyed.

use super::SubjectKey;
use domain::ids::UserId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Longest time an opened key stays in memory (reliability 2.8).
pub(super) const KEPT: Duration = Duration::from_secs(60);
/// Most opened keys in memory at once.
const KEPT_MAX: usize = 10_000;

/// The opened keys of one process. Time is told by the caller.
#[derive(Debug)]
pub(super) struct Opened {
    lifetime: Duration,
    keys: HashMap<UserId, (SubjectKey, Instant)>,
    /// How often something was forgotten: a key that was read before then may be a destroyed one.
    term: u64,
}

impl Default for Opened {
    fn default() -> Self {
        Self {
            lifetime: KEPT,
            keys: HashMap::new(),
            term: 0,
        }
    }
}

impl Opened {
    /// Keeps keys for so long instead; never longer than a minute.
    pub(super) fn keep_for(&mut self, lifetime: Duration) {
        self.lifetime = lifetime.min(KEPT);
    }

    pub(super) fn get(&self, subject: UserId, now: Instant) -> Option<SubjectKey> {
        self.keys
            .get(&subject)
            .filter(|(_, since)| now.duration_since(*since) < self.lifetime)
            .map(|(key, _)| key.clone())
    }

    /// To be asked for before a key is read from the database, and told when it is kept.
    pub(super) const fn term(&self) -> u64 {
        self.term
    }

    /// Keeps keys that were read in a term; none of them where something was forgotten meanwhile.
    pub(super) fn keep<'k>(
        &mut self,
        term: u64,
        keys: impl IntoIterator<Item = (UserId, &'k SubjectKey)>,
        now: Instant,
    ) {
        self.sweep(now);
        if term != self.term {
            return;
        }
        for (subject, key) in keys {
            if self.keys.len() < KEPT_MAX {
                self.keys
                    .entry(subject)
                    .or_insert_with(|| (key.clone(), now));
            }
        }
    }

    pub(super) fn forget(&mut self, subject: UserId) {
        self.keys.remove(&subject);
        self.term += 1;
    }

    pub(super) fn forget_all(&mut self) {
        self.keys.clear();
        self.term += 1;
    }

    /// Wipes the keys whose time is over, also where nobody asks for them again.
    pub(super) fn sweep(&mut self, now: Instant) {
        let lifetime = self.lifetime;
        self.keys
            .retain(|_, (_, since)| now.duration_since(*since) < lifetime);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::fresh_id;

    fn kept_at(now: Instant) -> (Opened, UserId) {
        let (mut opened, subject) = (Opened::default(), UserId(fresh_id()));
        let key = SubjectKey::generate();
        opened.keep(opened.term(), [(subject, &key)], now);
        (opened, subject)
    }

    #[test]
    fn an_opened_key_is_there_for_a_minute_and_not_a_moment_longer() {
        let then = Instant::now();
        let (mut opened, subject) = kept_at(then);
        let last = then + KEPT - Duration::from_nanos(1);
        assert!(opened.get(subject, last).is_some());
        opened.sweep(last);
        assert!(opened.get(subject, then + KEPT).is_none());
        assert_eq!(opened.keys.len(), 1, "it still lies there");
        opened.sweep(then + KEPT);
        assert!(opened.keys.is_empty(), "and is wiped by the next sweep");
    }

    #[test]
    fn asking_again_does_not_make_it_stay_longer() {
        let then = Instant::now();
        let (mut opened, subject) = kept_at(then);
        let key = opened.get(subject, then + KEPT / 2).unwrap();
        opened.keep(opened.term(), [(subject, &key)], then + KEPT / 2);
        assert!(opened.get(subject, then + KEPT).is_none());
    }

    #[test]
    fn nobody_can_have_it_stay_longer_than_a_minute() {
        let then = Instant::now();
        let (mut opened, subject) = kept_at(then);
        opened.keep_for(KEPT * 2);
        assert!(opened.get(subject, then + KEPT).is_none());
        opened.keep_for(Duration::from_secs(1));
        assert!(opened.get(subject, then + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn a_key_that_was_read_before_something_was_forgotten_is_not_kept() {
        let (now, subject) = (Instant::now(), UserId(fresh_id()));
        let (mut opened, key) = (Opened::default(), SubjectKey::generate());
        for forget in [
            (|opened: &mut Opened, subject| opened.forget(subject)) as fn(&mut Opened, UserId),
            |opened, _| opened.forget_all(),
        ] {
            let read_in = opened.term();
            forget(&mut opened, subject);
            opened.keep(read_in, [(subject, &key)], now);
            assert!(opened.get(subject, now).is_none());
        }
        opened.keep(opened.term(), [(subject, &key)], now);
        assert!(opened.get(subject, now).is_some());
    }
}
