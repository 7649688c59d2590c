//! What else is guarded: every field, partial exports, keys, tiles, and what the tree alone would not show.

use crate::support::{Log, copy, findings, put, read, record};
use proof::{Entry, Finding, Options, Wrong, verify};

/// Events of the record, and of the checkpoint that the auditor kept.
const SIZE: u64 = 600;
const KEPT: u64 = 500;
/// Where the tampering happens.
const AT: usize = 300;

fn log() -> Log {
    Log::of(record(SIZE))
}

#[test]
fn every_field_of_an_event_is_guarded() {
    let log = log();
    let edits: [fn(&mut Entry); 7] = [
        |e| e.event_type.push('X'),
        |e| e.event_version = "2".to_owned(),
        |e| e.recorded_at_us -= 1,
        |e| e.event_id.0[0] = 0xff,
        |e| e.command_id = None,
        |e| e.metadata.push(' '),
        |e| e.payload.push(' '),
    ];
    for edit in edits {
        let export = log.export();
        let mut entries = read(export.path());
        edit(&mut entries[AT]);
        put(export.path(), &entries);
        let found = findings(log.verify(export.path(), None));
        let position = AT as u64 + 1;
        assert_eq!(
            found,
            [Finding {
                position,
                wrong: Wrong::Leaf
            }]
        );
    }
}

#[test]
fn another_key_is_found_by_the_auditors_key_and_by_an_older_checkpoint() {
    let log = log();
    let stranger = Log::of(record(SIZE));
    let export = stranger.export();
    let by_key = findings(log.verify(export.path(), None));
    assert!(matches!(by_key[0].wrong, Wrong::Signature(_)), "{by_key:?}");
    let kept = log.note_at(KEPT);
    let options = Options {
        against: Some(&kept),
        ..Options::default()
    };
    let by_checkpoint = findings(verify(export.path(), &options, &mut |_| {}));
    assert!(
        matches!(by_checkpoint[0].wrong, Wrong::OlderSignature(_)),
        "{by_checkpoint:?}"
    );
}

#[test]
fn a_partial_export_is_guarded_as_well() {
    let log = log();
    for change in [
        (|entries: &mut Vec<Entry>| entries[50].payload.push(' ')) as fn(&mut Vec<Entry>),
        |entries| entries.swap(50, 51),
        |entries| {
            entries[50] = Entry {
                position: entries[50].position,
                ..entries[51].clone()
            }
        },
        |entries| {
            entries.remove(50);
        },
        |entries| entries.truncate(50),
        |entries| {
            let last = entries.last().unwrap();
            entries.push(Entry {
                position: last.position + 1,
                ..last.clone()
            });
        },
    ] {
        let export = log.export_part(250..=400, SIZE, &[KEPT]);
        log.verify(export.path(), Some(KEPT)).unwrap();
        let mut entries = read(export.path());
        change(&mut entries);
        put(export.path(), &entries);
        let found = findings(log.verify(export.path(), Some(KEPT)));
        assert!([300, 401].contains(&found[0].position), "{found:?}");
    }
}

#[test]
fn tiles_of_another_tree_vouch_for_nothing() {
    let log = log();
    let export = log.export_part(250..=400, SIZE, &[KEPT]);
    let mut changed = record(SIZE);
    changed[299].payload.push(' ');
    let other = log.forged(changed).export_part(250..=400, SIZE, &[KEPT]);
    copy(&other.path().join("tile"), &export.path().join("tile"));
    let found = findings(log.verify(export.path(), Some(KEPT)));
    assert!(
        found.iter().all(|f| matches!(f.wrong, Wrong::Tiles(_))),
        "{found:?}"
    );
}

#[test]
fn streams_and_ids_are_checked_even_where_the_tree_fits() {
    // A log whose writer signed nonsense.
    type Spoiled = (fn(&mut Vec<Entry>), fn(&Wrong) -> bool);
    let spoil: [Spoiled; 5] = [
        (
            |e| e[9].event_id = e[4].event_id,
            |w| matches!(w, Wrong::IdAgain { .. }),
        ),
        (
            |e| e[9].sequence += 1,
            |w| matches!(w, Wrong::StreamGap { .. }),
        ),
        (
            |e| e[9].sequence -= 1,
            |w| matches!(w, Wrong::StreamFork { .. }),
        ),
        (
            |e| e[0].sequence = 2,
            |w| matches!(w, Wrong::StreamGap { expected: 1, .. }),
        ),
        (
            |e| e[9].sequence = 0,
            |w| matches!(w, Wrong::StreamFork { .. }),
        ),
    ];
    for (number, (spoil, expected)) in spoil.into_iter().enumerate() {
        let mut entries = record(20);
        for (sequence, entry) in (1..).zip(&mut entries) {
            (entry.stream, entry.noun) = ("one".to_owned(), "user".to_owned());
            entry.sequence = sequence;
        }
        spoil(&mut entries);
        let log = Log::of(entries);
        let found = findings(log.verify(log.export().path(), None));
        assert!(
            found.iter().any(|f| expected(&f.wrong)),
            "{number}: {found:?}"
        );
    }
}
