//! What a reader must know to judge the figures: the machine, the server, its durability.

use chrono::{DateTime, Utc};
use eventstore::edge;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;

/// What decides whether an acknowledged write survives a power failure, and what it costs.
const SETTINGS: [&str; 7] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
];

/// The circumstances of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it began, UTC.
    pub at: DateTime<Utc>,
    /// Processors that this program may use; the server shares them.
    pub cores: usize,
    /// The processor's own name, where the system tells it.
    pub processor: Option<String>,
    /// The server's version.
    pub postgres: String,
    /// Settings of the server.
    pub settings: BTreeMap<String, String>,
    /// Whether the server wrote everything out before each measurement.
    pub checkpoints: bool,
}

impl Facts {
    pub(crate) async fn read(asked: &mut PgConnection, checkpoints: bool) -> anyhow::Result<Self> {
        let rows = sqlx::query(
            "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1)",
        )
        .bind(&SETTINGS[..])
        .fetch_all(&mut *asked)
        .await?;
        let pair = |row: &sqlx::postgres::PgRow| Ok((row.try_get("name")?, row.try_get("value")?));
        let settings = rows.iter().map(pair).collect::<Result<_, sqlx::Error>>()?;
        let version = sqlx::query_scalar("SHOW server_version")
            .fetch_one(asked)
            .await?;
        Ok(Self {
            at: edge::now(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(),
            postgres: version,
            settings,
            checkpoints,
        })
    }

    /// Whether the server promises to keep what it acknowledged.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        ["fsync", "synchronous_commit", "full_page_writes"]
            .iter()
            .all(|name| self.settings.get(*name).is_some_and(|value| value == "on"))
    }

    /// One line for each fact.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("date: {}", self.at.format("%Y-%m-%d %H:%M UTC")),
            format!("cores: {}", self.cores),
        ];
        lines.extend(
            self.processor
                .iter()
                .map(|name| format!("processor: {name}")),
        );
        lines.push(format!("PostgreSQL: {}", self.postgres));
        lines.extend(
            self.settings
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        if !self.is_durable() {
            lines.push(
                "durability: NOT FULL, so these figures say nothing about a real server".to_owned(),
            );
        }
        if !self.checkpoints {
            lines.push("checkpoints: not before each measurement, because the user of the server may not ask for one".to_owned());
        }
        lines
    }
}

/// As Linux tells it.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fsync: &str) -> Facts {
        let on = |name: &str| (name.to_owned(), "on".to_owned());
        let mut settings: BTreeMap<_, _> = ["fsync", "synchronous_commit", "full_page_writes"]
            .map(on)
            .into();
        settings.insert("fsync".to_owned(), fsync.to_owned());
        Facts {
            at: DateTime::UNIX_EPOCH,
            cores: 2,
            processor: None,
            postgres: "18.4".to_owned(),
            settings,
            checkpoints: true,
        }
    }

    #[test]
    fn a_server_that_does_not_sync_is_called_so() {
        let told = |facts: Facts| facts.lines().join("\n");
        assert!(!told(facts("on")).contains("NOT FULL"));
        assert!(told(facts("off")).contains("NOT FULL"));
        assert!(told(facts("on")).contains("date: 1970-01-01 00:00 UTC"));
    }
}
