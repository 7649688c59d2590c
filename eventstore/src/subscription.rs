//! A subscription: every event of the log in order, for a reader that writes nothing of its own in this database.

use crate::feed::Feed;
use crate::log::ReadFault;
use crate::recorded::Opened;
use crate::store::Store;
use crate::work::Attempt;
use crate::{checkpoint, edge};
use std::future::Future;
use std::time::Duration;

/// The policies' name among the readers of the log: whoever waits for what follows waits for them.
pub const POLICIES: &str = "policies";

/// Hands event after event to `work` until the process ends; goes on where it stopped.
///
/// `work` may see an event again after a crash, so what it does must be named by the event.
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
    let mut position = checkpoint::read(store.database(), name).await?;
    loop {
        let batch = feed.next(position).await?;
        for event in batch {
            let opened = match event.open(store.vault()).await {
                Ok(opened) => opened,
                Err(fault) => {
                    // What was done before it is not done again each time this is tried.
                    checkpoint::advance(store.database(), name, position).await?;
                    return Err(fault);
                }
            };
            let reached = opened.recorded.position;
            if work(opened).await == Attempt::TryAgain {
                // Nothing after it is touched: order is what the readers of the effects rely on.
                checkpoint::advance(store.database(), name, position).await?;
                return Ok(());
            }
            position = reached;
        }
        // A crash before this line hands the batch out again; its work is found done.
        checkpoint::advance(store.database(), name, position).await?;
        *faults = 0;
    }
}

async fn pause(faults: u32) {
    let wait = edge::backoff(faults, Duration::from_millis(100), Duration::from_secs(2));
    tokio::time::sleep(wait).await;
}
