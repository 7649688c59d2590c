//! What a child has given up before it reads the first byte.

use crate::pictures_of_tests::{picture, vara};
use intake::{Cells, Limits, SUBCOMMAND};
use pictures::TakeIn;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A child that waits for its file, kept until this is dropped.
struct Waiting(Child);

impl Waiting {
    /// Started as by a parent that left a file open and has settings.
    fn start() -> Self {
        let child = Command::new("/bin/sh")
            .args(["-c", "exec 9</etc/passwd 7</dev/null; exec \"$0\" \"$1\""])
            .arg(vara())
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let waiting = Self(child.unwrap());
        // Files are the last thing that it gives up.
        let begun = Instant::now();
        while waiting.limit("Max open files") != Some(0) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it is not confined"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        waiting
    }

    fn told(&self, what: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{what}", self.0.id())).unwrap()
    }

    /// A hard limit, where it is a number.
    fn limit(&self, name: &str) -> Option<u64> {
        let limits = self.told("limits");
        let line = limits.lines().find(|line| line.starts_with(name))?;
        line.trim_start_matches(name)
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    }

    fn kib(&self, name: &str) -> u64 {
        let status = self.told("status");
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_child_has_no_open_file_but_its_three_and_can_open_none() {
    let child = Waiting::start();
    let open = std::fs::read_dir(format!("/proc/{}/fd", child.0.id())).unwrap();
    let mut open: Vec<_> = open.map(|file| file.unwrap().file_name()).collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"]);
    assert_eq!(child.limit("Max open files"), Some(0));
    assert_eq!(child.limit("Max file size"), Some(0));
}

#[test]
fn a_child_is_bounded_in_memory_and_time_and_leaves_no_dump() {
    let child = Waiting::start();
    assert_eq!(child.limit("Max core file size"), Some(0));
    assert_eq!(child.limit("Max processes"), Some(0));
    assert_eq!(child.limit("Max cpu time"), Some(10));
    let own = child.limit("Max address space").unwrap() - child.kib("VmSize:") * 1_024;
    println!(
        "at rest {} kB resident, {own} bytes to take",
        child.kib("VmRSS:")
    );
    assert!(own <= 240 * 1_024 * 1_024, "{own}");
    assert_eq!(child.kib("Threads:"), 1);
}

#[tokio::test]
async fn a_child_gets_no_settings_and_stands_in_no_folder_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (program, note) = (folder.path().join("program"), folder.path().join("note"));
    let lines = format!(
        "#!/bin/sh\n(/usr/bin/env; /bin/pwd -P) > {}\n",
        note.display()
    );
    std::fs::write(&program, lines).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let cells = Cells::of(program, Limits::default());
    drop(cells.take_in(Arc::new(picture("scene.jpg"))).await);
    let told = std::fs::read_to_string(note).unwrap();
    assert_eq!(told.lines().last(), Some("/"));
    for (name, _) in std::env::vars() {
        // The shell of this test sets these by itself.
        let by_the_shell = matches!(name.as_str(), "PWD" | "SHLVL" | "_" | "OLDPWD" | "PATH");
        assert!(
            by_the_shell
                || !told
                    .lines()
                    .any(|line| line.starts_with(&format!("{name}="))),
            "{name}"
        );
    }
}
