//! The partitions of the bus: which one a stream belongs to, and what was published on each of them last.

use crate::log::{Log, ReadFault};
use crate::recorded::Recorded;
use sha2::{Digest, Sha256};

/// Streams are spread over this many partitions; all events of one stream share one.
pub const PARTITIONS: u8 = 16;
/// Events that are looked at together on the way back through the log. The next one is on a given partition with a
/// chance of 1 in 16, so one page nearly always shows them all.
const PAGE: i64 = 1_000;

/// The partition of a stream: the first byte of the SHA-256 of its id, modulo [`PARTITIONS`].
#[must_use]
pub fn partition(stream: &str) -> u8 {
    Sha256::digest(stream.as_bytes())[0] % PARTITIONS
}

/// The position of the last event on each partition; 0 where there is none. It follows from the log alone, so whoever
/// publishes an event, now or anew, says the same of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partitions([i64; PARTITIONS as usize]);

impl Partitions {
    /// As they stand after the event at a position; all empty at position 0.
    ///
    /// Reads the log backwards until each partition was met, so a partition without any event costs the way to its
    /// beginning.
    ///
    /// # Errors
    /// [`ReadFault::Unreachable`].
    pub async fn after(log: &Log, position: i64) -> Result<Self, ReadFault> {
        let (mut last, mut before) = (Self::default(), position + 1);
        while before > 1 && last.0.contains(&0) {
            let places = log.places_before(before, PAGE).await?;
            let Some((earliest, _)) = places.last() else {
                break;
            };
            before = *earliest;
            for (position, stream) in places {
                let its = last.of(&stream);
                *its = (*its).max(position);
            }
        }
        Ok(last)
    }

    /// Takes an event in; the position of the one before it on its partition, 0 when it is the first there.
    pub fn take(&mut self, event: &Recorded) -> i64 {
        std::mem::replace(self.of(&event.stream), event.position)
    }

    fn of(&mut self, stream: &str) -> &mut i64 {
        // In range: `partition` is below the length.
        &mut self.0[usize::from(partition(stream))]
    }
}
