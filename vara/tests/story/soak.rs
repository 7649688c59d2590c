//! A short run under seeded faults, how it is stopped, and what it refuses.

use crate::running::{binary, folder};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Its words, its problems, its exit code.
fn soak(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = binary().arg("soak").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

/// The number in the table behind a name.
fn figure(words: &str, name: &str) -> u64 {
    let line = words.lines().find(|line| line.trim().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no line {name} in\n{words}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn a_short_run_under_faults_loses_and_doubles_nothing() {
    let place = folder();
    let data = place.path().join("soak");
    let begun = Instant::now();
    let data = data.display().to_string();
    let (words, problems, code) = soak(&[
        "--schedules",
        "4",
        "--events",
        "2000",
        "--seed",
        "1",
        "--data-dir",
        &data,
    ]);
    assert_eq!(code, Some(0), "{words}{problems}");
    assert!(words.contains("seed 1:"), "{words}");
    assert_eq!(figure(&words, "schedules"), 4);
    assert_eq!(figure(&words, "lost"), 0);
    assert_eq!(figure(&words, "doubled"), 0);
    assert_eq!(figure(&words, "out of order"), 0);
    assert_eq!(figure(&words, "scans without an end"), 0);
    assert_eq!(figure(&words, "shown to another member"), 0);
    assert_eq!(figure(&words, "answered otherwise when asked again"), 0);
    assert_eq!(figure(&words, "told of a fault of ours"), 0);
    // Each member uploads once and starts a scan after every schedule: each of these is asked at least once more.
    assert!(
        figure(&words, "asked again under the same key") >= 4 + 4 * 4,
        "{words}"
    );
    // Four members ask all the time, and each of them starts a scan after every schedule at the latest.
    assert!(figure(&words, "asked over HTTP") > 100, "{words}");
    assert!(figure(&words, "scans that were accepted") >= 8, "{words}");
    // 24 writers do 21 commands in each schedule, and members, workers and policies add theirs.
    assert_eq!(figure(&words, "acknowledged"), 4 * 21 * 24);
    assert!(figure(&words, "events in the log") > 4 * 21 * 24, "{words}");
    assert!(figure(&words, "faults") >= 4, "{words}");
    assert!(words.contains("kill -9"), "{words}");
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn what_cannot_be_run_is_refused_and_leaves_nothing_behind() {
    let place = folder();
    let (full, fresh) = (place.path().join("full"), place.path().join("fresh"));
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("hers"), "hers").unwrap();
    let (full, fresh) = (full.display().to_string(), fresh.display().to_string());
    for (wrong, named) in [
        (&["--schedules", "0"][..], "--schedules"),
        (&["--schedules", "10001"], "--schedules"),
        (&["--schedules", "many"], "--schedules"),
        (&["--events", "10000001"], "--events"),
        (&["--schedules", "10", "--events", "239"], "--events"),
        (&["--seed", "tomorrow"], "--seed"),
        (&["--schedules", "1", "--data-dir", &full], "--data-dir"),
        (&["--schedules", "0", "--data-dir", &fresh], "--schedules"),
    ] {
        let (words, problems, code) = soak(wrong);
        assert!(
            code.is_some_and(|code| code != 0),
            "{wrong:?}: {words}{problems}"
        );
        assert!(problems.contains(named), "{wrong:?}: {problems}");
        assert!(!problems.contains("panicked"), "{wrong:?}: {problems}");
    }
    let left = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left, 1, "only the folder that was there");
    assert_eq!(std::fs::read_dir(full).unwrap().count(), 1);
}

#[test]
fn an_answer_that_is_not_in_the_log_fails_the_run_which_keeps_everything() {
    let place = folder();
    let data = place.path().join("soak");
    let run = binary()
        .args(["soak", "--schedules", "1", "--events", "500", "--seed", "7"])
        .arg("--data-dir")
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (acks, asked) = (data.join("acks/writer-0"), Instant::now());
    while std::fs::metadata(&acks).map_or(0, |about| about.len()) == 0 {
        assert!(asked.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    // As if the first command of a writer had been answered under an id that the log never saw.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&acks)
        .unwrap();
    file.write_all(b"0 0 018f0000-0000-7000-8000-000000000000 1 1\n")
        .unwrap();
    let output = run.wait_with_output().unwrap();
    let problems = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{problems}");
    for word in [
        "I1: command 018f0000-",
        "is lost",
        "of seed 7",
        "the faults were",
    ] {
        assert!(problems.contains(word), "no {word} in {problems}");
    }
    assert!(acks.exists() && data.join("servers").exists());
    nothing_works_in(&data.display().to_string());
}

/// Command lines of living processes that name a folder.
fn working_in(folder: &str) -> Vec<String> {
    let listed = Command::new("ps")
        .args(["-A", "-o", "args="])
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed
        .lines()
        .filter(|line| line.contains(folder))
        .map(str::to_owned)
        .collect()
}

/// A run without a folder of its own that has begun to write; the folder it made.
fn begun() -> (std::process::Child, String) {
    let mut run = binary()
        .args(["soak", "--schedules", "50", "--events", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut words = BufReader::new(run.stdout.take().unwrap());
    words.read_line(&mut first).unwrap();
    let folder = first.trim().rsplit(' ').next().unwrap().to_owned();
    let asked = Instant::now();
    while !Path::new(&folder).join("acks/writer-0").exists() {
        assert!(asked.elapsed() < Duration::from_secs(60), "{first}");
        std::thread::sleep(Duration::from_millis(20));
    }
    (run, folder)
}

fn nothing_works_in(folder: &str) {
    let ended = Instant::now();
    while !working_in(folder).is_empty() {
        let left = working_in(folder);
        assert!(ended.elapsed() < Duration::from_secs(20), "{left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_that_is_told_to_stop_leaves_no_process_and_no_folder() {
    let (mut run, folder) = begun();
    let pid = run.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let status = run.wait().unwrap();
    assert!(!status.success(), "it did not come to its end");
    assert!(!Path::new(&folder).exists(), "{folder}");
    nothing_works_in(&folder);
}

#[test]
fn a_run_that_is_killed_leaves_no_process() {
    let (mut run, folder) = begun();
    run.kill().unwrap();
    run.wait().unwrap();
    nothing_works_in(&folder);
    std::fs::remove_dir_all(folder).unwrap();
}
