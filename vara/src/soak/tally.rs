//! What a run comes to, as a table.

use super::strike::Counts;
use crate::operate::table;
use comfy_table::Table;
use std::collections::BTreeMap;
use std::time::Duration;

/// What ends a run at once, so that it is zero wherever the table is told.
const WRONG: [&str; 8] = [
    "lost",
    "doubled",
    "out of order",
    "read models that differ",
    "scans without an end",
    "shown to another member",
    "answered otherwise when asked again",
    "told of a fault of ours (500)",
];

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Tally {
    pub schedules: u32,
    pub faults: Counts,
    pub events: i64,
    pub acknowledged: u64,
    /// Scans that were accepted over HTTP, all of which ended.
    pub scans: usize,
    /// Answers over HTTP by their status; `none` where there was none.
    pub answers: BTreeMap<String, u64>,
    /// Requests that were sent again under their key, and answered alike.
    pub again: u64,
    /// From the end of faults and load until every reader stood at the end of the log.
    pub longest_recovery: Duration,
    /// From then until the bus had the log again.
    pub longest_bus: Duration,
    /// From the end of faults and load until every accepted scan had ended.
    pub longest_scans: Duration,
    /// Starts of processes that failed, because a server was away, and were made again.
    pub started_again: u64,
    /// The most that any part held while all was calm.
    pub most_memory_kib: u64,
    pub took: Duration,
}

impl Tally {
    /// One line for each figure. What would make the run fail is zero here, because it was looked for.
    pub fn table(&self) -> Table {
        let mut table = table(&["figure", "seen"]);
        let mut line = |name: &str, seen: String| {
            table.add_row([name.to_owned(), seen]);
        };
        line("schedules", self.schedules.to_string());
        line("faults", self.faults.values().sum::<u64>().to_string());
        for (fault, count) in &self.faults {
            line(&format!("  {fault}"), count.to_string());
        }
        line("events in the log", self.events.to_string());
        line("acknowledged", self.acknowledged.to_string());
        line(
            "asked over HTTP",
            self.answers.values().sum::<u64>().to_string(),
        );
        for (status, count) in &self.answers {
            line(&format!("  answered {status}"), count.to_string());
        }
        line("asked again under the same key", self.again.to_string());
        line("scans that were accepted and ended", self.scans.to_string());
        for wrong in WRONG {
            line(wrong, "0".to_owned());
        }
        line(
            "processes started again by themselves",
            self.started_again.to_string(),
        );
        line("longest recovery", seconds(self.longest_recovery));
        line("longest wait for a scan", seconds(self.longest_scans));
        line(
            "longest wait for the bus after that",
            seconds(self.longest_bus),
        );
        line(
            "most memory of a part",
            format!("{} MiB", self.most_memory_kib >> 10),
        );
        line("took", seconds(self.took));
        table
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_summed_and_named() {
        let tally = Tally {
            faults: Counts::from([
                ("kill -9 relay".to_owned(), 2),
                ("stream deleted".to_owned(), 3),
            ]),
            longest_recovery: Duration::from_millis(1_540),
            ..Tally::default()
        };
        let table = tally.table().to_string();
        let has = |name: &str, seen: &str| {
            table
                .lines()
                .any(|line| line.trim().starts_with(name) && line.trim().ends_with(seen))
        };
        assert!(has("faults", " 5") && has("kill -9 relay", " 2"), "{table}");
        assert!(
            has("longest recovery", "1.5 s") && has("lost", " 0"),
            "{table}"
        );
    }
}
