//! Static files: what C2SP tlog-tiles names is served, and nothing else.

use crate::support::{Log, leaves, record};
use proof::{Ledger, LedgerFault, Tiles};

#[test]
fn every_tile_that_a_tree_ever_had_is_served_also_when_a_wider_one_took_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.append(&leaves(40)).unwrap();
    let at_40 = ledger.read("tile/0/000.p/40").unwrap();
    ledger.append(&leaves(700)[40..]).unwrap();
    assert_eq!(ledger.read("tile/0/000.p/40").unwrap(), at_40);
    assert_eq!(ledger.read("tile/0/000").unwrap()[..at_40.len()], at_40);
    assert_eq!(ledger.read("tile/0/000").unwrap().len(), 8192);
    let edge = ledger.read("tile/0/002.p/188").unwrap();
    assert_eq!(ledger.read("tile/0/002.p/1").unwrap(), edge[..32]);
    assert_eq!(ledger.read("tile/1/000.p/2").unwrap().len(), 64);
    assert_eq!(
        Tiles::at(folder.path())
            .read("tile/0/002.p/1", 700)
            .unwrap(),
        edge[..32]
    );
}

#[test]
fn a_path_that_is_no_file_of_the_tree_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    let inside = folder.path().join("ledger");
    let mut ledger = Ledger::open(&inside).unwrap();
    ledger.append(&leaves(700)).unwrap();
    for path in [
        "",
        "/",
        ".lock",
        ".new",
        "tile",
        "tile/0",
        "tile/0/003",
        "tile/0/002",
        "tile/0/002.p/189",
        "tile/0/002.p/0",
        "tile/1/000",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/255/000",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/./000",
        "tile/0/x000/000",
        "tile/entries/000",
        "checkpoint",
        "checkpoint/",
        "../secret",
        "tile/0/../../../secret",
        "tile/0/..",
        "/etc/passwd",
        "tile\\0\\000",
        "tile/0/000\n",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/0/000.p/99999999999999999999",
    ] {
        let read = ledger.read(path);
        assert!(
            matches!(read, Err(LedgerFault::NoSuchPath)),
            "{path:?}: {read:?}"
        );
    }
}

#[test]
fn the_checkpoint_that_was_published_last_is_served_and_must_be_extended() {
    let mut log = Log::of(record(10));
    let (older, note) = (log.note_at(4), log.note());
    for published in [&older, &note] {
        log.ledger.publish(published).unwrap();
        assert_eq!(log.ledger.read("checkpoint").unwrap(), published.as_bytes());
    }
    let verifier = log.key.verifier().clone();
    let signed = verifier.open(&note).unwrap();
    assert!(log.ledger.extends(&signed).unwrap());
    log.ledger.append(&leaves(3)).unwrap();
    assert!(log.ledger.extends(&signed).unwrap());
    let shorter = log.forged(record(9));
    assert!(!shorter.ledger.extends(&signed).unwrap());
    let mut changed = record(12);
    changed[3].payload.push(' ');
    assert!(!log.forged(changed).ledger.extends(&signed).unwrap());
}
