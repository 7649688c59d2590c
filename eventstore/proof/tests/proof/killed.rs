//! A writer that is really killed (SIGKILL), at any instant.

use crate::support::{files, leaf, leaves};
use proof::{Fold, Ledger};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells the child its folder.
const FOLDER: &str = "VARA_PROOF_TEST_FOLDER";
/// More leaves than all children together append; beyond them a child idles.
const LEAVES: usize = 70_000;

/// The child: says that it begins, and appends in batches of all sizes until it is killed.
#[test]
#[ignore = "run by the next test, as a process of its own"]
fn appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut ledger = Ledger::open(&folder.join("ledger")).unwrap();
    std::fs::write(folder.join("begun"), "").unwrap();
    for batch in [1, 300, 7, 900, 255, 20].into_iter().cycle() {
        let size = usize::try_from(ledger.size()).unwrap();
        let end = LEAVES.min(size + batch);
        let new: Vec<_> = (size..end).map(leaf).collect();
        ledger.append(&new).unwrap();
        if end == LEAVES {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

#[test]
fn a_tree_whose_writer_is_killed_at_any_instant_is_whole_and_never_shorter_than_before() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, tree) = (folder.path().join("begun"), folder.path().join("ledger"));
    let mut expected = Fold::default();
    for round in 0..25_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::appends_until_it_is_killed", "--ignored"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while std::fs::remove_file(&begun).is_err() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the child ended by itself"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(round * 3_701 % 41_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let ledger = Ledger::open(&tree).unwrap();
        assert!(ledger.size() >= expected.size());
        while expected.size() < ledger.size() {
            expected.push(leaf(usize::try_from(expected.size()).unwrap()));
        }
        assert_eq!(ledger.root(), expected.root());
    }
    let reached = usize::try_from(expected.size()).unwrap();
    assert!((1..LEAVES).contains(&reached), "{reached}");
    let all = leaves(LEAVES);
    Ledger::open(&tree)
        .unwrap()
        .append(&all[reached..])
        .unwrap();
    let sound = tempfile::tempdir().unwrap();
    Ledger::open(sound.path()).unwrap().append(&all).unwrap();
    assert_eq!(files(&tree), files(sound.path()));
}
