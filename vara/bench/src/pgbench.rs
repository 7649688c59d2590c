//! PostgreSQL's own load generator with plain inserts of the same rows: what everything is compared with.

use crate::ground::Ground;
use crate::plan::Span;
use crate::statistics::Call;
use anyhow::{Context, ensure};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use url::Url;

/// More threads than this would only take processors from the server.
const THREADS_MAX: u32 = 2;
/// The same ids in every run.
const SEED: &str = "7370712601";

/// One load.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// Connections, each with one statement at a time.
    pub clients: u32,
    /// Rows of each statement, all of one stream.
    pub rows: u32,
    /// JSON text of each row.
    pub payload: &'a str,
    /// JSON text of each row.
    pub metadata: &'a str,
    /// How long.
    pub span: Span,
}

/// Runs the load and tells every transaction.
///
/// # Errors
/// When pgbench cannot be run, or any of its transactions fails.
pub async fn run(ground: &Ground, load: Load<'_>) -> anyhow::Result<Vec<Call>> {
    let folder = tempfile::tempdir_in(ground.folder())?;
    let script = folder.path().join("insert.sql");
    std::fs::write(&script, insert(load.rows))?;
    let log = folder.path().join("log");
    let mut command = Command::new(ground.pgbench());
    command.env_clear().envs(address(ground.database_url()));
    command
        .arg("--no-vacuum")
        .args(["--protocol", "prepared", "--random-seed", SEED]);
    command.args(["--client", &load.clients.to_string()]);
    command.args(["--jobs", &load.clients.min(THREADS_MAX).to_string()]);
    command.args([
        "--time",
        &whole_seconds(load.clients, load.span).to_string(),
    ]);
    for (name, value) in [("payload", load.payload), ("metadata", load.metadata)] {
        command.arg("--define").arg(format!("{name}={value}"));
    }
    command
        .arg("--log")
        .arg("--log-prefix")
        .arg(&log)
        .arg("--file")
        .arg(&script);
    // A Ctrl-C is for us, and we end it.
    command
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    let done = command.output().await.context("pgbench cannot be run")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "pgbench failed: {}", said.trim());
    calls(folder.path())
}

/// How long pgbench must be told to run, so that the whole span is worked: it counts in whole seconds, and its clock
/// runs while it connects, one client after the other with the hashing of SCRAM (40 ms each on a busy machine).
fn whole_seconds(clients: u32, span: Span) -> u64 {
    let connecting = Duration::from_millis(300) + Duration::from_millis(40) * clients;
    (span.whole() + connecting).as_secs() + 1
}

/// The statement, with its values sent each time, as any client has to.
fn insert(rows: u32) -> String {
    let mut script =
        String::from("\\set stream random(1000000000000000000, 9223372036854775807)\n");
    for row in 1..=rows {
        let _ = writeln!(
            script,
            "\\set event{row} random(1000000000000000000, 9223372036854775807)"
        );
    }
    script.push_str(
        "INSERT INTO bench_rows (aggregate_type, aggregate_id, sequence, event_type, event_version, \
         payload, metadata, event_id, command_id) VALUES ",
    );
    for row in 1..=rows {
        let comma = if row == 1 { "" } else { ", " };
        // Ids of 36 and of 32 characters, as ours are; one stream and one command for all rows.
        let _ = write!(
            script,
            "{comma}('bench', '00000000-0000-400' || :stream, {row}, 'Noted', '1', :payload, :metadata, \
             ('0000000000004' || :event{row})::uuid, ('0000000000004' || :stream)::uuid)"
        );
    }
    script.push_str(";\n");
    script
}

/// The environment in which a PostgreSQL client finds the database; the password never stands in an argument.
fn address(url: &Url) -> Vec<(&'static str, String)> {
    let plain = |text: &str| percent_decoded(text);
    vec![
        ("PGHOST", url.host_str().unwrap_or("localhost").to_owned()),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", plain(url.username())),
        ("PGPASSWORD", plain(url.password().unwrap_or_default())),
        ("PGDATABASE", url.path().trim_start_matches('/').to_owned()),
    ]
}

/// `%41` becomes `A` (RFC 3986, 2.1).
fn percent_decoded(text: &str) -> String {
    // A form with this as its only value decodes it, except that there a plus sign means a blank.
    let form = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
    decoded
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Every transaction in the logs of all threads.
fn calls(folder: &Path) -> anyhow::Result<Vec<Call>> {
    let mut ended = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("log"))
        {
            let text = std::fs::read_to_string(&path)?;
            for line in text.lines() {
                ended.push(transaction(line).with_context(|| format!("pgbench wrote: {line}"))?);
            }
        }
    }
    // Its clock is the time of day; ours begins with the first transaction.
    let start = ended.iter().map(|(at, took)| at - took).min().unwrap_or(0);
    let call = |(at, took_us)| Call {
        ended_us: at - start,
        took_us,
    };
    Ok(ended.into_iter().map(call).collect())
}

/// When a transaction ended and what it took, in microseconds. A line is, in PostgreSQL's documentation of pgbench:
/// `client_id transaction_no time script_no time_epoch time_us`.
fn transaction(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split(' ').skip(2);
    let took: u64 = fields.next()?.parse().ok()?;
    let seconds: u64 = fields.nth(1)?.parse().ok()?;
    let micros: u64 = fields.next()?.parse().ok()?;
    let at = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
    (at >= took).then_some((at, took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_ten_rows_has_one_stream_and_ten_events_in_sequence() {
        let script = insert(10);
        assert_eq!(script.matches("\\set stream").count(), 1);
        assert_eq!(script.matches("INSERT").count(), 1);
        for row in 1..=10 {
            assert!(script.contains(&format!(":stream, {row}, ")), "{script}");
            assert!(
                script.contains(&format!("\\set event{row} random")),
                "{script}"
            );
        }
        assert!(script.trim_end().ends_with("::uuid);"), "{script}");
    }

    #[test]
    fn the_span_is_worked_whole_even_where_connecting_takes_its_time() {
        let plan = crate::Plan::try_new(vec![crate::Work::Execute1], vec![1], 5, 3.0).unwrap();
        let whole = |clients| whole_seconds(clients, plan.span());
        assert_eq!((whole(1), whole(32), whole(128)), (5, 6, 10));
    }

    #[test]
    fn transactions_of_all_threads_are_read_on_one_clock() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "log.17",
            "0 1 500 0 1700000000 000500\n0 2 250 0 1700000001 000000\n",
        );
        write("log.17.1", "1 1 700 0 1700000000 000900\n");
        write("insert.sql", "no log\n");
        let mut calls = calls(folder.path()).unwrap();
        calls.sort_by_key(|call| call.ended_us);
        let told: Vec<_> = calls
            .iter()
            .map(|call| (call.ended_us, call.took_us))
            .collect();
        assert_eq!(told, [(500, 500), (900, 700), (1_000_000, 250)]);
    }

    #[test]
    fn a_transaction_that_failed_is_no_figure() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("log.17"),
            "0 1 failed 0 1700000000 000500\n",
        )
        .unwrap();
        let refusal = calls(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains("failed"), "{refusal}");
    }

    #[test]
    fn a_password_reaches_the_client_as_it_is() {
        let url = "postgres://ana:a%2Fb+c%26d@127.0.0.1:5433/vara"
            .parse()
            .unwrap();
        let told = address(&url);
        assert!(
            told.contains(&("PGPASSWORD", "a/b+c&d".to_owned())),
            "{told:?}"
        );
        assert!(told.contains(&("PGPORT", "5433".to_owned())));
        assert!(told.contains(&("PGDATABASE", "vara".to_owned())));
    }
}
