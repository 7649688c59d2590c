//! Eight ways to tamper with a record, each from clumsy to with everything but the auditor's older checkpoint.

use crate::support::{Log, findings, put, read, record};
use proof::{Entry, Finding, Options, Wrong, verify};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Events of the record, and of the checkpoint that the auditor kept.
const SIZE: u64 = 600;
const KEPT: u64 = 500;
/// Where the tampering happens: under the kept checkpoint.
const AT: usize = 300;

fn log() -> Log {
    Log::of(record(SIZE))
}

/// Makes positions and sequences fit again, as a careful forger does.
fn renumber(entries: &mut [Entry]) {
    let mut sequences = HashMap::new();
    for (position, entry) in (1..).zip(entries) {
        let sequence = sequences
            .entry((entry.noun.clone(), entry.stream.clone()))
            .or_insert(0);
        *sequence += 1;
        entry.position = position;
        entry.sequence = *sequence;
    }
}

/// The forger's three kinds: events alone, everything but the signature, everything with the log's own key.
struct Forgeries {
    clumsy: TempDir,
    unsigned: TempDir,
    signed: TempDir,
}

fn forge(log: &Log, tamper: impl Fn(&mut Vec<Entry>)) -> Forgeries {
    let clumsy = log.export();
    let mut entries = read(clumsy.path());
    tamper(&mut entries);
    put(clumsy.path(), &entries);
    renumber(&mut entries);
    let forged = log.forged(entries);
    let (unsigned, signed) = (forged.export(), forged.export());
    fs::copy(
        clumsy.path().join("checkpoint"),
        unsigned.path().join("checkpoint"),
    )
    .unwrap();
    Forgeries {
        clumsy,
        unsigned,
        signed,
    }
}

fn found(log: &Log, export: &Path) -> Vec<Finding> {
    let found = findings(log.verify(export, Some(KEPT)));
    assert!(found.is_sorted_by_key(|finding| finding.position));
    assert!(found.iter().all(|finding| finding.position >= 1));
    found
}

fn is_rewritten(log: &Log, export: &Path) {
    let rewritten = Wrong::Rewritten { older: KEPT };
    let found = found(log, export);
    assert!(
        found.iter().any(|finding| finding.wrong == rewritten),
        "{found:?}"
    );
    // Without the kept checkpoint nothing is wrong with it: that is what one is kept for.
    log.verify(export, None).unwrap();
}

#[test]
fn an_edited_event_is_found() {
    let log = log();
    let position = AT as u64 + 1;
    let forgeries = forge(&log, |entries| {
        entries[AT].payload = entries[AT].payload.replace('3', "4")
    });
    let wrong = Wrong::Leaf;
    let found_at = found(&log, forgeries.clumsy.path());
    assert!(
        found_at.contains(&Finding { position, wrong }),
        "{found_at:?}"
    );
    // Tiles that fit the forged events lead to another root, so nothing says where it begins.
    let unsigned = findings(log.verify(forgeries.unsigned.path(), None));
    assert_eq!(
        unsigned,
        [Finding {
            position: 1,
            wrong: Wrong::Root
        }]
    );
    is_rewritten(&log, forgeries.signed.path());
}

#[test]
fn a_deleted_event_is_found() {
    let log = log();
    let forgeries = forge(&log, |entries| {
        entries.remove(AT);
    });
    let position = AT as u64 + 1;
    let wrong = Wrong::Missing { next: position + 1 };
    assert!(found(&log, forgeries.clumsy.path()).contains(&Finding { position, wrong }));
    // With one event less the export is no whole one, and its tiles do not lead to the root.
    let unsigned = found(&log, forgeries.unsigned.path());
    assert!(
        unsigned.iter().any(|f| matches!(f.wrong, Wrong::Tiles(_))),
        "{unsigned:?}"
    );
    is_rewritten(&log, forgeries.signed.path());
}

#[test]
fn an_inserted_event_is_found() {
    let log = log();
    let forgeries = forge(&log, |entries| {
        let mut new = entries[AT].clone();
        new.event_id.0[0] = 0xff;
        entries.insert(AT, new);
    });
    let clumsy = found(&log, forgeries.clumsy.path());
    let again =
        |f: &Finding| matches!(f.wrong, Wrong::OutOfOrder { .. } | Wrong::StreamFork { .. });
    assert!(clumsy.iter().any(again), "{clumsy:?}");
    let unsigned = found(&log, forgeries.unsigned.path());
    let wrong = Wrong::NotSigned { size: SIZE };
    assert_eq!(
        unsigned,
        [Finding {
            position: SIZE + 1,
            wrong
        }]
    );
    is_rewritten(&log, forgeries.signed.path());
}

#[test]
fn two_swapped_events_are_found() {
    let log = log();
    let forgeries = forge(&log, |entries| entries.swap(AT, AT + 1));
    let clumsy = found(&log, forgeries.clumsy.path());
    assert_eq!(clumsy[0].position, AT as u64 + 1);
    assert!(
        matches!(clumsy[0].wrong, Wrong::Missing { .. }),
        "{clumsy:?}"
    );
    let unsigned = found(&log, forgeries.unsigned.path());
    assert!(
        unsigned
            .iter()
            .any(|f| matches!(f.wrong, Wrong::Rewritten { .. } | Wrong::Root))
    );
    is_rewritten(&log, forgeries.signed.path());
    // With the true tiles, the place is found as well.
    let export = log.export();
    put(export.path(), &read(forgeries.signed.path()));
    let found = findings(log.verify(export.path(), None));
    let (position, wrong) = (AT as u64 + 1, Wrong::Leaf);
    assert_eq!(found, [Finding { position, wrong }]);
}

#[test]
fn a_tail_that_was_cut_off_is_found() {
    let log = log();
    // Below what the kept checkpoint covers.
    let left = KEPT - 10;
    let forgeries = forge(&log, |entries| {
        entries.truncate(usize::try_from(left).unwrap())
    });
    let clumsy = found(&log, forgeries.clumsy.path());
    let (position, wrong) = (left + 1, Wrong::EndsEarly { to: SIZE });
    assert!(clumsy.contains(&Finding { position, wrong }), "{clumsy:?}");
    let unsigned = found(&log, forgeries.unsigned.path());
    assert!(
        unsigned.iter().any(|f| matches!(f.wrong, Wrong::Tiles(_))),
        "{unsigned:?}"
    );
    let signed = found(&log, forgeries.signed.path());
    let (older, now) = (KEPT, left);
    let wrong = Wrong::Shorter { older, now };
    assert_eq!(
        signed,
        [Finding {
            position: left + 1,
            wrong
        }]
    );
    // As an honest part of the record it passes, says that it is one, and does not pass for the whole.
    let part = log.export_part(1..=left, SIZE, &[]);
    assert!(!log.verify(part.path(), Some(512)).unwrap().whole);
    let options = Options {
        whole: true,
        ..Options::default()
    };
    let found = findings(verify(part.path(), &options, &mut |_| {}));
    assert_eq!(found[0].wrong, Wrong::Partial { size: SIZE });
}

#[test]
fn a_suffix_that_was_rewritten_and_signed_anew_with_the_right_key_is_found() {
    let log = log();
    let forgeries = forge(&log, |entries| {
        for entry in &mut entries[AT..] {
            entry.payload = entry.payload.replace("ImageUploaded", "ImageRemoved");
        }
    });
    let clumsy = found(&log, forgeries.clumsy.path());
    let (position, wrong) = (AT as u64 + 1, Wrong::Leaf);
    assert!(clumsy.contains(&Finding { position, wrong }), "{clumsy:?}");
    is_rewritten(&log, forgeries.signed.path());
    // What comes after the kept checkpoint, and only that, is beyond what it can vouch for.
    let after = forge(&log, |entries| {
        entries[usize::try_from(KEPT).unwrap()].payload.push(' ')
    });
    log.verify(after.signed.path(), Some(KEPT)).unwrap();
    let next = findings(log.verify(after.unsigned.path(), Some(KEPT)));
    assert_eq!(
        next,
        [Finding {
            position: KEPT + 1,
            wrong: Wrong::Root
        }]
    );
}

#[test]
fn a_backup_that_was_restored_is_found() {
    let log = log();
    let backup = log.export_at(KEPT - 100);
    log.verify(backup.path(), None).unwrap();
    let found = found(&log, backup.path());
    let (older, now) = (KEPT, KEPT - 100);
    let wrong = Wrong::Shorter { older, now };
    assert_eq!(
        found,
        [Finding {
            position: now + 1,
            wrong
        }]
    );
    // A record that went on differently from the backup, and is longer than what was kept.
    let mut other = record(KEPT - 100);
    other.extend((KEPT - 99..=SIZE + 50).map(|position| Entry {
        stream: "another life".to_owned(),
        ..record(SIZE + 50)[usize::try_from(position - 1).unwrap()].clone()
    }));
    renumber(&mut other);
    is_rewritten(&log, log.forged(other).export().path());
}

#[test]
fn a_changed_checkpoint_is_found() {
    let log = log();
    let (note, smaller) = (log.note(), log.note_at(SIZE - 1));
    let line = |note: &str, at: usize| note.lines().nth(at).unwrap().to_owned();
    let changes = [
        note.replacen("\n600\n", "\n599\n", 1),
        note.replacen(&line(&note, 2), &line(&smaller, 2), 1),
        note.replacen(&line(&note, 4), &line(&smaller, 4), 1),
        note.replacen("vara/test\n", "vara/else\n", 1),
    ];
    for changed in changes {
        assert_ne!(changed, note);
        let export = log.export();
        fs::write(export.path().join("checkpoint"), changed).unwrap();
        let found = found(&log, export.path());
        assert!(
            matches!(
                found[..],
                [Finding {
                    position: 1,
                    wrong: Wrong::Signature(_)
                }]
            ),
            "{found:?}"
        );
    }
    // A sound checkpoint of another size: there are events that it does not cover, or that are missing.
    let export = log.export();
    fs::write(export.path().join("checkpoint"), &smaller).unwrap();
    let found = found(&log, export.path());
    let (position, wrong) = (SIZE, Wrong::NotSigned { size: SIZE - 1 });
    assert_eq!(found, [Finding { position, wrong }]);
}
