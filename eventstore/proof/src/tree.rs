//! The tree's arithmetic where the log's storage is not at hand: a root from passing leaves, proofs against a root.

use tlog_tiles::{EMPTY_HASH, Hash, check_record, check_tree, node_hash};

/// Largest tree that is looked at, in leaves: 2^48. Far beyond any log of ours, and far below the sizes at which the
/// shifts of tile arithmetic would overflow.
pub const SIZE_MAX: u64 = 1 << 48;

/// Most hashes of an honest proof: one for each level, and one more for a consistency proof.
const HASHES_MAX: usize = 49;

/// The root of leaves that pass by once. Holds one hash for each complete subtree: at most 48.
///
/// Ours, because `tlog_tiles` computes roots from stored hashes only, and a verifier stores none.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    size: u64,
    /// Roots of the complete subtrees, largest first: one for each bit of `size`.
    peaks: Vec<Hash>,
}

impl Fold {
    /// Takes the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(left, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many leaves were taken.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the leaves taken so far (RFC 6962, section 2.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        let from_the_right = self.peaks.iter().rev().copied();
        from_the_right
            .reduce(|right, left| node_hash(left, right))
            .unwrap_or(EMPTY_HASH)
    }
}

/// A proof that does not lead to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hashes do not lead to the signed root")]
pub struct NotProven;

/// Checks that the tree of `size` leaves with this root holds `leaf` at `index` (RFC 6962, section 2.1.1).
///
/// # Errors
/// [`NotProven`].
pub fn check_inclusion(
    hashes: &[Hash],
    size: u64,
    root: Hash,
    index: u64,
    leaf: Hash,
) -> Result<(), NotProven> {
    if size > SIZE_MAX || hashes.len() > HASHES_MAX {
        return Err(NotProven);
    }
    check_record(&hashes.to_vec(), size, root, index, leaf).map_err(|_| NotProven)
}

/// Checks that the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962, section 2.1.2). Each is given
/// as its size and its root. The empty tree is the beginning of every tree, with no hashes.
///
/// # Errors
/// [`NotProven`].
pub fn check_consistency(
    hashes: &[Hash],
    new: (u64, Hash),
    old: (u64, Hash),
) -> Result<(), NotProven> {
    if new.0 > SIZE_MAX || hashes.len() > HASHES_MAX {
        return Err(NotProven);
    }
    if old.0 == 0 {
        let holds = hashes.is_empty() && old.1 == EMPTY_HASH;
        return holds.then_some(()).ok_or(NotProven);
    }
    check_tree(&hashes.to_vec(), new.0, new.1, old.0, old.1).map_err(|_| NotProven)
}
