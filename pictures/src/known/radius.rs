//! How far to look, and in which words a hash so near must give itself away.

use crate::pdq::{DISTANCE_MAX, Hash};

/// Words of sixteen bits in a hash.
pub const WORDS: usize = 16;
const BITS_OF_WORD: u16 = 16;

/// A distance in bits that can be searched exactly: 0 to 31.
///
/// Give each of the sixteen words a share, 0, 1 or 2, so that all shares make the radius and one
/// more. Were every word of two hashes as many bits apart as its share says, or more, the hashes
/// would be farther apart than the radius. So within the radius some word differs by less than its
/// share: not at all, or by one bit where the share is 2. At 31 bits every share is 2, and the 17
/// values of each of the sixteen words are all that must be looked for; at 32 one share would be 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Radius(u16);

/// A distance beyond [`Radius::MAX`], for which this search would miss hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("known hashes are searched within {DISTANCE_MAX} bits at most, not {bits}")]
pub struct TooWide {
    /// The distance that was asked for.
    pub bits: u16,
}

impl Radius {
    /// 31 bits, within which a picture is a near copy (HSH-1).
    pub const MAX: Self = Self(DISTANCE_MAX);

    /// The radius of so many bits.
    ///
    /// # Errors
    /// [`TooWide`] above 31.
    pub const fn try_new(bits: u16) -> Result<Self, TooWide> {
        if bits > DISTANCE_MAX {
            return Err(TooWide { bits });
        }
        Ok(Self(bits))
    }

    /// The greatest distance that is still within.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// What to look for: numbers of words, 0 to 15 from the most significant, and values of theirs.
    ///
    /// Every hash within the radius of `hash` has at least one of these. In order of words, and 17
    /// of each at [`Radius::MAX`].
    pub fn probes(self, hash: &Hash) -> impl Iterator<Item = (usize, u16)> {
        (0..WORDS).flat_map(move |at| self.values(hash, at).map(move |value| (at, value)))
    }

    /// The values of word `at` to look for.
    pub(super) fn values(self, hash: &Hash, at: usize) -> impl Iterator<Item = u16> + use<> {
        let value = word(hash, at);
        let share = self.share(at);
        let itself = (share >= 1).then_some(value);
        let one_bit_off = (0..BITS_OF_WORD).map(move |bit| value ^ (1 << bit));
        itself
            .into_iter()
            .chain(one_bit_off.filter(move |_| share >= 2))
    }

    /// The first word by which `other` is found from `hash`; none only beyond the radius.
    pub(super) fn first_word(self, hash: &Hash, other: &Hash) -> Option<usize> {
        (0..WORDS).find(|&at| {
            let differing = (word(hash, at) ^ word(other, at)).count_ones();
            differing < u32::from(self.share(at))
        })
    }

    fn share(self, at: usize) -> u16 {
        let (each, rest) = ((self.0 + 1) / BITS_OF_WORD, (self.0 + 1) % BITS_OF_WORD);
        each + u16::from(at < usize::from(rest))
    }
}

/// Word `at` of a hash, counted from its most significant bits.
pub(super) fn word(hash: &Hash, at: usize) -> u16 {
    let bytes = hash.bytes();
    u16::from_be_bytes([bytes[2 * at], bytes[2 * at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    // HSH-1: a share of 3 would need words that are two bits off.
    #[test]
    fn the_shares_of_each_radius_are_one_more_than_it_and_never_three() {
        for bits in 0..=31 {
            let radius = Radius::try_new(bits).unwrap();
            let shares: Vec<u16> = (0..WORDS).map(|at| radius.share(at)).collect();
            assert_eq!(shares.iter().sum::<u16>(), bits + 1);
            assert!(shares.iter().all(|share| *share <= 2), "{bits}: {shares:?}");
        }
        for bits in [32, 40, 63, 256, u16::MAX] {
            assert_eq!(Radius::try_new(bits), Err(TooWide { bits }));
        }
    }

    #[test]
    fn at_31_bits_there_are_16_times_17_probes_and_at_0_one() {
        let hash = Hash::from_bytes(std::array::from_fn(|at| at as u8));
        let mut probes: Vec<_> = Radius::MAX.probes(&hash).collect();
        assert_eq!(probes.len(), 272);
        assert_eq!(probes[0], (0, 0x0001));
        assert_eq!(probes[17], (1, 0x0203));
        assert!(probes[255..].contains(&(15, 0x9E1F)));
        probes.dedup();
        assert_eq!(probes.len(), 272, "none twice");
        let exact = Radius::try_new(0).unwrap();
        assert_eq!(exact.probes(&hash).collect::<Vec<_>>(), [(0, 0x0001)]);
    }
}
