//! The 256 bits themselves: written, read, compared.

use std::fmt;

/// A PDQ hash. The first byte holds bits 255 to 248, as its hex form begins with them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// Text that is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PDQ hash is 64 hexadecimal digits")]
pub struct NotAHash;

impl Hash {
    /// Bits in a hash, and so the greatest distance.
    pub const BITS: u16 = 256;

    /// The hash of these bytes, most significant bit first.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Most significant bit first, as a database's `bit(256)` wants it.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits, the form in which PDQ hashes are published.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hex digits, letter case ignored.
    ///
    /// # Errors
    /// [`NotAHash`] for anything else (HSH-1).
    pub fn parse(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Self(bytes))
    }

    /// How many of the 256 bits differ (HSH-1).
    pub fn distance(&self, other: &Self) -> u16 {
        let (one, two) = (self.0.as_chunks().0, other.0.as_chunks().0);
        let pairs = one.iter().zip(two).map(|(one, two)| {
            let differing = u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*two);
            differing.count_ones() as u16
        });
        pairs.sum()
    }

    /// Sets bit `at` of the 256, counted from the least significant.
    pub(super) fn set(&mut self, at: usize) {
        self.0[31 - at / 8] |= 1 << (at % 8);
    }

    /// No bit set.
    pub(super) const fn empty() -> Self {
        Self([0; 32])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Hash {
    // A hash finds her picture again wherever it is; the full one belongs in no log (IMG-9).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({}…)", &self.hex()[..4])
    }
}
