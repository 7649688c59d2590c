//! How fast a read model is built anew, beside the unmodified postgres-es that only reads the same events.

use crate::filled::{self, fill};
use crate::ground::Ground;
use crate::report::Report;
use crate::run::bar;
use crate::timed::{Timed, rows};
use anyhow::ensure;
use cqrs_es::persist::PersistedEventRepository;
use domain::user::User;
use eventstore::{Database, Vault};
use postgres_es::PostgresEventRepository;
use projections::projector::ReadModel;
use projections::rebuild::{Progress, rebuild as build};
use projections::streams::Streams;
use projections::users::Users;
use std::sync::Arc;
use std::time::Instant;

/// How to measure it.
#[derive(Debug, Clone, Copy)]
pub struct Rebuilds {
    /// Events in the log.
    pub events: u64,
    /// How often each figure is taken.
    pub rounds: u32,
}

/// Measures rebuilds over a log of so many events.
///
/// # Errors
/// When the log cannot be filled, or a rebuild fails.
pub async fn rebuild(ground: &Ground, ask: Rebuilds) -> anyhow::Result<Report> {
    let (least, most) = (filled::EVENTS_MIN, filled::EVENTS_MAX);
    let events = ask.events;
    ensure!(
        (least..=most).contains(&events),
        "--events must be from {least} to {most}, not {events}"
    );
    ensure!(
        (1..=100).contains(&ask.rounds),
        "--rounds must be from 1 to 100, not {}",
        ask.rounds
    );
    let facts = ground.facts().await?;
    let bar = bar(ask.rounds as usize * 4 + 1)?;
    bar.set_message("filling the log");
    fill(ground, events).await?;
    bar.inc(1);
    let pool = ground.connect(16).await?;
    let vault = ground.vault(&pool)?;
    let mut timed = [
        Timed::new("rebuild-users", "postgres-es", 1, events),
        Timed::new("rebuild-users", "vara", 1, events),
        Timed::new("rebuild-streams", "postgres-es", 1, events),
        Timed::new("rebuild-streams", "vara", 1, events),
    ];
    for round in 0..ask.rounds as usize {
        for turn in 0..timed.len() {
            let which = (turn + round) % timed.len();
            bar.set_message(timed[which].work.clone());
            let begun = Instant::now();
            match which {
                1 => anew::<Users>(&pool, &vault).await?,
                3 => anew::<Streams>(&pool, &vault).await?,
                _ => only_read(&pool, events).await?,
            }
            timed[which].runs.push(begun.elapsed());
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    pool.close().await;
    Ok(Report {
        bench: "rebuild".to_owned(),
        rounds: ask.rounds,
        seconds: 0.0,
        facts,
        rows: rows(&timed),
    })
}

/// Built, compared and put in the place of the live one, as `vara projections rebuild` does it.
async fn anew<M: ReadModel>(pool: &Database, vault: &Vault) -> anyhow::Result<()> {
    let quietly: Progress = Arc::new(|_, _| {});
    build::<M>(pool, vault, true, &quietly).await?;
    Ok(())
}

/// The replay of postgres-es: every event of one kind of stream, deserialised and counted; nothing is built of it.
async fn only_read(pool: &Database, events: u64) -> anyhow::Result<()> {
    let theirs = PostgresEventRepository::new(pool.clone());
    let mut replay = theirs.stream_all_events::<User>().await?;
    let mut read = 0;
    while let Some(event) = replay.next::<User>(&[]).await {
        // A sealed address is no address to it, which it says once an event; it has read the event all the same.
        drop(event);
        read += 1;
    }
    ensure!(read == events, "postgres-es read {read} of {events} events");
    Ok(())
}
