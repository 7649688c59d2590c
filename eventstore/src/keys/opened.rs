//! Opened keys in memory: for a minute at most, and not beyond the moment in which one is known to be destroyed.

use super::SubjectKey;
use super::pictures::{Salt, Salts};
use domain::ids::{ImageId, UserId};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

/// Longest time an opened key stays in memory (reliability 2.8).
pub(super) const KEPT: Duration = Duration::from_secs(60);
/// Most opened keys in memory at once, and most salts of pictures: a replay that passes many pictures leaves room for subjects.
const KEPT_MAX: usize = 10_000;

/// The opened keys of one process. Time is told by the caller.
#[derive(Debug)]
pub(super) struct Opened {
    lifetime: Duration,
    keys: Held<UserId, SubjectKey>,
    /// Not the keys of pictures: these are made anew each time, so that none of hers is left when her own key is forgotten.
    salts: Held<ImageId, Option<Salt>>,
    /// How often something was forgotten: a key that was read before then may be a destroyed one.
    term: u64,
}

/// Things by their ids, and since when they are here.
type Held<I, V> = HashMap<I, (V, Instant)>;

impl Default for Opened {
    fn default() -> Self {
        Self {
            lifetime: KEPT,
            keys: Held::new(),
            salts: Held::new(),
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
        self.held(&self.keys, &subject, now)
    }

    /// The salt of a picture, or that it has none any more; nothing where that is to be asked.
    pub(super) fn salt(&self, image: ImageId, now: Instant) -> Option<Option<Salt>> {
        self.held(&self.salts, &image, now)
    }

    fn held<I: Eq + Hash, V: Clone>(&self, from: &Held<I, V>, id: &I, now: Instant) -> Option<V> {
        from.get(id)
            .filter(|(_, since)| now.duration_since(*since) < self.lifetime)
            .map(|(value, _)| value.clone())
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
            hold(&mut self.keys, subject, key, now);
        }
    }

    /// The same for salts.
    pub(super) fn keep_salts(&mut self, term: u64, salts: &Salts, now: Instant) {
        self.sweep(now);
        if term != self.term {
            return;
        }
        for (image, salt) in salts {
            hold(&mut self.salts, *image, salt, now);
        }
    }

    pub(super) fn forget(&mut self, subject: UserId) {
        self.keys.remove(&subject);
        self.term += 1;
    }

    pub(super) fn forget_picture(&mut self, image: ImageId) {
        self.salts.remove(&image);
        self.term += 1;
    }

    pub(super) fn forget_all(&mut self) {
        self.keys.clear();
        self.salts.clear();
        self.term += 1;
    }

    /// Wipes the keys whose time is over, also where nobody asks for them again.
    pub(super) fn sweep(&mut self, now: Instant) {
        let lifetime = self.lifetime;
        self.keys
            .retain(|_, (_, since)| now.duration_since(*since) < lifetime);
        self.salts
            .retain(|_, (_, since)| now.duration_since(*since) < lifetime);
    }
}

fn hold<I: Eq + Hash, V: Clone>(into: &mut Held<I, V>, id: I, value: &V, now: Instant) {
    if into.len() < KEPT_MAX {
        into.entry(id).or_insert_with(|| (value.clone(), now));
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
    fn a_salt_has_its_minute_too_and_goes_alone() {
        // IMG-6
        let (now, gone, stays) = (Instant::now(), ImageId(fresh_id()), ImageId(fresh_id()));
        let (mut opened, subject) = kept_at(now);
        let salts = [gone, stays].map(|image| (image, Some(Salt::fresh())));
        opened.keep_salts(opened.term(), &Salts::from(salts), now);
        opened.forget_picture(gone);
        assert!(opened.salt(gone, now).is_none() && opened.get(subject, now).is_some());
        assert!(opened.salt(stays, now).is_some_and(|salt| salt.is_some()));
        assert!(opened.salt(stays, now + KEPT).is_none());
        opened.sweep(now + KEPT);
        assert!(opened.salts.is_empty());
        opened.keep_salts(opened.term(), &Salts::from([(gone, None)]), now);
        assert!(
            matches!(opened.salt(gone, now), Some(None)),
            "purged is an answer"
        );
        opened.forget_all();
        assert!(opened.salt(gone, now).is_none());
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
