//! A proof about one event that needs nothing else.

use crate::support::{Log, record};
use proof::{Entry, Hash, Proof, ProofFault, prove, verify_inclusion};
use std::fs;

fn proof_of(log: &Log, position: u64) -> Proof {
    let event = log.entries[usize::try_from(position - 1).unwrap()].clone();
    prove(log.ledger.tiles(), event, &log.note(), log.key.verifier()).unwrap()
}

#[test]
fn every_event_can_be_proven_by_a_file_alone() {
    let log = Log::of(record(600));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proof.json");
    for position in [1, 2, 255, 256, 257, 512, 513, 599, 600] {
        let proof = proof_of(&log, position);
        fs::write(&file, serde_json::to_string(&proof).unwrap()).unwrap();
        let read = verify_inclusion(&file, log.key.verifier()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(
            read.event,
            log.entries[usize::try_from(position - 1).unwrap()]
        );
        assert_eq!((read.index, read.size), (position - 1, 600));
    }
}

#[test]
fn a_proof_stays_valid_when_the_log_has_grown() {
    let log = Log::of(record(600));
    let older = log.note_at(300);
    let event = log.entries[122].clone();
    let proof = prove(log.ledger.tiles(), event, &older, log.key.verifier()).unwrap();
    assert_eq!(proof.verify(log.key.verifier()).unwrap().size, 300);
    let late = log.entries[300].clone();
    let refused = prove(log.ledger.tiles(), late, &older, log.key.verifier());
    assert!(matches!(refused, Err(ProofFault::Contradiction(_))));
}

#[test]
fn an_event_that_is_not_in_the_record_cannot_be_proven() {
    let log = Log::of(record(600));
    let (tiles, note, key) = (log.ledger.tiles(), log.note(), log.key.verifier());
    let mut event = log.entries[122].clone();
    event.payload.push(' ');
    let refused = prove(tiles, event, &note, key);
    assert!(matches!(
        refused,
        Err(ProofFault::NotProven { position: 123, .. })
    ));
    for position in [0, 601, u64::MAX] {
        let event = Entry {
            position,
            ..log.entries[122].clone()
        };
        assert!(prove(tiles, event, &note, key).is_err());
    }
}

#[test]
fn nothing_in_a_proof_can_be_changed() {
    let log = Log::of(record(600));
    let sound = proof_of(&log, 123);
    let other = proof_of(&log, 124);
    type Change = (&'static str, Box<dyn Fn(&mut Proof)>);
    let changes: [Change; 12] = [
        ("payload", Box::new(|p| p.event.payload.push(' '))),
        ("metadata", Box::new(|p| p.event.metadata.push(' '))),
        ("time", Box::new(|p| p.event.recorded_at_us += 1)),
        ("position", Box::new(|p| p.event.position += 1)),
        ("index", Box::new(|p| p.index += 1)),
        (
            "place",
            Box::new(|p| (p.event.position, p.index) = (124, 123)),
        ),
        ("size", Box::new(|p| p.size += 1)),
        ("no hash", Box::new(|p| p.hashes.clear())),
        (
            "a hash less",
            Box::new(|p| p.hashes.truncate(p.hashes.len() - 1)),
        ),
        ("a hash more", Box::new(|p| p.hashes.push(Hash([0; 32])))),
        (
            "a thousand hashes",
            Box::new(|p| p.hashes.resize(1_000, Hash([0; 32]))),
        ),
        (
            "another event",
            Box::new(move |p| p.event = other.event.clone()),
        ),
    ];
    for (what, change) in changes {
        let mut proof = sound.clone();
        change(&mut proof);
        assert!(proof.verify(log.key.verifier()).is_err(), "{what}");
    }
    for at in 0..sound.hashes.len() {
        let mut proof = sound.clone();
        proof.hashes[at].0[at] ^= 1;
        let fault = proof.verify(log.key.verifier()).unwrap_err();
        assert!(matches!(fault, ProofFault::NotProven { position: 123, .. }));
    }
    let stranger = Log::of(record(600));
    let fault = sound.verify(stranger.key.verifier()).unwrap_err();
    assert!(matches!(fault, ProofFault::Checkpoint(_)));
}

#[test]
fn a_file_that_is_no_proof_is_a_plain_fault() {
    let log = Log::of(record(20));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proof.json");
    assert!(verify_inclusion(&file, log.key.verifier()).is_err());
    let sound = serde_json::to_string(&proof_of(&log, 3)).unwrap();
    let texts = [
        String::new(),
        "[".repeat(100_000),
        "x".repeat(20_000_000),
        sound.replacen("\"index\":2", "\"index\":2,\"more\":1", 1),
        sound.replacen("\"hashes\":[\"", "\"hashes\":[\"AAAA\",\"", 1),
        sound.replacen("\"size\":20", "\"size\":-20", 1),
    ];
    for text in texts {
        fs::write(&file, &text).unwrap();
        let fault = verify_inclusion(&file, log.key.verifier()).unwrap_err();
        let plain = matches!(fault, ProofFault::Malformed(_) | ProofFault::Io { .. });
        assert!(plain && fault.to_string().len() < 200, "{fault}");
    }
}
