//! An honest export is never accused, whole or in part, with or without an older checkpoint.

use crate::support::{Log, ORIGIN, Witness, record};
use proof::export::{ExportFault, Writer};
use proof::{NotVerified, Options, Wrong, verify};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_honest_export_is_never_accused(
        count in prop_oneof![0_u64..4, 250..260_u64, 0..1_200_u64],
        cuts in any::<[prop::sample::Index; 4]>(),
    ) {
        let log = Log::of(record(count));
        let [size, older, from, to] = cuts.map(|cut| cut.index(usize::MAX) as u64);
        let size = size % (count + 1);
        let older = older % (size + 1);
        let whole = log.export_at(size);
        let report = log.verify(whole.path(), Some(older)).unwrap();
        prop_assert!(report.whole && !report.key_from_export);
        prop_assert_eq!((report.from, report.to, report.size), (1, size, size));
        prop_assert_eq!((report.root, report.against), (log.ledger.root_at(size).unwrap(), Some(older)));
        if size == 0 {
            return Ok(());
        }
        let from = 1 + from % size;
        let to = from - 1 + to % (size - from + 2);
        let part = log.export_part(from..=to, size, &[older]);
        for older in [None, Some(older), Some(size)] {
            let report = log.verify(part.path(), older).unwrap();
            prop_assert_eq!((report.from, report.to, report.size), (from, to, size));
            prop_assert_eq!(report.whole, from == 1 && to == size);
        }
    }
}

#[test]
fn a_report_says_when_the_key_came_from_the_export_itself() {
    let log = Log::of(record(20));
    let export = log.export();
    let report = verify(export.path(), &Options::default(), &mut |_| {}).unwrap();
    assert!(report.key_from_export && report.whole && report.against.is_none());
    assert_eq!(report.key, log.key.verifier().to_string());
    assert_eq!((report.origin.as_str(), report.size), (ORIGIN, 20));
    let streams: std::collections::BTreeSet<_> =
        log.entries.iter().map(|e| (&e.noun, &e.stream)).collect();
    assert_eq!(report.streams, streams.len() as u64);
}

#[test]
fn cosignatures_travel_with_the_export_and_are_checked_where_a_witness_is_known() {
    let (log, witness) = (Log::of(record(20)), Witness::new());
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), 1).unwrap();
    for entry in &log.entries {
        writer.write(entry).unwrap();
    }
    let (tiles, key) = (log.ledger.tiles(), log.key.verifier());
    let note = witness.cosign(&log.note(), 1_795_510_800);
    writer.finish(tiles, &note, key, &[]).unwrap();
    let witnesses = [witness.key()];
    let options = Options {
        key: Some(key),
        witnesses: &witnesses,
        ..Options::default()
    };
    let report = verify(folder.path(), &options, &mut |_| {}).unwrap();
    assert_eq!(report.witnesses, ["witness.example/w1"]);
    let stale = witness.cosign(&log.note_at(19), 1_795_510_800);
    let stale = format!("{}{}\n", log.note(), stale.lines().last().unwrap());
    std::fs::write(folder.path().join("checkpoint"), stale).unwrap();
    let found = crate::support::findings(verify(folder.path(), &options, &mut |_| {}));
    assert!(matches!(found[0].wrong, Wrong::Signature(_)), "{found:?}");
}

#[test]
fn a_whole_export_needs_no_tiles() {
    let log = Log::of(record(600));
    let export = log.export();
    std::fs::remove_dir_all(export.path().join("tile")).unwrap();
    log.verify(export.path(), Some(300)).unwrap();
}

#[test]
fn a_partial_export_that_was_not_made_for_an_older_checkpoint_is_not_accused_but_not_verified() {
    let log = Log::of(record(1_000));
    let export = log.export_part(10..=20, 1_000, &[]);
    log.verify(export.path(), None).unwrap();
    let fault = log.verify(export.path(), Some(300)).unwrap_err();
    let expected = matches!(
        fault,
        NotVerified::Fault(ExportFault::NotComparable { older: 300, .. })
    );
    assert!(expected, "{fault}");
    // The end of a full tile needs nothing that is not there anyway.
    log.verify(export.path(), Some(512)).unwrap();
}

#[test]
fn who_asks_for_the_whole_record_is_told_when_it_is_a_part() {
    let log = Log::of(record(50));
    for (range, missing) in [(2..=50, 1), (1..=49, 50), (5..=9, 1)] {
        let part = log.export_part(range, 50, &[]);
        let options = Options {
            whole: true,
            ..Options::default()
        };
        let found = crate::support::findings(verify(part.path(), &options, &mut |_| {}));
        assert_eq!(found[0].position, missing);
        assert_eq!(found[0].wrong, Wrong::Partial { size: 50 });
    }
}

#[test]
fn progress_is_told_on_the_way_and_at_the_end() {
    let log = Log::of(record(25_000));
    let mut told = Vec::new();
    verify(log.export().path(), &Options::default(), &mut |count| {
        told.push(count)
    })
    .unwrap();
    assert_eq!(told, [10_000, 20_000, 25_000]);
}

#[test]
fn a_writer_takes_events_in_order_into_a_folder_of_its_own_and_under_a_checkpoint_that_covers_them()
{
    let log = Log::of(record(10));
    let (tiles, key) = (log.ledger.tiles(), log.key.verifier());
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), 3).unwrap();
    for wrong in [0, 1, 3, 9] {
        let refused = writer.write(&log.entries[wrong]);
        assert!(matches!(
            refused,
            Err(ExportFault::OutOfOrder { expected: 3, .. })
        ));
    }
    writer.write(&log.entries[2]).unwrap();
    writer.write(&log.entries[3]).unwrap();
    let refused = writer.finish(tiles, &log.note_at(3), key, &[]);
    assert!(matches!(
        refused,
        Err(ExportFault::NotCovered { size: 3, to: 4 })
    ));
    let again = Writer::create(folder.path(), 1);
    assert!(matches!(again, Err(ExportFault::NotEmpty(_))));
    let unfinished = log.verify(folder.path(), None);
    assert!(matches!(
        unfinished,
        Err(NotVerified::Fault(ExportFault::Missing("export.json")))
    ));
    let stranger = Log::of(record(10));
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::create(folder.path(), 1).unwrap();
    let refused = writer.finish(tiles, &log.note(), stranger.key.verifier(), &[]);
    assert!(matches!(refused, Err(ExportFault::Checkpoint(_))));
}
