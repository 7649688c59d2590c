//! Lists of known hashes, searched in memory: exactly, and in the time of a few thousand looks.
//!
//! A missed near copy is a picture of somebody that goes on unseen, so nothing here is approximate:
//! what [`Index::search`] finds is what a comparison with each hash of the list would find
//! (HSH-1). It is multi-index hashing with one table for each of the sixteen words of a hash; see
//! [`Radius`] for why that misses nothing.
//!
//! Memory: 96 bytes a hash (32 for itself, sixteen places of four) and 4.2 MB for the tables, so
//! 100 MB for a million. Uniform hashes share a word with one in 65,536 others; a list in which
//! many share one is searched as exactly, only slower.
//!
//! Absent on purpose: adding and removing. A list is built anew, which takes a fraction of a second
//! for a million, and searches go on in the index before until the new one takes its place.

mod radius;
mod table;

use std::fmt;

pub use radius::{Radius, TooWide, WORDS};

use crate::pdq::{Fingerprint, Hash, QUALITY_MIN};
use table::Table;

/// A hash that says enough to be compared (HSH-1), and so may stand in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparable(Hash);

/// A hash of a quality below 50, which is never compared (HSH-1): flat pictures share theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash of quality {quality} says too little to be compared, {QUALITY_MIN} is the least")]
pub struct SaysTooLittle {
    /// 0 to 49.
    pub quality: u8,
}

/// More hashes than an index can hold: 2^32 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an index holds at most 4294967295 hashes")]
pub struct TooMany;

impl Comparable {
    /// The hash, if its quality is 50 or more.
    ///
    /// # Errors
    /// [`SaysTooLittle`] otherwise.
    pub fn try_new(hash: Hash, quality: u8) -> Result<Self, SaysTooLittle> {
        if quality < QUALITY_MIN {
            return Err(SaysTooLittle { quality });
        }
        Ok(Self(hash))
    }

    /// The hash itself.
    pub const fn hash(&self) -> &Hash {
        &self.0
    }
}

/// A known hash near the picture that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// Its place in the list that the index was built of, from 0.
    pub place: usize,
    /// Its distance in bits to the nearest of the eight turns.
    pub distance: u16,
}

/// A list of known hashes, ready to be searched.
pub struct Index {
    hashes: Box<[Aligned]>,
    tables: Vec<Table>,
}

/// One hash never lies across two lines of the processor's cache.
#[repr(align(32))]
struct Aligned(Hash);

impl Index {
    /// The index of these hashes; the place of each is that in which it comes.
    ///
    /// # Errors
    /// [`TooMany`] where there are 2^32 of them or more.
    pub fn build(known: impl IntoIterator<Item = Comparable>) -> Result<Self, TooMany> {
        let hashes: Box<[Aligned]> = known.into_iter().map(|known| Aligned(known.0)).collect();
        u32::try_from(hashes.len()).map_err(|_| TooMany)?;
        let values = |at| hashes.iter().map(move |hash| radius::word(&hash.0, at));
        let tables = (0..WORDS).map(|at| Table::of(values(at))).collect();
        Ok(Self { hashes, tables })
    }

    /// How many hashes it holds.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Every known hash within `radius` of any of the eight turns, each once: the nearest first,
    /// then by place.
    ///
    /// # Errors
    /// [`SaysTooLittle`] for a picture of quality below 50. That is not "nothing was found": it was
    /// not searched.
    pub fn search(&self, query: &Fingerprint, radius: Radius) -> Result<Vec<Near>, SaysTooLittle> {
        Comparable::try_new(query.hash, query.quality)?;
        let mut near = Vec::new();
        let mut candidates = Candidates::default();
        for turn in &query.turns {
            for word in 0..WORDS {
                self.gather(turn, word, radius, &mut candidates);
                candidates.compare(turn, word, radius, &mut near);
            }
        }
        near.sort_unstable_by_key(|near| (near.place, near.distance));
        near.dedup_by_key(|near| near.place);
        near.sort_unstable_by_key(|near| (near.distance, near.place));
        Ok(near)
    }

    /// The hashes that one word may give away. They lie anywhere in memory: fetched one after the
    /// other, with nothing between, the processor waits for many of them at once.
    fn gather(&self, turn: &Hash, word: usize, radius: Radius, into: &mut Candidates) {
        into.places.clear();
        for value in radius.values(turn, word) {
            into.places
                .extend_from_slice(self.tables[word].places_of(value));
        }
        into.hashes.clear();
        let hashes = into
            .places
            .iter()
            .map(|place| self.hashes[*place as usize].0);
        into.hashes.extend(hashes);
    }
}

/// Hashes that may be near, and their places.
#[derive(Default)]
struct Candidates {
    places: Vec<u32>,
    hashes: Vec<Hash>,
}

impl Candidates {
    fn compare(&self, turn: &Hash, word: usize, radius: Radius, near: &mut Vec<Near>) {
        for (known, place) in self.hashes.iter().zip(&self.places) {
            let distance = turn.distance(known);
            // A near hash is a candidate of each word that gives it away; the first one counts.
            if distance <= radius.bits() && radius.first_word(turn, known) == Some(word) {
                let place = *place as usize;
                near.push(Near { place, distance });
            }
        }
    }
}

impl fmt::Debug for Index {
    // A hash finds a picture again wherever it is; a list of them belongs in no log (IMG-9).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} hashes)", self.len())
    }
}
