//! After a schedule: wait until everything has come to rest, then ask the checker.

use super::WRITERS;
use super::acks::Told;
use super::checker::{self, Broken, OnBus, Seen};
use super::ground::{Ground, Place};
use super::members::Members;
use crate::operate::read_models::Checking;
use anyhow::{Context, bail, ensure};
use eventstore::{Database, Log, checkpoint, parked, prover, relay, subscription};
use projections::check::{Follow, following};
use projections::{READ_MODELS, named};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time from the end of faults and load until everything that is read or proved stands at the end of the log,
/// with or without a bus (I11).
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// A bus that forgot everything gets the whole log again, at no less than so many events a second beside that.
const PUBLISHED_A_SECOND: u64 = 5_000;
/// Longest time from then until every accepted scan has ended: two leases of 10 s that run out, and the minute within which an
/// engine is asked again; work is told by the bus, so after its loss the log before it is published first.
const SCANS_END_WITHIN: Duration = Duration::from_secs(90);
/// Sessions that have been within a transaction for longer than any of ours rests there.
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '2 seconds'";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Events that are read at once.
const PAGE: i64 = 5_000;

/// The file of one process of writers.
pub fn acks_of(place: &Place, writer: usize) -> PathBuf {
    place.acks().join(format!("writer-{writer}"))
}

/// What all writers have been told.
pub fn told(place: &Place) -> anyhow::Result<Told> {
    let mut all = Told::default();
    for writer in 0..WRITERS {
        let told = Told::read(&acks_of(place, writer))?;
        all.acks.extend(told.acks);
        all.dropped += told.dropped;
    }
    Ok(all)
}

/// Waits until every reader has come to the end of a log that does not grow; the time that took.
pub async fn arrive(ground: &Ground) -> anyhow::Result<Duration> {
    let (begun, mut last) = (Instant::now(), Ok(()));
    while begun.elapsed() < ARRIVES_WITHIN {
        match is_there(ground).await {
            Ok(Ok(())) => return Ok(begun.elapsed()),
            Ok(Err(short)) => last = Err(anyhow::Error::from(short)),
            Err(fault) => last = Err(fault),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    last.context("30 seconds after the last fault")?;
    bail!("I11: the log does not come to rest")
}

async fn is_there(ground: &Ground) -> anyhow::Result<Result<(), Broken>> {
    let database = ground.kit.store.database();
    let head = Log::new(database.clone()).head().await?;
    let mut readers = readers(database).await?;
    if Log::new(database.clone()).head().await? != head {
        return Ok(checker::arrived(
            &[("the end of the log".to_owned(), head)],
            head + 1,
        ));
    }
    let within = checker::within(&readers, head);
    // The relay has arrived when the bus is whole, which takes the longer the more it forgot.
    readers.retain(|(name, _)| name != relay::NAME);
    Ok(within.and(checker::arrived(&readers, head)))
}

/// Every reader of the log and where it stands.
async fn readers(database: &Database) -> anyhow::Result<Vec<(String, i64)>> {
    let mut readers = Vec::new();
    for name in READ_MODELS
        .into_iter()
        .chain([relay::NAME, prover::NAME, subscription::POLICIES])
    {
        readers.push((name.to_owned(), checkpoint::read(database, name).await?));
    }
    Ok(readers)
}

/// What a bus that forgot everything may take to get a log of so many events again.
const fn to_publish(head: i64) -> Duration {
    Duration::from_secs(head.unsigned_abs() / PUBLISHED_A_SECOND)
}

/// I6: the bus has the whole log again, whatever it forgot; the time that took. Then message by message.
pub async fn bus_is_whole(
    ground: &Ground,
    seen: &mut Seen,
    on_bus: &mut OnBus,
) -> anyhow::Result<Duration> {
    let head = Log::new(ground.kit.store.database().clone()).head().await?;
    let within = ARRIVES_WITHIN + to_publish(head);
    let (begun, mut last) = (Instant::now(), "nothing".to_owned());
    let took = loop {
        ensure!(
            begun.elapsed() < within,
            "I6: the bus does not get the log again within {within:?}: {last} of {head}"
        );
        let published = checkpoint::read(ground.kit.store.database(), relay::NAME).await?;
        match ground.kit.bus.holds(head).await {
            Ok(true) if published >= head => break begun.elapsed(),
            Ok(held) => last = format!("all of it there: {held}, told {published}"),
            Err(fault) => last = fault.to_string(),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    read_on(ground, seen).await?;
    let (made, sequence) = (on_bus.made.clone(), on_bus.sequence);
    let new = ground.kit.bus.messages_after(&made, sequence).await?;
    on_bus.take(&new, seen.previous())?;
    on_bus.is_whole()?;
    Ok(took)
}

/// I10: no reader has seen an event that the log does not hold, by its id and not only by its position.
pub async fn readers_know_the_log(ground: &Ground) -> anyhow::Result<()> {
    let database = ground.kit.store.database();
    let head = Log::new(database.clone()).head().await?;
    let readers = readers(database).await?;
    checker::within(&readers, head)?;
    for (name, _) in &readers {
        checkpoint::resume(database, name).await.context("I10")?;
    }
    Ok(())
}

/// I1, I2, I4, I5, I7 and parked events, with what was recorded since `seen`.
pub async fn log_is_whole(
    ground: &Ground,
    place: &Place,
    seen: &mut Seen,
    members: &Members,
) -> anyhow::Result<u64> {
    read_on(ground, seen).await?;
    let told = told(place)?;
    seen.holds(&told.acks)?;
    seen.answered(&members.heard.asked)?;
    seen.scans_ended()?;
    seen.all_told()?;
    let parked = parked::list(ground.kit.store.database()).await?;
    ensure!(parked.is_empty(), "I7: {} streams are parked", parked.len());
    Ok(told.acks.len() as u64)
}

async fn read_on(ground: &Ground, seen: &mut Seen) -> anyhow::Result<()> {
    let log = Log::new(ground.kit.store.database().clone());
    let there = log.read_after((seen.position - 1).max(0), 1).await;
    seen.knows_again(there.context("I2")?.first())?;
    loop {
        let events = log.read_after(seen.position, PAGE).await.context("I2")?;
        if events.is_empty() {
            return Ok(());
        }
        events.iter().try_for_each(|event| seen.take(event))?;
    }
}

/// I4: waits until every accepted scan has ended; the time that took.
pub async fn scans_end(ground: &Ground, seen: &mut Seen) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let head = Log::new(ground.kit.store.database().clone()).head().await?;
    let within = SCANS_END_WITHIN + to_publish(head);
    loop {
        read_on(ground, seen).await?;
        match seen.scans_ended() {
            Ok(()) => return Ok(begun.elapsed()),
            Err(open) if begun.elapsed() > within => {
                return Err(open).with_context(|| format!("{within:?} after the last fault"));
            }
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// I11: no session of ours stays within a transaction. Asked by PostgreSQL's own client.
pub async fn nothing_stays_open(ground: &Ground) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let mut psql = tokio::process::Command::from(ground.psql()?);
        psql.args(["--tuples-only", "--no-align", "--command", OPEN]);
        let said = psql
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let open = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        if said.status.success() && open == "0" {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < ARRIVES_WITHIN,
            "I11: {open} sessions stay within a transaction"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Begins to follow every read model.
pub async fn followers() -> anyhow::Result<Vec<Box<dyn Follow>>> {
    let mut all = Vec::new();
    for name in READ_MODELS {
        let begun = following(name).await;
        all.push(begun.context("a read model has no name")?);
    }
    Ok(all)
}

/// I3 after each schedule: the digest that every read model keeps is that of a fold which is carried on beside it.
pub async fn digests_are_right(
    ground: &Ground,
    followers: &mut [Box<dyn Follow>],
) -> anyhow::Result<()> {
    let (database, vault) = (ground.kit.store.database(), &ground.kit.vault);
    for (name, follower) in READ_MODELS.into_iter().zip(followers) {
        let seen = follower.follow(database, vault).await.context("I3")?;
        if let Some(at) = seen.diverges_at {
            bail!("I3: the digest of {name} is not the log's, from {at} on");
        }
    }
    Ok(())
}

/// I3 now and then: the rows themselves of every read model are what the log gives from zero.
pub async fn rows_are_right(ground: &Ground) -> anyhow::Result<()> {
    let kit = &ground.kit;
    for name in READ_MODELS {
        let (database, vault) = (kit.store.database().clone(), kit.vault.clone());
        let asked = Checking(database, vault, Arc::new(|_, _| {}));
        let seen = named(name, asked)
            .await
            .context("a read model has no name")??;
        if let Some(at) = seen.diverges_at {
            let rows = seen.rows.join(", ");
            bail!("I3: {name} is not what the log says, from {at} on: {rows}");
        }
        let head = Log::new(kit.store.database().clone()).head().await?;
        ensure!(
            seen.position == head,
            "I3: {name} was compared up to {} of {head}",
            seen.position
        );
    }
    Ok(())
}

/// I9: the log reads from zero, and its root is the one that was signed. Asked of the program, as an auditor would.
pub async fn record_is_signed(ground: &Ground) -> anyhow::Result<()> {
    let arguments = ["audit", "replay"].map(str::to_owned);
    let mut command = tokio::process::Command::from(ground.home.command(&arguments));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let said = command.output().await?;
    let words = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
    ensure!(
        said.status.success() && words.contains("It is the root that was signed"),
        "I9: vara audit replay says: {words}"
    );
    Ok(())
}
