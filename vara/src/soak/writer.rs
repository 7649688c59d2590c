//! One process of writers: lanes that ask for their commands in order, each until it is acknowledged.

use super::acks::{Ack, AckFile, Told};
use super::deed::Deed;
use crate::cli::{Data, SoakWriter};
use crate::{parts, say};
use anyhow::Context;
use eventstore::{Role, Store, edge};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Longest time a command is on its way before its client goes away.
const DROPPED_WITHIN_MICROS: u64 = 5_000;

/// The exit code of a process whose lanes got an answer that no fault excuses: a refusal, or a stream that cannot be used.
pub const WRONG_ANSWER: u8 = 3;

/// Writes until every lane has done its commands.
///
/// # Errors
/// When it cannot begin, because a server is away.
pub async fn write(ask: SoakWriter) -> anyhow::Result<ExitCode> {
    let data = Data {
        data_dir: Some(ask.data_dir.clone()),
    };
    let store = parts::open_as(Role::Writer, &data).await?.store;
    let done = Told::read(&ask.acks)?.done()?;
    let acks = Arc::new(Mutex::new(AckFile::open(&ask.acks)?));
    let mut lanes = JoinSet::new();
    for lane in ask.lane..ask.lane + ask.lanes {
        let (ask, store, acks) = (ask.clone(), store.clone(), Arc::clone(&acks));
        let from = done.get(&lane).copied().unwrap_or_default();
        lanes.spawn(async move {
            for number in from..ask.until {
                one(&ask, lane, number, &store, &acks).await?;
            }
            anyhow::Ok(())
        });
    }
    let ended: anyhow::Result<()> = lanes.join_all().await.into_iter().collect();
    if let Err(fault) = ended {
        say::problem(&fault);
        return Ok(ExitCode::from(WRONG_ANSWER));
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(
    ask: &SoakWriter,
    lane: u32,
    number: u64,
    store: &Store,
    acks: &Mutex<AckFile>,
) -> anyhow::Result<()> {
    let deed = Deed::of(ask.seed, lane, number);
    let seed = ask.seed ^ (u64::from(lane) << 40) ^ number;
    let mut rng = fastrand::Rng::with_seed(seed);
    if rng.u32(0..100) < ask.drops {
        let on_its_way = Duration::from_micros(rng.u64(0..=DROPPED_WITHIN_MICROS));
        // As a client that goes away: whatever was begun goes on without it, and the retry meets it.
        let store = store.clone();
        let client = tokio::spawn(async move { deed.ask(&store).await });
        tokio::time::sleep(on_its_way).await;
        client.abort();
        drop(client.await);
        acks.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dropped()?;
    }
    let mut tries = 0;
    let receipt = loop {
        let answer = deed.ask(store).await;
        if let Some(receipt) =
            answer.with_context(|| format!("command {} ({lane}/{number})", deed.command))?
        {
            break receipt;
        }
        let wait = edge::backoff(tries, Duration::from_millis(5), Duration::from_millis(500));
        tokio::time::sleep(wait).await;
        tries += 1;
    };
    let ack = Ack {
        lane,
        number,
        command: deed.command,
        position: receipt.position,
        events: deed.events(),
    };
    acks.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .acknowledged(&ack)
}
