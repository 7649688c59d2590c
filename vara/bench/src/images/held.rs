//! Memory that this process and its children hold together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time between two looks: a picture is at its largest for some twenty milliseconds.
const EVERY: Duration = Duration::from_millis(1);

/// Looks again and again until it is asked. Each look takes time of those it looks at, so nothing else is measured meanwhile.
#[derive(Debug)]
pub struct Held {
    ends: std::sync::Arc<AtomicBool>,
    looks: JoinHandle<u64>,
}

impl Held {
    /// Begins to look.
    pub fn watched() -> Self {
        let ends = std::sync::Arc::new(AtomicBool::new(false));
        let asked = std::sync::Arc::clone(&ends);
        let looks = thread::spawn(move || {
            let mut most = 0;
            while !asked.load(Ordering::Relaxed) {
                most = most.max(now_kib().unwrap_or(0));
                thread::sleep(EVERY);
            }
            most
        });
        Self { ends, looks }
    }

    /// The most that was held at once, in KiB; nothing where the system does not tell.
    pub fn most_kib(self) -> Option<u64> {
        self.ends.store(true, Ordering::Relaxed);
        self.looks.join().ok().filter(|most| *most > 0)
    }
}

/// What all of them hold now. A page that several share, as those of the program are, counts once (proc(5), Pss).
fn now_kib() -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let children = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .collect::<Vec<_>>()
        .join(" ");
    // A child that ended meanwhile holds nothing.
    let held = children
        .split_whitespace()
        .filter_map(share_kib)
        .sum::<u64>();
    Some(share_kib("self")? + held)
}

fn share_kib(process: &str) -> Option<u64> {
    let told = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = told.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_for_a_moment_is_seen() {
        let before = now_kib().unwrap();
        let held = Held::watched();
        let taken = std::hint::black_box(vec![1_u8; 64 * 1024 * 1024]);
        thread::sleep(20 * EVERY);
        drop(taken);
        let most = held.most_kib().unwrap();
        assert!(most >= before + 60 * 1024, "{most} after {before}");
    }
}
