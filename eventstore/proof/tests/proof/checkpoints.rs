//! Checkpoints: signed notes after C2SP, with cosignatures of witnesses.

use crate::support::{ORIGIN, Witness, leaf};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proof::{Checkpoint, CheckpointFault, SigningKey, VerifierKey, WitnessKey};

fn key() -> SigningKey {
    let folder = tempfile::tempdir().unwrap();
    SigningKey::read_or_create(&folder.path().join("key"), ORIGIN).unwrap()
}

#[test]
fn a_checkpoint_is_a_note_of_three_lines_that_its_key_opens() {
    let key = key();
    let note = key.sign(20, leaf(3)).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines[..2], [ORIGIN, "20"]);
    assert_eq!(lines[2], STANDARD.encode(leaf(3).0));
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with("— vara/test "), "{note}");
    assert_eq!(lines.len(), 5);
    let opened = key.verifier().open(&note).unwrap();
    let (origin, size, root) = (ORIGIN.to_owned(), 20, leaf(3));
    assert_eq!(opened, Checkpoint { origin, size, root });
    assert_eq!(
        key.sign(20, leaf(3)).unwrap(),
        note,
        "Ed25519 signs the same text the same way"
    );
}

#[test]
fn a_key_reads_as_it_prints_and_nothing_else_is_one() {
    let key = key();
    let text = key.verifier().to_string();
    assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
    assert_eq!(
        format!("{text}\n")
            .parse::<VerifierKey>()
            .unwrap()
            .to_string(),
        text
    );
    // The example of the signed-note implementation that the specification comes from.
    let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(known.parse::<VerifierKey>().unwrap().name(), "PeterNeumann");
    let other_id = known.replacen("c74f20a3", "c74f20a4", 1);
    let capitals = known.replacen("c74f20a3", "C74F20A3", 1);
    for wrong in [
        "",
        "a",
        "a+b",
        "a+00000000+AAAA",
        &other_id,
        &capitals,
        &text.replacen("vara", "wara", 1),
    ] {
        let fault = wrong.parse::<VerifierKey>().unwrap_err();
        assert!(matches!(fault, CheckpointFault::Key(_)), "{wrong}");
        let fault = wrong.parse::<WitnessKey>().unwrap_err();
        assert!(matches!(fault, CheckpointFault::Key(_)), "{wrong}");
    }
    assert!(
        text.parse::<WitnessKey>().is_err(),
        "a log's key is no witness's key"
    );
}

#[test]
fn no_changed_byte_of_a_checkpoint_is_taken() {
    let key = key();
    let note = key.sign(20, leaf(3)).unwrap();
    for at in 0..note.len() {
        for other in [b'A', b'1', b' ', b'\n', b'+'] {
            let mut bytes = note.clone().into_bytes();
            if bytes[at] == other {
                continue;
            }
            bytes[at] = other;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(key.verifier().open(&changed).is_err(), "{changed}");
            }
        }
    }
}

#[test]
fn a_checkpoint_of_another_key_or_about_another_log_is_not_taken() {
    let (ours, theirs) = (key(), key());
    let note = theirs.sign(20, leaf(3)).unwrap();
    let fault = ours.verifier().open(&note).unwrap_err();
    assert!(
        matches!(fault, CheckpointFault::NotSigned { .. }),
        "{fault}"
    );
    // Their note beside our signature of another one.
    let mixed = format!(
        "{note}{}",
        ours.sign(21, leaf(3)).unwrap().lines().last().unwrap()
    );
    let fault = ours.verifier().open(&(mixed + "\n")).unwrap_err();
    assert!(
        matches!(fault, CheckpointFault::BadSignature { .. }),
        "{fault}"
    );
    // Signed by us, but naming another log.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SigningKey::read_or_create(&path, ORIGIN).unwrap();
    let signer = std::fs::read_to_string(&path).unwrap();
    let signer = signed_note::StandardSigner::new(&signer).unwrap();
    let text = key
        .sign(20, leaf(3))
        .unwrap()
        .replacen(ORIGIN, "vara/other", 1);
    let text = text.split("\n\n").next().unwrap().to_owned() + "\n";
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let note = String::from_utf8(note.to_bytes()).unwrap();
    let fault = key.verifier().open(&note).unwrap_err();
    assert!(
        matches!(fault, CheckpointFault::OtherOrigin { .. }),
        "{fault}"
    );
}

#[test]
fn a_text_that_is_no_checkpoint_is_a_plain_fault() {
    let key = key();
    let note = key.sign(20, leaf(3)).unwrap();
    let sizes = [
        "-1",
        "020",
        "0x14",
        "1e3",
        "281474976710657",
        "18446744073709551616",
        "",
    ];
    let sizes = sizes.map(|size| note.replacen("\n20\n", &format!("\n{size}\n"), 1));
    let texts = [
        String::new(),
        "\n".repeat(50),
        "x".repeat(10_000_000),
        note.replace('\n', "\r\n"),
    ];
    let lines = note.lines().map(str::to_owned);
    for text in sizes.into_iter().chain(texts).chain(lines) {
        let fault = key.verifier().open(&text).unwrap_err();
        assert!(matches!(fault, CheckpointFault::Malformed(_)), "{fault}");
        assert!(fault.to_string().len() < 200, "a fault quotes nothing");
    }
    assert!(key.sign(u64::MAX, leaf(3)).is_err());
}

#[test]
fn cosignatures_stay_in_the_note_and_are_checked_for_given_witnesses() {
    let (key, witness) = (key(), Witness::new());
    let note = witness.cosign(&key.sign(20, leaf(3)).unwrap(), 1_679_315_147);
    let opened = key.verifier().open_with(&note, &[witness.key()]).unwrap();
    assert_eq!(opened.witnesses, ["witness.example/w1"]);
    // Who does not know the witness passes the line over.
    assert!(
        key.verifier()
            .open_with(&note, &[])
            .unwrap()
            .witnesses
            .is_empty()
    );
    let alone = key.sign(20, leaf(3)).unwrap();
    let opened = key.verifier().open_with(&alone, &[witness.key()]).unwrap();
    assert!(opened.witnesses.is_empty());
}

#[test]
fn a_cosignature_that_does_not_fit_spoils_the_note_for_those_who_know_the_witness() {
    let (key, witness) = (key(), Witness::new());
    let (note, other) = (
        key.sign(20, leaf(3)).unwrap(),
        key.sign(21, leaf(3)).unwrap(),
    );
    let stolen = witness.cosign(&other, 5);
    let stolen = format!("{note}{}\n", stolen.lines().last().unwrap());
    for (bad, why) in [
        (stolen, "a line from another note"),
        (witness.cosign(&note, u64::MAX), "a time beyond 2^63 - 1"),
    ] {
        let fault = key
            .verifier()
            .open_with(&bad, &[witness.key()])
            .unwrap_err();
        assert!(
            matches!(fault, CheckpointFault::BadSignature { .. }),
            "{why}: {fault}"
        );
        key.verifier().open(&bad).unwrap();
    }
    // A witness's line is not the log's signature.
    let text = note.split("\n\n").next().unwrap().to_owned() + "\n\n";
    let fault = key
        .verifier()
        .open_with(&witness.cosign(&text, 5), &[witness.key()]);
    assert!(
        matches!(fault, Err(CheckpointFault::NotSigned { .. })),
        "{fault:?}"
    );
}
