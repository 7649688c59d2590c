//! Whatever a kill or a power cut leaves in the folder, opening it gives an earlier tree that is whole.

use crate::reference;
use crate::support::{copy, files, leaves};
use proof::{Hash, Ledger};
use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

/// Opens a damaged folder, and compares: a tree of these leaves, at least `least` of them; then grows it to all.
fn opens_as_an_earlier_tree(folder: &Path, all: &[Hash], least: usize) -> usize {
    let mut ledger = Ledger::open(folder).unwrap();
    let size = usize::try_from(ledger.size()).unwrap();
    assert!(size >= least && size <= all.len(), "{size}");
    assert_eq!(ledger.root(), reference::root(&all[..size]), "{size}");
    let alone = tempfile::tempdir().unwrap();
    Ledger::open(alone.path())
        .unwrap()
        .append(&all[..size])
        .unwrap();
    assert_eq!(files(folder), files(alone.path()), "{size}");
    ledger.append(&all[size..]).unwrap();
    assert_eq!(ledger.root(), reference::root(all));
    size
}

fn tree(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Ledger::open(folder.path())
        .unwrap()
        .append(&leaves(count))
        .unwrap();
    folder
}

/// Level and path of a tile, in the order in which an append names them: highest level first.
fn naming_order(path: &Path) -> (Reverse<String>, PathBuf) {
    let level = path.iter().nth(1).unwrap().to_string_lossy().into_owned();
    (Reverse(level), path.to_owned())
}

fn an_append_cut_off_after_each_file(before: usize, after: usize) {
    let (old, new) = (tree(before), tree(after));
    let all = leaves(after);
    let kept = files(old.path());
    let mut written: Vec<_> = files(new.path()).into_iter().collect();
    written.retain(|(path, bytes)| kept.get(path) != Some(bytes));
    written.sort_by_key(|(path, _)| naming_order(path));
    let mut sizes = Vec::new();
    for done in 0..=written.len() {
        let folder = tempfile::tempdir().unwrap();
        copy(old.path(), folder.path());
        fs::create_dir_all(folder.path().join(".new")).unwrap();
        for (number, (path, bytes)) in written.iter().enumerate() {
            let path = if number < done {
                folder.path().join(path)
            } else {
                // Those that were not named yet lie beside, the last one only half written.
                folder.path().join(".new").join(number.to_string())
            };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let half = number + 1 == written.len() && number >= done;
            fs::write(
                path,
                &bytes[..if half { bytes.len() / 2 } else { bytes.len() }],
            )
            .unwrap();
        }
        sizes.push(opens_as_an_earlier_tree(folder.path(), &all, before));
    }
    assert_eq!((sizes[0], sizes[written.len()]), (before, after));
    assert!(sizes.is_sorted());
}

#[test]
fn an_append_that_is_cut_off_after_any_file_leaves_an_earlier_tree() {
    for (before, after) in [
        (0, 1),
        (3, 5),
        (255, 256),
        (256, 257),
        (200, 1_000),
        (1_000, 1_001),
    ] {
        an_append_cut_off_after_each_file(before, after);
    }
}

#[test]
fn an_append_across_the_levels_that_is_cut_off_after_any_file_leaves_an_earlier_tree() {
    an_append_cut_off_after_each_file(65_200, 65_800);
}

#[test]
fn files_that_were_never_named_are_cleared_away() {
    let folder = tree(300);
    fs::write(folder.path().join(".new/0"), "half a tile").unwrap();
    fs::create_dir(folder.path().join(".new/7")).unwrap();
    assert_eq!(
        opens_as_an_earlier_tree(folder.path(), &leaves(300), 300),
        300
    );
    assert_eq!(fs::read_dir(folder.path().join(".new")).unwrap().count(), 0);
}

#[test]
fn a_partial_tile_that_is_gone_or_cut_costs_its_leaves_only() {
    let all = leaves(300);
    let folder = tree(300);
    fs::remove_file(folder.path().join("tile/0/001.p/44")).unwrap();
    assert_eq!(opens_as_an_earlier_tree(folder.path(), &all, 256), 256);
    for length in [0, 1, 43 * 32, 44 * 32 - 1, 44 * 32 + 1] {
        let folder = tree(300);
        let path = folder.path().join("tile/0/001.p/44");
        let mut bytes = fs::read(&path).unwrap();
        bytes.resize(length, 0);
        fs::write(&path, bytes).unwrap();
        // An older, narrower form that was not removed yet is as good as any.
        let narrower = &fs::read(tree(290).path().join("tile/0/001.p/34")).unwrap();
        fs::write(folder.path().join("tile/0/001.p/34"), narrower).unwrap();
        assert_eq!(opens_as_an_earlier_tree(folder.path(), &all, 290), 290);
    }
}

#[test]
fn a_full_tile_that_is_gone_or_cut_ends_the_tree_before_it() {
    let all = leaves(1_000);
    for damage in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| fs::write(path, "").unwrap(),
    ] {
        let folder = tree(1_000);
        damage(&folder.path().join("tile/0/001"));
        let mut ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(
            (ledger.size(), ledger.root()),
            (256, reference::root(&all[..256]))
        );
        // The leaves after the gap come again, and the tree is what it was.
        ledger.append(&all[256..]).unwrap();
        assert_eq!(files(folder.path()), files(tree(1_000).path()));
    }
}

#[test]
fn tiles_above_the_leaves_are_computed_anew_when_they_are_gone_cut_or_changed() {
    let all = leaves(66_000);
    let sound = tree(66_000);
    for path in ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"] {
        for length in [None, Some(0), Some(31)] {
            let folder = tempfile::tempdir().unwrap();
            copy(sound.path(), folder.path());
            let at = folder.path().join(path);
            let bytes = fs::read(&at).unwrap();
            match length {
                None => fs::remove_file(&at).unwrap(),
                Some(length) => fs::write(&at, &bytes[..length]).unwrap(),
            }
            assert_eq!(
                opens_as_an_earlier_tree(folder.path(), &all, 66_000),
                66_000
            );
        }
    }
    let edge = sound.path().join("tile/2/000.p/1");
    fs::write(&edge, [7; 32]).unwrap();
    assert_eq!(opens_as_an_earlier_tree(sound.path(), &all, 66_000), 66_000);
}
