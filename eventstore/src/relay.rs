//! The relay: publishes the log to the bus, in order. Its checkpoint moves only after the acknowledgements.

use crate::bus::{Bus, BusFault};
use crate::checkpoint;
use crate::edge;
use crate::kill_point;
use crate::log::{Log, ReadFault};
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;

/// The relay's name among the readers of the log.
pub const NAME: &str = "relay";
/// Most events that are published before the checkpoint moves.
const BATCH: i64 = 1_024;
/// Looks at the log in a row that find nothing new, after which the bus is asked what it has: one that was wiped
/// while nothing happened must not keep scans waiting.
const QUIET_LOOKS: u32 = 20;
/// Longest time until an event of another process is noticed.
const POLL: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
enum RelayFault {
    #[error(transparent)]
    Bus(#[from] BusFault),
    #[error(transparent)]
    Log(#[from] ReadFault),
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] sqlx::Error),
}

/// Publishes the log to the bus.
#[derive(Debug)]
pub struct Relay {
    pool: PgPool,
    log: Log,
    bus: Bus,
    head: watch::Receiver<i64>,
}

impl Relay {
    /// A relay from this database to this bus; `head` wakes it.
    #[must_use]
    pub fn new(pool: PgPool, bus: Bus, head: watch::Receiver<i64>) -> Self {
        Self {
            log: Log::new(pool.clone()),
            pool,
            bus,
            head,
        }
    }

    /// Runs until the process ends. A fault of bus or database is waited out; nothing is lost by it.
    pub async fn run(mut self) {
        let mut faults = 0;
        loop {
            if let Err(fault) = self.follow(&mut faults).await {
                tracing::warn!(%fault, "the relay waits and starts again");
                tokio::time::sleep(edge::backoff(
                    faults,
                    Duration::from_millis(100),
                    Duration::from_secs(2),
                ))
                .await;
                faults += 1;
            }
        }
    }

    async fn follow(&mut self, faults: &mut u32) -> Result<(), RelayFault> {
        let mut position = self.begin().await?;
        let (mut quiet, mut short) = (0, None);
        loop {
            let events = self.log.read_after(position, BATCH).await?;
            match events.last() {
                None => {
                    quiet += 1;
                    if quiet % QUIET_LOOKS == 0 {
                        let arrived = self.bus.last_position().await?;
                        // A bus that another relay is filling has moved on since the last look: leave it alone.
                        if arrived < position && short.replace(arrived) == Some(arrived) {
                            position = self.begin().await?;
                            continue;
                        }
                    }
                    // Either wakes: this process appended, or it is time to look for what others did.
                    if let Ok(Err(_)) = tokio::time::timeout(POLL, self.head.changed()).await {
                        // Nobody is left in this process who could append.
                        tokio::time::sleep(POLL).await;
                    }
                }
                Some(last) => {
                    kill_point("relay:read");
                    self.bus.publish(&events).await?;
                    kill_point("relay:acknowledged");
                    position = last.position;
                    (quiet, short) = (0, None);
                    // A crash before this line publishes the batch again; readers know positions and drop it.
                    checkpoint::advance(&self.pool, NAME, position).await?;
                    kill_point("relay:checkpointed");
                    *faults = 0;
                }
            }
        }
    }

    /// Where to go on: at the checkpoint, unless the bus has less than we published. Then it was wiped, and
    /// gets everything again, on a fresh stream that remembers no message ids.
    async fn begin(&self) -> Result<i64, RelayFault> {
        self.bus.prepare().await?;
        let published = checkpoint::resume(&self.pool, NAME).await?;
        let arrived = self.bus.last_position().await?;
        if arrived >= published {
            return Ok(published);
        }
        tracing::warn!(
            published,
            arrived,
            "the bus has lost events; publishing the log again"
        );
        self.bus.forget().await?;
        self.bus.prepare().await?;
        Ok(0)
    }
}
