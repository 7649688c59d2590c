//! RFC 6962, section 2.1, word for word: what the crate's answers are compared with.

use proof::Hash;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

/// All trees over the first n of these leaves. Hashes of ranges are remembered, or nobody would live to see the end.
pub struct Reference {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<Range<usize>, Hash>>,
}

impl Reference {
    pub fn of(leaves: &[Hash]) -> Self {
        Self {
            leaves: leaves.to_vec(),
            known: RefCell::default(),
        }
    }

    /// MTH(D[0:size]).
    pub fn root(&self, size: usize) -> Hash {
        self.hash(0..size)
    }

    /// PATH(index, D[0:size]).
    pub fn path(&self, index: usize, size: usize) -> Vec<Hash> {
        let (mut range, mut path) = (0..size, Vec::new());
        while range.len() > 1 {
            let (left, right) = split(&range);
            let (towards, sibling) = if left.contains(&index) {
                (left, right)
            } else {
                (right, left)
            };
            path.push(self.hash(sibling));
            range = towards;
        }
        path.reverse();
        path
    }

    /// PROOF(old, D[0:new]).
    pub fn consistency(&self, old: usize, new: usize) -> Vec<Hash> {
        let (mut range, mut known, mut proof) = (0..new, true, Vec::new());
        while old != range.end {
            let (left, right) = split(&range);
            let (towards, sibling) = if old <= left.end {
                (left, right)
            } else {
                known = false;
                (right, left)
            };
            proof.push(self.hash(sibling));
            range = towards;
        }
        if !known {
            proof.push(self.hash(range));
        }
        proof.reverse();
        proof
    }

    fn hash(&self, range: Range<usize>) -> Hash {
        if range.len() == 1 {
            return self.leaves[range.start];
        }
        if range.is_empty() {
            return Hash(Sha256::digest([]).into());
        }
        if let Some(hash) = self.known.borrow().get(&range) {
            return *hash;
        }
        let (left, right) = split(&range);
        let (left, right) = (self.hash(left), self.hash(right));
        let hash = Hash(Sha256::digest([&[1], &left.0[..], &right.0[..]].concat()).into());
        self.known.borrow_mut().insert(range, hash);
        hash
    }
}

/// MTH over these leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    Reference::of(leaves).root(leaves.len())
}

/// D[0:k] and D[k:n], for the largest power of two k smaller than n.
fn split(range: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = range.start + range.len().next_power_of_two() / 2;
    (range.start..middle, middle..range.end)
}
