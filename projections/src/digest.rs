//! The digest of a read model: one number for all of its rows, whatever their order, that changes with each row.
//!
//! Each row counts as the SHA-256 of its table's name and its JSON; the digest is their sum, in four lanes of 64
//! bits that wrap. So a projector keeps it by taking away the row as it was and adding the row as it is, and two
//! read models with the same rows have the same digest. It finds mistakes; it is no seal against an attacker, who
//! can search for rows of a wanted sum: that is what the proof over the log is for.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The sum over all rows. The empty read model's digest is all zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u64; 4]);

impl Digest {
    /// What one row counts for.
    #[must_use]
    pub fn of_row(table: &str, row: &Value) -> Self {
        let hash = Sha256::new()
            .chain_update(table)
            .chain_update([0])
            .chain_update(row.to_string())
            .finalize();
        let mut lanes = [0_u64; 4];
        for (lane, bytes) in lanes.iter_mut().zip(hash.chunks_exact(8)) {
            *lane = bytes
                .iter()
                .fold(0, |lane, byte| lane << 8 | u64::from(*byte));
        }
        Self(lanes)
    }

    /// With these rows as well.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, u64::wrapping_add)
    }

    /// Without these rows.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.each(other, u64::wrapping_sub)
    }

    fn each(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        let mut lanes = self.0;
        for (lane, other) in lanes.iter_mut().zip(other.0) {
            *lane = of(*lane, other);
        }
        Self(lanes)
    }

    /// 32 bytes, lane after lane, big-endian: as it is stored.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&lane.to_be_bytes());
        }
        bytes
    }

    /// As it was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut lanes = [0_u64; 4];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
            *lane = bytes
                .iter()
                .fold(0, |lane, byte| lane << 8 | u64::from(*byte));
        }
        Self(lanes)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(rows: &[u32]) -> Digest {
        let rows = rows
            .iter()
            .map(|n| Digest::of_row("read_things", &json!({ "n": n })));
        rows.fold(Digest::default(), Digest::plus)
    }

    #[test]
    fn the_same_row_of_two_tables_counts_differently() {
        let row = json!({ "id": 1 });
        assert_ne!(Digest::of_row("a", &row), Digest::of_row("b", &row));
        assert_ne!(
            Digest::of_row("a", &row),
            Digest::of_row("a", &json!({ "id": 2 }))
        );
    }

    #[test]
    fn a_known_row_has_a_known_digest() {
        // printf 'read_things\0{"n":1}' | sha256sum
        let digest = Digest::of_row("read_things", &json!({ "n": 1 }));
        assert_eq!(
            digest.to_string(),
            "36c12e2cefd89b9a35a89209dba2a8d633838d87d8787c16a8396021f248eb9c"
        );
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_count_and_each_row_does(
            mut rows in prop::collection::vec(0_u32..50, 1..40), at in 0_usize..40,
        ) {
            let digest = of(&rows);
            prop_assert_eq!(Digest::from_bytes(digest.to_bytes()), digest);
            rows.reverse();
            prop_assert_eq!(of(&rows), digest);
            let gone = rows.remove(at % rows.len());
            prop_assert_ne!(of(&rows), digest);
            prop_assert_eq!(digest.minus(of(&[gone])), of(&rows));
            prop_assert_eq!(of(&rows).plus(of(&[gone])), digest);
        }
    }
}
