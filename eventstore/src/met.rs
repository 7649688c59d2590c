//! Streams that this process has met: the first command on one may well begin it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Streams that are remembered, at 8 bytes each. One that was forgotten for another is met once more, which costs a
/// vain try and nothing else.
const REMEMBERED: usize = 1 << 16;

/// The memory, shared by all clones.
#[derive(Debug, Clone)]
pub(crate) struct Met(Arc<[AtomicU64]>);

impl Met {
    pub fn nobody() -> Self {
        Self((0..REMEMBERED).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether this is the first time, as far as is remembered. From now on it is not.
    pub fn is_first(&self, noun: &str, stream: Uuid) -> bool {
        let mut hasher = DefaultHasher::new();
        (noun, stream).hash(&mut hasher);
        let hash = hasher.finish();
        let place = usize::try_from(hash % REMEMBERED as u64).unwrap_or_default();
        let Some(place) = self.0.get(place) else {
            return false;
        };
        place.swap(hash, Ordering::Relaxed) != hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_met_once_and_streams_of_other_nouns_are_others() {
        let met = Met::nobody();
        let stream = Uuid::from_u128(7);
        let turns = [
            ("scan", true),
            ("scan", false),
            ("user", true),
            ("scan", false),
        ];
        for (noun, first) in turns {
            assert_eq!(met.is_first(noun, stream), first, "{noun}");
        }
    }

    #[test]
    fn far_more_streams_than_are_remembered_need_no_more_room_and_are_met_anew() {
        let met = Met::nobody();
        let all = || (0..3 * REMEMBERED as u128).map(Uuid::from_u128);
        assert!(all().all(|stream| met.is_first("scan", stream)));
        let again = all().filter(|stream| met.is_first("scan", *stream)).count();
        assert!(again > 0 && met.0.len() == REMEMBERED, "{again}");
    }
}
