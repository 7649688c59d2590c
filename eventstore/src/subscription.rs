//! A subscription: every event of the log in order, for a reader that writes nothing of its own in this database.

use crate::feed::Feed;
use crate::kill_point;
use crate::log::{Log, ReadFault};
use crate::parked::{self, Parked, Waiting};
use crate::recorded::{Opened, Recorded};
use crate::store::Store;
use crate::work::Attempt;
use crate::{checkpoint, edge};
use std::future::Future;
use std::time::Duration;

/// The policies' name among the readers of the log: whoever waits for what follows waits for them.
pub const POLICIES: &str = "policies";
/// Tries of an event before its stream is parked.
const TRIES: u32 = 3;

/// Hands event after event to `work` until the process ends; goes on where it stopped.
///
/// `work` may see an event again after a crash, so what it does must be named by the event. What can be used never
/// is parked with its stream; all other streams go on.
pub async fn run<W, F>(store: Store, name: &'static str, mut feed: Feed, work: W)
where
    W: Fn(Opened) -> F,
    F: Future<Output = Attempt>,
{
    let mut faults = 0;
    loop {
        if let Err(fault) = follow(&store, name, &mut feed, &work, &mut faults).await {
            tracing::warn!(reader = name, %fault, "a reader of the log waits and starts again");
        }
        pause(faults).await;
        faults += 1;
    }
}

async fn follow<W, F>(
    store: &Store,
    name: &str,
    feed: &mut Feed,
    work: &W,
    faults: &mut u32,
) -> Result<(), ReadFault>
where
    W: Fn(Opened) -> F,
    F: Future<Output = Attempt>,
{
    let database = store.database();
    let mut position = checkpoint::resume(database, name).await?;
    let mut waiting = waiting(store, name).await?;
    loop {
        let from = position;
        let batch = feed.next(from).await?;
        let Some(last) = batch.last() else {
            *faults = 0;
            continue;
        };
        if !checkpoint::stands(database, name, from, last).await? {
            return Ok(());
        }
        kill_point("policy:read");
        if !waiting.is_empty() {
            waiting = self::waiting(store, name).await?;
        }
        for event in batch {
            let reached = event.position;
            let stream = (event.noun.clone(), event.stream.clone());
            if !waiting.contains(&stream) {
                match use_it(store, work, event.clone()).await {
                    Ok(Used::Done) => {}
                    Ok(Used::Later) => {
                        // Nothing after it is touched: order is what the readers of the effects rely on.
                        checkpoint::advance(database, name, from, position).await?;
                        return Ok(());
                    }
                    Ok(Used::Never(why)) => {
                        park(store, name, &event, &why).await?;
                        waiting.insert(stream);
                    }
                    Err(fault) => {
                        // What was done before it is not done again each time this is tried.
                        checkpoint::advance(database, name, from, position).await?;
                        return Err(fault);
                    }
                }
            }
            position = reached;
        }
        kill_point("policy:acted");
        // A crash before this line hands the batch out again; its work is found done.
        if !checkpoint::advance(database, name, from, position).await? {
            return Ok(());
        }
        *faults = 0;
    }
}

enum Used {
    Done,
    Later,
    Never(String),
}

/// One event, opened and worked on; what fails for good is tried three times before it is believed.
async fn use_it<W, F>(store: &Store, work: &W, event: Recorded) -> Result<Used, ReadFault>
where
    W: Fn(Opened) -> F,
    F: Future<Output = Attempt>,
{
    let mut tried = 0;
    loop {
        let opened = match event.clone().open(store.vault()).await {
            Ok(opened) => opened,
            Err(ReadFault::Unreadable { what, .. }) => return Ok(Used::Never(what)),
            Err(fault) => return Err(fault),
        };
        match work(opened).await {
            Attempt::Done => return Ok(Used::Done),
            Attempt::TryAgain => return Ok(Used::Later),
            Attempt::GiveUp(why) if tried + 1 >= TRIES => return Ok(Used::Never(why)),
            Attempt::GiveUp(_) => pause(tried).await,
        }
        tried += 1;
    }
}

async fn waiting(store: &Store, name: &str) -> Result<Waiting, ReadFault> {
    let mut db = store.database().acquire().await?;
    Ok(parked::waiting(&mut db, name).await?)
}

async fn park(store: &Store, name: &str, event: &Recorded, why: &str) -> Result<(), ReadFault> {
    let mut tx = store.database().begin().await?;
    parked::park(&mut tx, name, event, why, i32::try_from(TRIES).unwrap_or(3)).await?;
    Ok(tx.commit().await?)
}

/// Hands the events of a parked stream out again, from the first that could not be used; takes it off the list when
/// all of them were used. Says which one could not be used this time, and why.
///
/// # Errors
/// [`ReadFault`]; then the stream stays parked.
pub async fn retry<W, F>(store: &Store, item: &Parked, work: W) -> Result<Option<String>, ReadFault>
where
    W: Fn(Opened) -> F,
    F: Future<Output = Attempt>,
{
    let log = Log::new(store.database().clone());
    let mut done = item.position - 1;
    loop {
        // Held, so that the running reader meets either the parked stream or all of it done.
        let mut tx = store.database().begin().await?;
        let held = checkpoint::hold(&mut tx, &item.reader).await?;
        let missing = log
            .read_stream(&item.noun, &item.stream, done, held.position)
            .await?;
        if missing.is_empty() {
            parked::remove(&mut tx, item.id).await?;
            tx.commit().await?;
            return Ok(None);
        }
        tx.rollback().await?;
        for event in missing {
            let (position, id) = (event.position, event.event_id);
            let why = match use_it(store, &work, event.clone()).await? {
                Used::Done => {
                    done = position;
                    continue;
                }
                Used::Later => "something is in the way that may pass".to_owned(),
                Used::Never(why) => why,
            };
            park(store, &item.reader, &event, &why).await?;
            return Ok(Some(format!("event {id} at position {position}: {why}")));
        }
    }
}

async fn pause(faults: u32) {
    let wait = edge::backoff(faults, Duration::from_millis(100), Duration::from_secs(2));
    tokio::time::sleep(wait).await;
}
