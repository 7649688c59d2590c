//! Exports that were made to break the reader: each gets a plain fault, in little time and memory.

use crate::support::{Log, record};
use proof::export::{Entries, ExportFault, LINE_BYTES_MAX};
use proof::{NotVerified, Options, verify};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::process::Command;

fn fault(export: &Path) -> String {
    match verify(export, &Options::default(), &mut |_| {}) {
        Err(NotVerified::Fault(fault)) => {
            let text = fault.to_string();
            assert!(text.len() < 300 && !text.contains('\n'), "{text}");
            text
        }
        other => panic!("no fault: {other:?}"),
    }
}

#[test]
fn a_file_that_is_missing_empty_huge_or_no_file_is_a_plain_fault() {
    let log = Log::of(record(10));
    for name in ["events.jsonl", "checkpoint", "verifier.key", "export.json"] {
        let export = log.export();
        let path = export.path().join(name);
        fs::remove_file(&path).unwrap();
        assert!(fault(export.path()).contains(name), "missing {name}");
        fs::create_dir(&path).unwrap();
        assert!(
            fault(export.path()).contains("not a file"),
            "{name} as a folder"
        );
        fs::remove_dir(&path).unwrap();
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(
            fault(export.path()).contains("not a file"),
            "{name} as a pipe"
        );
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(
            fault(export.path()).contains("not a file"),
            "{name} as a device"
        );
        if name != "events.jsonl" {
            for bytes in [
                Vec::new(),
                vec![0; 100],
                vec![0xff; 100],
                vec![b'a'; 10_000_000],
            ] {
                fs::remove_file(&path).unwrap();
                fs::write(&path, bytes).unwrap();
                fault(export.path());
            }
        }
    }
    assert!(fault(Path::new("/nowhere/at/all")).contains("export.json"));
}

#[test]
fn an_export_json_that_says_what_it_cannot_say_is_a_plain_fault() {
    let log = Log::of(record(10));
    let export = log.export();
    let most = u64::MAX;
    for (format, from, to, count) in [
        ("vara.export.v2", 1, 10, 10),
        ("vara.export.v1", 0, 10, 10),
        ("vara.export.v1", 1, 10, 9),
        ("vara.export.v1", 5, 3, 0),
        ("vara.export.v1", 1, most, most),
        ("vara.export.v1", most, most, 1),
        ("vara.export.v1", most, 0, 1),
        ("vara.export.v1", most, most, 5),
    ] {
        let text = format!(
            r#"{{"format":"{format}","from":{from},"to":{to},"count":{count},"origin":"vara/test"}}"#
        );
        fs::write(export.path().join("export.json"), &text).unwrap();
        assert!(fault(export.path()).contains("export.json"), "{text}");
    }
    for text in [
        "[]",
        "null",
        "{}",
        "{\"format\":",
        r#"{"format":1}"#,
        &"[".repeat(4_000),
    ] {
        fs::write(export.path().join("export.json"), text).unwrap();
        assert!(fault(export.path()).contains("export.json"), "{text}");
    }
}

#[test]
fn a_line_that_is_no_event_is_a_fault_that_names_the_line_and_quotes_nothing() {
    let log = Log::of(record(10));
    let export = log.export();
    let path = export.path().join("events.jsonl");
    let sound = fs::read_to_string(&path).unwrap();
    let fourth = sound.lines().nth(3).unwrap();
    for wrong in [
        String::new(),
        " ".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "secret".to_owned(),
        fourth.replacen("\"position\":4", "\"position\":\"4\"", 1),
        fourth.replacen("\"position\":4", "\"position\":-4", 1),
        fourth.replacen("\"position\":4", "\"position\":4.0", 1),
        fourth.replacen("\"position\":4", "\"position\":4,\"position\":4", 1),
        fourth.replacen("\"position\":4", "\"position\":18446744073709551616", 1),
        fourth.replacen("\"position\":4", "\"position\":4,\"secret\":true", 1),
        fourth.replacen("\"noun\"", "\"nown\"", 1),
        fourth.replacen("\"event_id\":\"00000000-", "\"event_id\":\"00000000", 1),
        format!("{fourth} {fourth}"),
        fourth[..fourth.len() - 1].to_owned(),
        "[".repeat(100_000),
    ] {
        fs::write(&path, sound.replacen(fourth, &wrong, 1)).unwrap();
        let fault = fault(export.path());
        assert!(fault.starts_with("line 4 of events.jsonl"), "{fault}");
        assert!(!fault.contains("secret"), "{fault}");
    }
    fs::write(&path, sound.trim_end()).unwrap();
    assert!(fault(export.path()).contains("line 10 of events.jsonl is cut off"));
}

#[test]
fn a_line_that_never_ends_is_given_up_after_16_mib() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(b'a');
            self.0 += out.len() as u64;
            assert!(self.0 < 2 * LINE_BYTES_MAX as u64, "it goes on reading");
            Ok(out.len())
        }
    }
    let mut entries = Entries::new(std::io::BufReader::new(Endless(0)));
    let fault = entries.next().unwrap().unwrap_err();
    assert!(
        matches!(fault, ExportFault::LineTooLong { line: 1 }),
        "{fault}"
    );
    assert!(entries.next().is_none(), "nothing is read after a fault");
    // The longest line that is allowed is read.
    let mut entry = record(1).remove(0);
    let around = serde_json::to_string(&entry).unwrap().len() - entry.payload.len();
    entry.payload = "x".repeat(LINE_BYTES_MAX - around - 100);
    let line = serde_json::to_string(&entry).unwrap() + "\n";
    let read = Entries::new(line.as_bytes()).next().unwrap().unwrap();
    assert_eq!(read, entry);
}

#[test]
fn tiles_that_are_missing_or_cut_vouch_for_nothing_and_others_are_a_plain_fault() {
    let log = Log::of(record(600));
    for name in ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"] {
        let export = log.export_part(300..=310, 600, &[]);
        let path = export.path().join(name);
        let unvouched = || {
            let found = crate::support::findings(log.verify(export.path(), None));
            assert_eq!((found.len(), found[0].position), (1, 300), "{found:?}");
            let text = found[0].to_string();
            assert!(
                text.contains("nothing vouches") && text.contains(name),
                "{text}"
            );
        };
        fs::remove_file(&path).unwrap();
        unvouched();
        for bytes in [Vec::new(), vec![1; 31]] {
            fs::write(&path, bytes).unwrap();
            unvouched();
        }
        fs::write(&path, vec![1; 10_000_000]).unwrap();
        assert!(fault(export.path()).contains("larger than"), "{name}");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(fault(export.path()).contains("not a file"), "{name}");
    }
}

#[test]
fn an_event_beyond_all_numbers_is_found_and_breaks_nothing() {
    let log = Log::of(record(10));
    for (range, size) in [(1..=10, 10), (3..=7, 10)] {
        let export = log.export_part(range, size, &[]);
        let mut entries = crate::support::read(export.path());
        entries[3].position = u64::MAX;
        entries[3].sequence = u64::MAX;
        entries[4].sequence = u64::MAX;
        entries[4].recorded_at_us = i64::MIN;
        crate::support::put(export.path(), &entries);
        crate::support::findings(log.verify(export.path(), None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_changed_byte_of_an_export_passes_and_none_breaks_the_reader(
        name in prop::sample::select(vec!["events.jsonl", "checkpoint", "verifier.key", "export.json"]),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        partial in any::<bool>(),
    ) {
        let export = exports(partial);
        let path = export.join(name);
        let sound = fs::read(&path).unwrap();
        // Only the line break at the very end may be another kind of space.
        let at = at.index(sound.len() - 1);
        prop_assume!(sound[at] != byte);
        let folder = tempfile::tempdir().unwrap();
        crate::support::copy(export, folder.path());
        let mut changed = sound;
        changed[at] = byte;
        fs::write(folder.path().join(name), changed).unwrap();
        let passed = verify(folder.path(), &Options::default(), &mut |_| {});
        prop_assert!(passed.is_err(), "byte {at} of {name} as {byte}");
    }
}

/// A sound export that is made once.
fn exports(partial: bool) -> &'static Path {
    static MADE: std::sync::OnceLock<[tempfile::TempDir; 2]> = std::sync::OnceLock::new();
    let made = MADE.get_or_init(|| {
        let log = Log::of(record(40));
        [log.export(), log.export_part(7..=31, 40, &[])]
    });
    made[usize::from(partial)].path()
}
