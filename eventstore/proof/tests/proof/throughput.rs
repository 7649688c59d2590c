//! How fast, how small: run with `cargo test --release -p proof -- --ignored --nocapture throughput`.

use crate::support::{Log, leaves, record};
use proof::{Ledger, Options, prove, verify};
use std::process::Command;
use std::time::Instant;

/// Tells the child its folder.
const FOLDER: &str = "VARA_PROOF_TEST_EXPORT";
const EVENTS: u64 = 1_000_000;

/// Most memory that this process ever held, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1024
}

/// Processor time of this process so far, in seconds; the kernel counts it in hundredths (proc_pid_stat(5)).
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn per_second(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

#[test]
#[ignore = "measures; a million events in release"]
fn a_million_leaves_are_appended_at_300_000_a_second() {
    let all = leaves(usize::try_from(EVENTS).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let since = Instant::now();
    ledger.append(&all).unwrap();
    let rate = per_second(EVENTS, since);
    println!("append, one batch: {rate:.0} leaves/s");
    drop(ledger);
    let since = Instant::now();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    println!("open: {:?}", since.elapsed());
    let since = Instant::now();
    for batch in all[..20_000].chunks(100) {
        ledger.append(batch).unwrap();
    }
    println!(
        "append, batches of 100: {:.0} leaves/s",
        per_second(20_000, since)
    );
    let since = Instant::now();
    for index in (0..EVENTS).step_by(10_007) {
        ledger.inclusion(index, EVENTS).unwrap();
    }
    println!("inclusion: {:?} each", since.elapsed() / 100);
    assert!(rate >= 300_000.0);
}

/// The child of the next test, so that nothing else is in memory.
#[test]
#[ignore = "run by the next test, as a process of its own"]
fn verifies_alone() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    verify(folder.as_ref(), &Options::default(), &mut |_| {}).unwrap();
    println!("\nverify, alone: {} MiB at most", peak_mib());
    assert!(peak_mib() < 300);
}

#[test]
#[ignore = "measures; a million events in release"]
fn a_million_events_are_verified_at_200_000_a_second() {
    let log = Log::of(record(EVENTS));
    let export = log.export();
    let part = log.export_part(2..=EVENTS, EVENTS, &[700_001]);
    let events = std::fs::metadata(export.path().join("events.jsonl"))
        .unwrap()
        .len();
    println!("events.jsonl: {} bytes an event", events / EVENTS);
    let note = log.note();
    let event = log.entries[699_999].clone();
    let (tiles, key) = (log.ledger.tiles(), log.key.verifier());
    let since = Instant::now();
    let proof = prove(tiles, event, &note, key).unwrap();
    println!("prove: {:?}", since.elapsed());
    let all = serde_json::to_string(&proof).unwrap().len();
    let event = serde_json::to_string(&proof.event).unwrap().len();
    let checkpoint = serde_json::to_string(&note).unwrap().len();
    let own = all - event - checkpoint;
    println!("proof: {own} bytes, and checkpoint {checkpoint}, and event {event}: {all}");
    let since = Instant::now();
    for _ in 0..1_000 {
        proof.verify(key).unwrap();
    }
    let each = since.elapsed() / 1_000;
    println!("verification of a proof: {each:?}");
    for (what, export, count) in [("whole", &export, EVENTS), ("partial", &part, EVENTS - 1)] {
        let (since, before) = (Instant::now(), processor_s());
        let report = log.verify(export.path(), Some(700_001)).unwrap();
        let (rate, of_processor) = (
            per_second(count, since),
            count as f64 / (processor_s() - before),
        );
        println!(
            "verify, {what}: {rate:.0} events/s, {of_processor:.0} in a second of processor time; {} streams",
            report.streams
        );
        // Whatever else the machine does meanwhile.
        assert!(of_processor >= 200_000.0);
    }
    for export in [&export, &part] {
        let alone = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "throughput::verifies_alone",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, export.path())
            .output()
            .unwrap();
        let said = String::from_utf8(alone.stdout).unwrap();
        assert!(alone.status.success(), "{said}");
        println!(
            "{}",
            said.lines().find(|line| line.contains("MiB")).unwrap()
        );
    }
    assert!(own <= 1_024 && each.as_micros() < 1_000);
}
