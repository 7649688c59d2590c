//! Work: durable pull consumers of the bus, one for each kind of work, acknowledged when the work is done.
//!
//! The bus only says that there is work. Who may work on it now, and which attempt it is, the database says
//! ([`crate::lease`]): a bus that was wiped, or hands a unit to two workers, changes nothing of that.

use crate::bus::{Bus, BusFault, STREAM};
use crate::edge;
use crate::kill_point;
use crate::lease::{self, Lease, LeaseFault, Taken};
use crate::recorded::Recorded;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{AckKind, Message};
use futures::StreamExt;
use sqlx::PgPool;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

/// How long one request for work stands before it is made anew, in case the bus forgot it.
const SILENCE: Duration = Duration::from_secs(2);
/// How much later than promised the bus may say that there was none.
const GRACE: Duration = Duration::from_secs(1);
/// How much later than a lease ends its unit is asked for again.
const HASTE: Duration = Duration::from_millis(100);
/// Tries to write down how an attempt ended when the database does not answer; together about 10 s.
const SETTLE_TRIES: u32 = 8;
/// Most units that may be in work or wait for their next try, of all workers together.
const UNACKNOWLEDGED_MAX: i64 = 10_000;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The work is done, or there is nothing left to do.
    Done,
    /// Something is in the way that may pass: try again later. Such an attempt does not count.
    TryAgain,
    /// It failed, for this reason: after the last attempt it is parked, where people see it. The reason names fields
    /// and kinds, never values.
    GiveUp(String),
}

/// Which work, and how much of it at once.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Name of the durable consumer, as `image-scan`.
    pub name: &'static str,
    /// Subjects, as `vara.*.scan.scan_started`.
    pub subject: &'static str,
    /// Most units in work at once.
    pub at_once: usize,
}

/// Works on a queue until the process ends; `work` gets the event and the lease under which it works on it.
///
/// `work` is cancelled where it waits when another worker takes the unit over, so it begins no transactions of its own,
/// and asks its lease before it records anything ([`Lease::renew`]). What failed for good is parked before it is
/// acknowledged.
pub async fn run<W, F>(bus: Bus, pool: PgPool, queue: Queue, work: W)
where
    W: Fn(Recorded, Lease) -> F + Send + Sync + 'static,
    F: Future<Output = Attempt> + Send + 'static,
{
    let work = Arc::new(work);
    let slots = Arc::new(Semaphore::new(queue.at_once));
    let mut faults = 0;
    loop {
        if let Err(fault) = take(&bus, &pool, &queue, &slots, &work, &mut faults).await {
            tracing::debug!(%fault, queue = queue.name, "the queue is opened again");
        }
        tokio::time::sleep(edge::backoff(
            faults,
            Duration::from_millis(100),
            Duration::from_secs(1),
        ))
        .await;
        faults += 1;
    }
}

async fn take<W, F>(
    bus: &Bus,
    pool: &PgPool,
    queue: &Queue,
    slots: &Arc<Semaphore>,
    work: &Arc<W>,
    faults: &mut u32,
) -> Result<(), BusFault>
where
    W: Fn(Recorded, Lease) -> F + Send + Sync + 'static,
    F: Future<Output = Attempt> + Send + 'static,
{
    let stream = bus
        .jetstream
        .get_stream(STREAM)
        .await
        .map_err(BusFault::of)?;
    let config = pull::Config {
        durable_name: Some(queue.name.to_owned()),
        filter_subject: queue.subject.to_owned(),
        ack_policy: AckPolicy::Explicit,
        // A unit whose worker is silent comes again when its lease has run out, or is put back until then.
        ack_wait: lease::LEASE,
        deliver_policy: DeliverPolicy::All,
        // Work that waits for its next try is not acknowledged either, and must not keep the rest waiting.
        max_ack_pending: UNACKNOWLEDGED_MAX,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(BusFault::of)?;
    loop {
        let slot = Arc::clone(slots)
            .acquire_owned()
            .await
            .map_err(BusFault::of)?;
        // One unit for one free slot: a unit that waits here would get no sign of life and come a second time.
        let asked = consumer.batch().max_messages(1).expires(SILENCE);
        let mut messages = asked.messages().await.map_err(BusFault::of)?;
        let message = match tokio::time::timeout(SILENCE + GRACE, messages.next()).await {
            Ok(Some(message)) => message.map_err(BusFault::of)?,
            // There was no work for a while.
            Ok(None) => continue,
            Err(_) => return Err(BusFault::of("it fell silent")),
        };
        *faults = 0;
        let (work, pool, name) = (Arc::clone(work), pool.clone(), queue.name);
        tokio::spawn(async move {
            attend(&message, &pool, name, work.as_ref()).await;
            drop(slot);
        });
    }
}

/// One delivery: worked on under a lease, with signs of life to the bus, and answered once the database knows how it
/// ended.
async fn attend<W, F>(message: &Message, pool: &PgPool, name: &'static str, work: &W)
where
    W: Fn(Recorded, Lease) -> F,
    F: Future<Output = Attempt> + Send + 'static,
{
    let event: Recorded = match serde_json::from_slice(&message.payload) {
        Ok(event) => event,
        Err(fault) => {
            tracing::error!(
                line = fault.line(),
                "a message of the bus is no event; it is put aside"
            );
            drop(message.ack_with(AckKind::Term).await);
            return;
        }
    };
    kill_point("work:received");
    let ended = match lease::take(pool, name, event.event_id, lease::ATTEMPTS).await {
        Ok(Taken::Lease(lease)) => {
            kill_point("work:leased");
            let lives = || async { drop(message.ack_with(AckKind::Progress).await) };
            attempt(lease, &event, work, lives).await
        }
        Ok(Taken::Busy(left)) => Ended::Waits(left + edge::backoff(0, HASTE, HASTE)),
        Ok(Taken::Spent) => match lease::park_spent(pool, name, &event).await {
            Ok(()) => Ended::Over,
            Err(fault) => unanswered(&fault),
        },
        Err(fault) => unanswered(&fault),
    };
    kill_point("work:done");
    // A lost answer means one more delivery, which finds the work done, waiting or parked.
    match ended {
        Ended::Over => drop(message.ack_with(AckKind::Ack).await),
        Ended::Waits(wait) => drop(message.ack_with(AckKind::Nak(Some(wait))).await),
        Ended::Lost => {}
    }
}

/// Nothing was tried, so no attempt is counted; the database is asked again when the message comes again.
fn unanswered(fault: &sqlx::Error) -> Ended {
    tracing::debug!(%fault, "a unit of work waits for the database");
    Ended::Waits(edge::backoff(0, SILENCE, SILENCE))
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The unit is done, or parked: nobody has to come back to it.
    Over,
    /// It is to be handed out again after so long.
    Waits(Duration),
    /// Somebody else has it by now, or nobody can tell: nothing may be said about it.
    Lost,
}

/// Makes one attempt: renews the lease at a third of it while the work runs, and cancels the work when another worker
/// took the unit over. `lives` is called at each renewal.
pub async fn attempt<W, F, L, S>(lease: Lease, event: &Recorded, work: &W, lives: L) -> Ended
where
    W: Fn(Recorded, Lease) -> F,
    F: Future<Output = Attempt> + Send + 'static,
    L: Fn() -> S,
    S: Future<Output = ()>,
{
    let mut running = tokio::spawn(work(event.clone(), lease.clone()));
    let third = lease::LEASE / 3;
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + third, third);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended.unwrap_or_else(|fault| broke_off(&fault)),
            _ = beat.tick() => {
                lives().await;
                // Where the database does not answer nothing can be recorded either, and the next renewal tells.
                if let Err(LeaseFault::Lost) = lease.renew().await {
                    running.abort();
                    return lost(event, &lease);
                }
            }
        }
    };
    kill_point("work:ended");
    settled(&lease, event, ended).await
}

/// Work that panicked failed. Work that was cancelled did so with this process.
fn broke_off(fault: &tokio::task::JoinError) -> Attempt {
    if fault.is_panic() {
        return Attempt::GiveUp("the work on it broke off".to_owned());
    }
    Attempt::TryAgain
}

/// Writes down how an attempt ended, if the unit is still this worker's.
async fn settled(lease: &Lease, event: &Recorded, attempt: Attempt) -> Ended {
    let mut tries = 0;
    loop {
        let written = match &attempt {
            Attempt::Done => lease.done().await.map(|()| Ended::Over),
            Attempt::TryAgain => lease.put_back().await.map(Ended::Waits),
            Attempt::GiveUp(why) if lease.is_last() => {
                lease.park(event, why).await.map(|()| Ended::Over)
            }
            Attempt::GiveUp(why) => {
                let (id, attempt) = (event.event_id, lease.attempt());
                tracing::warn!(event = %id, attempt, why, "an attempt failed");
                lease.failed().await.map(Ended::Waits)
            }
        };
        match written {
            Ok(ended) => return ended,
            Err(LeaseFault::Unreachable(_)) if tries < SETTLE_TRIES => {
                let most = Duration::from_secs(2);
                tokio::time::sleep(edge::backoff(tries, Duration::from_millis(200), most)).await;
                tries += 1;
            }
            Err(LeaseFault::Lost | LeaseFault::Unreachable(_)) => return lost(event, lease),
        }
    }
}

fn lost(event: &Recorded, lease: &Lease) -> Ended {
    let (id, attempt) = (event.event_id, lease.attempt());
    tracing::warn!(event = %id, attempt, "a worker lost its lease; what it did since does not count");
    Ended::Lost
}
