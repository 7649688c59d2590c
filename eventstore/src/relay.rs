//! The relay: publishes the log to the bus, in order. Its checkpoint moves only after the acknowledgements.

use crate::bus::{Bus, BusFault, message_id};
use crate::checkpoint::{self, Lease};
use crate::edge;
use crate::feed::appended;
use crate::kill_point;
use crate::log::{Log, ReadFault};
use crate::partitions::Partitions;
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

/// The relay's name among the readers of the log.
pub const NAME: &str = "relay";
/// Most events that are published before the checkpoint moves.
const BATCH: i64 = 1_024;
/// Time between two questions to the bus whether it still holds everything, whatever happens meanwhile: one that was wiped or
/// purged must not keep scans waiting, and of a purge nothing else tells, since new events are taken as before.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// Time between two writes of the checkpoint while events keep coming.
const WRITTEN_EVERY: Duration = Duration::from_millis(100);

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
    owner: Uuid,
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
            owner: edge::this_process(),
        }
    }

    /// The same under a name of its own: of several, one publishes and the others wait for it to fall silent.
    #[must_use]
    pub fn owned_by(self, owner: Uuid) -> Self {
        Self { owner, ..self }
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
        let mut lease = Lease::new(self.pool.clone(), NAME, self.owner);
        if lease.renew().await?.is_none() {
            // Another one publishes: two would undo each other's filling of a wiped bus.
            tokio::time::sleep(checkpoint::LEASE / 6).await;
            *faults = 0;
            return Ok(());
        }
        let mut position = self.begin().await?;
        let (mut last, _) = self.log.read_on(position, 0).await?;
        let mut partitions = Partitions::after(&self.log, position).await?;
        let (mut written, mut since) = (position, Instant::now());
        let mut asked = Instant::now();
        loop {
            // The log may have been put back behind what was published last, and the checkpoint with it.
            let (seen, events) = self.log.read_on(position, BATCH).await?;
            if seen != last {
                return Err(ReadFault::diverged(NAME, position).into());
            }
            if let Some(newest) = events.last() {
                kill_point("relay:read");
                self.bus.publish(&events, &mut partitions).await?;
                kill_point("relay:acknowledged");
                (position, last) = (newest.position, Some(newest.event_id));
                *faults = 0;
            }
            // A crash before this publishes again what came since; readers know positions and drop it.
            if position != written && (events.is_empty() || since.elapsed() > WRITTEN_EVERY) {
                if !checkpoint::advance(&self.pool, NAME, written, position).await? {
                    return Ok(());
                }
                kill_point("relay:checkpointed");
                (written, since) = (position, Instant::now());
            }
            if lease.renew().await?.is_none() {
                return Ok(());
            }
            if asked.elapsed() > ASKED_EVERY {
                if !self.bus.holds(position).await? {
                    return Ok(());
                }
                asked = Instant::now();
            }
            if events.is_empty() {
                appended(&mut self.head).await;
            }
        }
    }

    /// Where to go on: at the checkpoint, unless the bus holds less than we published, or what another log said. Then it was
    /// wiped or purged, or the log was restored from a backup, and it gets everything again, on a fresh stream that remembers
    /// no message ids.
    async fn begin(&self) -> Result<i64, RelayFault> {
        self.bus.prepare().await?;
        let published = checkpoint::resume(&self.pool, NAME).await?;
        let (holds, is_ours) = (self.bus.holds(published).await?, self.bus_is_ours().await?);
        if holds && is_ours {
            return Ok(published);
        }
        tracing::warn!(
            published,
            is_ours,
            "the bus has lost events, or tells of others; publishing the log again"
        );
        self.bus.forget().await?;
        self.bus.prepare().await?;
        Ok(0)
    }

    /// Whether the last event on the bus is that of the log at its position.
    async fn bus_is_ours(&self) -> Result<bool, RelayFault> {
        let Some((position, id)) = self.bus.last_in_turn().await? else {
            return Ok(true);
        };
        let there = self.log.read_after(position - 1, 1).await?;
        Ok(there.first().map(message_id) == Some(id))
    }
}
