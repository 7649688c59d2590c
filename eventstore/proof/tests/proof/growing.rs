//! A tree that grows by any batches is the same tree, and its proofs are those of RFC 6962.

use crate::reference::{self, Reference};
use crate::support::{files, leaf, leaves};
use proof::{Hash, Ledger, LedgerFault, check_consistency, check_inclusion};
use proptest::prelude::*;

/// Trees up to this size are looked at from every side.
const EVERY: usize = 300;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_appended_in_any_batches_has_the_same_root_and_the_same_files(
        batches in prop::collection::vec(prop_oneof![0_usize..5, 250..260_usize, 0..1500_usize], 0..8),
        reopened in any::<[bool; 8]>(),
    ) {
        let all = leaves(batches.iter().sum());
        let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut whole = Ledger::open(one.path()).unwrap();
        whole.append(&all).unwrap();
        let mut ledger = Ledger::open(many.path()).unwrap();
        let mut rest = all.as_slice();
        for (batch, reopen) in batches.iter().zip(reopened) {
            let (now, later) = rest.split_at(*batch);
            ledger.append(now).unwrap();
            rest = later;
            if reopen {
                let before = (ledger.size(), ledger.root());
                drop(ledger);
                ledger = Ledger::open(many.path()).unwrap();
                prop_assert_eq!((ledger.size(), ledger.root()), before);
            }
        }
        prop_assert_eq!(ledger.root(), reference::root(&all));
        prop_assert_eq!(whole.root(), ledger.root());
        prop_assert_eq!(files(one.path()), files(many.path()));
    }
}

#[test]
fn a_tree_that_crosses_a_tile_of_level_one_is_the_same_in_small_and_in_large_batches() {
    let all = leaves(66_000);
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut whole = Ledger::open(one.path()).unwrap();
    whole.append(&all).unwrap();
    let mut ledger = Ledger::open(many.path()).unwrap();
    for batch in [65_000, 535, 1, 1, 255, 208] {
        let from = usize::try_from(ledger.size()).unwrap();
        ledger.append(&all[from..from + batch]).unwrap();
        assert_eq!(ledger.root(), reference::root(&all[..from + batch]));
    }
    assert_eq!(files(one.path()), files(many.path()));
    assert_eq!(
        ledger.root_at(65_535).unwrap(),
        reference::root(&all[..65_535])
    );
}

fn flipped(hash: Hash, bit: usize) -> Hash {
    let mut hash = hash;
    hash.0[bit / 8 % 32] ^= 1 << (bit % 8);
    hash
}

/// The hashes with one bit of one of them flipped, each in turn; the bit is another one each time.
fn spoiled(hashes: &[Hash], salt: usize) -> impl Iterator<Item = Vec<Hash>> {
    (0..hashes.len()).map(move |at| {
        let mut spoiled = hashes.to_vec();
        spoiled[at] = flipped(spoiled[at], salt * 31 + at * 7);
        spoiled
    })
}

#[test]
fn every_leaf_of_every_tree_is_proven_and_no_changed_proof_is_taken() {
    let all = leaves(EVERY);
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.append(&all).unwrap();
    let reference = Reference::of(&all);
    for size in 1..=EVERY {
        let (n, root) = (size as u64, reference.root(size));
        for (index, leaf) in all[..size].iter().copied().enumerate() {
            let i = index as u64;
            let hashes = reference.path(index, size);
            let holds = |hashes: &[Hash], n, root, i, leaf| {
                check_inclusion(hashes, n, root, i, leaf).is_ok()
            };
            assert!(holds(&hashes, n, root, i, leaf), "{index} of {size}");
            for spoiled in spoiled(&hashes, index + size) {
                assert!(!holds(&spoiled, n, root, i, leaf), "{index} of {size}");
            }
            assert!(!holds(&hashes, n, flipped(root, index), i, leaf));
            assert!(!holds(&hashes, n, root, i, flipped(leaf, index)));
            assert!(!holds(&hashes, n, root, i + 1, leaf));
            assert!(!holds(&[&hashes[..], &[leaf]].concat(), n, root, i, leaf));
            assert!(hashes.is_empty() || !holds(&hashes[1..], n, root, i, leaf));
            // The ledger reads each hash from its tiles; every seventh proof is compared.
            if (index + size) % 7 == 0 || size == EVERY {
                assert_eq!(ledger.inclusion(i, n).unwrap(), hashes, "{index} of {size}");
            }
        }
    }
}

#[test]
fn every_tree_is_proven_to_begin_with_every_older_one_and_no_changed_proof_is_taken() {
    let all = leaves(EVERY);
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.append(&all).unwrap();
    let reference = Reference::of(&all);
    let roots: Vec<Hash> = (0..=EVERY).map(|n| reference.root(n)).collect();
    for new in 1..=EVERY {
        let newer = (new as u64, roots[new]);
        check_consistency(&[], newer, (0, roots[0])).unwrap();
        for (old, root) in roots.iter().enumerate().take(new + 1).skip(1) {
            let older = (old as u64, *root);
            let hashes = reference.consistency(old, new);
            let holds =
                |hashes: &[Hash], newer, older| check_consistency(hashes, newer, older).is_ok();
            assert!(holds(&hashes, newer, older), "{old} in {new}");
            for spoiled in spoiled(&hashes, old + new) {
                assert!(!holds(&spoiled, newer, older), "{old} in {new}");
            }
            assert!(!holds(&hashes, (newer.0, flipped(newer.1, old)), older));
            assert!(!holds(&hashes, newer, (older.0, flipped(older.1, new))));
            assert!(!holds(&hashes, older, newer) || old == new);
            if (old + new) % 7 == 0 || new == EVERY {
                assert_eq!(
                    ledger.consistency(older.0, newer.0).unwrap(),
                    hashes,
                    "{old} in {new}"
                );
            }
        }
    }
}

#[test]
fn all_256_bits_of_every_hash_of_a_proof_count() {
    let all = leaves(EVERY);
    let reference = Reference::of(&all);
    let (root, hashes) = (reference.root(EVERY), reference.path(255, EVERY));
    for at in 0..hashes.len() {
        for bit in 0..256 {
            let mut spoiled = hashes.clone();
            spoiled[at] = flipped(spoiled[at], bit);
            let taken = check_inclusion(&spoiled, EVERY as u64, root, 255, all[255]);
            assert!(taken.is_err(), "bit {bit} of hash {at}");
        }
    }
}

#[test]
fn leaves_that_are_there_already_are_taken_again_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let all = leaves(700);
    ledger.append_from(0, &all[..600]).unwrap();
    ledger.append_from(250, &all[250..650]).unwrap();
    ledger.append_from(0, &all[..10]).unwrap();
    assert_eq!(
        (ledger.size(), ledger.root()),
        (650, reference::root(&all[..650]))
    );
    let beyond = ledger.append_from(651, &all[651..]);
    assert!(matches!(
        beyond,
        Err(LedgerFault::Beyond {
            asked: 651,
            size: 650
        })
    ));
    let mut others = all[600..].to_vec();
    others[20] = leaf(9_999);
    let differs = ledger.append_from(600, &others);
    assert!(matches!(differs, Err(LedgerFault::Differs { index: 620 })));
    assert_eq!(
        (ledger.size(), ledger.root()),
        (650, reference::root(&all[..650]))
    );
}

#[test]
fn what_the_tree_does_not_have_is_beyond_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.append(&leaves(5)).unwrap();
    let beyond = |fault: LedgerFault| matches!(fault, LedgerFault::Beyond { .. });
    assert!(beyond(ledger.inclusion(5, 5).unwrap_err()));
    assert!(beyond(ledger.inclusion(0, 6).unwrap_err()));
    assert!(beyond(ledger.inclusion(0, 0).unwrap_err()));
    assert!(beyond(ledger.inclusion(u64::MAX, 5).unwrap_err()));
    assert!(beyond(ledger.consistency(6, 5).unwrap_err()));
    assert!(beyond(ledger.consistency(0, u64::MAX).unwrap_err()));
    assert!(beyond(ledger.root_at(6).unwrap_err()));
    assert!(beyond(ledger.leaf(5).unwrap_err()));
    assert!(ledger.consistency(0, 5).unwrap().is_empty());
}

#[test]
fn a_tree_has_one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Ledger::open(folder.path()).unwrap();
    assert!(matches!(
        Ledger::open(folder.path()),
        Err(LedgerFault::Busy)
    ));
    drop(first);
    Ledger::open(folder.path()).unwrap();
}
