//! How fast what people look at is read, beside pgbench with the same statement and postgres-es with a view of the same.

use crate::filled::fill;
use crate::ground::Ground;
use crate::report::Report;
use crate::run::bar;
use crate::theirs;
use crate::timed::{Timed, rows};
use anyhow::{Context, ensure};
use domain::ids::UserId;
use eventstore::Database;
use projections::as_of::Past;
use projections::rebuild::{Progress, rebuild as build};
use projections::streams::Streams;
use projections::users::{Users, consents};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Command;
use uuid::Uuid;

/// Events in the log behind what is read.
const EVENTS: u64 = 50_000;
/// The statement of [`consents`], for pgbench.
const STATEMENT: &str = "SELECT user_id, purpose, granted, text_version, changed_at FROM read_consents \
                         WHERE user_id = ':member' ORDER BY purpose;";

/// How to measure it.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// Questions of one run.
    pub questions: u32,
    /// How often each figure is taken.
    pub rounds: u32,
}

/// Measures questions about now, and about a position in the past.
///
/// # Errors
/// When the log cannot be filled, or a question fails.
pub async fn read(ground: &Ground, ask: Reads) -> anyhow::Result<Report> {
    ensure!(
        (10..=1_000_000).contains(&ask.questions),
        "--questions must be from 10 to 1000000, not {}",
        ask.questions
    );
    ensure!(
        (1..=100).contains(&ask.rounds),
        "--rounds must be from 1 to 100, not {}",
        ask.rounds
    );
    let facts = ground.facts().await?;
    let few = (ask.questions / 20).max(10);
    let mut timed = [
        Timed::new("read-consents", "pgbench", 1, u64::from(ask.questions)),
        Timed::new("read-consents", "postgres-es", 1, u64::from(ask.questions)),
        Timed::new("read-consents", "vara", 1, u64::from(ask.questions)),
        Timed::new("read-as-of", "vara", 1, u64::from(few)),
    ];
    let bar = bar(ask.rounds as usize * timed.len() + 1)?;
    bar.set_message("filling the log");
    fill(ground, EVENTS).await?;
    let pool = ground.connect(8).await?;
    let vault = ground.vault(&pool)?;
    let quietly: Progress = Arc::new(|_, _| {});
    build::<Users>(&pool, &vault, true, &quietly).await?;
    build::<Streams>(&pool, &vault, true, &quietly).await?;
    theirs::copy(&pool).await?;
    let past = Past::new(&pool, vault);
    let members: Vec<Uuid> = sqlx::query_scalar("SELECT user_id FROM read_users ORDER BY user_id")
        .fetch_all(&pool)
        .await?;
    bar.inc(1);
    for _ in 0..ask.rounds {
        for (which, cell) in timed.iter_mut().enumerate() {
            bar.set_message(cell.work.clone());
            let singly = match which {
                0 => by_pgbench(ground, &members, ask.questions).await?,
                1 => theirs::read(&pool, &members, ask.questions).await?,
                2 => now(&pool, &members, ask.questions).await?,
                _ => then(&past, &members, few).await?,
            };
            cell.runs.push(singly.iter().sum());
            cell.singly.extend(singly);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    pool.close().await;
    Ok(Report {
        bench: "read".to_owned(),
        rounds: ask.rounds,
        seconds: 0.0,
        facts,
        rows: rows(&timed),
    })
}

async fn now(pool: &Database, members: &[Uuid], questions: u32) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(questions as usize);
    for member in members.iter().cycle().take(questions as usize) {
        let begun = Instant::now();
        let said = consents(pool, UserId(*member)).await?;
        took.push(begun.elapsed());
        ensure!(!said.is_empty(), "a member without any choice");
    }
    Ok(took)
}

async fn then(past: &Past, members: &[Uuid], questions: u32) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(questions as usize);
    let half = i64::try_from(EVENTS / 2)?;
    for member in members.iter().cycle().take(questions as usize) {
        let begun = Instant::now();
        let mut shown = past.shown::<Users>(UserId(*member), Some(half)).await?;
        let said = consents(&mut *shown, UserId(*member)).await?;
        took.push(begun.elapsed());
        ensure!(!said.is_empty(), "a member without any choice");
    }
    Ok(took)
}

/// One client, prepared statements, the same members; the latency of each transaction from its log.
async fn by_pgbench(
    ground: &Ground,
    members: &[Uuid],
    questions: u32,
) -> anyhow::Result<Vec<Duration>> {
    let script = ground.folder().join("read.sql");
    let log = ground.folder().join("read-log");
    let member = members.first().context("there is no member")?;
    std::fs::write(&script, STATEMENT.replace(":member", &member.to_string()))?;
    let done = Command::new(ground.pgbench())
        .args([
            "-n",
            "-M",
            "prepared",
            "-c",
            "1",
            "-j",
            "1",
            "-t",
            &questions.to_string(),
            "-l",
        ])
        .arg(format!("--log-prefix={}", log.display()))
        .arg("-f")
        .arg(&script)
        .arg(ground.database_url().as_str())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .await?;
    ensure!(
        done.status.success(),
        "pgbench: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    let mut took = Vec::with_capacity(questions as usize);
    for entry in std::fs::read_dir(ground.folder())? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("read-log"))
        {
            // client, transaction, latency in microseconds, ... (PostgreSQL documentation, pgbench, per-transaction logging)
            for line in std::fs::read_to_string(&path)?.lines() {
                let latency = line
                    .split(' ')
                    .nth(2)
                    .context("a line of pgbench's log without a latency")?;
                took.push(Duration::from_micros(latency.parse()?));
            }
            std::fs::remove_file(&path)?;
        }
    }
    ensure!(
        took.len() == questions as usize,
        "pgbench told {} of {questions} latencies",
        took.len()
    );
    Ok(took)
}
