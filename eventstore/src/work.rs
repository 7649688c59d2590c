//! Work: durable pull consumers of the bus, one for each kind of work, acknowledged when the work is done.

use crate::bus::{Bus, BusFault, STREAM};
use crate::edge;
use crate::kill_point;
use crate::parked;
use crate::recorded::Recorded;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{AckKind, Message};
use futures::StreamExt;
use sqlx::PgPool;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long the bus waits for a sign of life before it hands the work to somebody else.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Waits before attempts 2, 3, … (SCN-8 names the first two), doubling up to this.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long one request for work stands before it is made anew, in case the bus forgot it.
const SILENCE: Duration = Duration::from_secs(2);
/// How much later than promised the bus may say that there was none.
const GRACE: Duration = Duration::from_secs(1);
/// Most units that may be in work or wait for their next try, of all workers together.
const UNACKNOWLEDGED_MAX: i64 = 10_000;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The work is done, or there is nothing left to do.
    Done,
    /// Something is in the way that may pass: try again later.
    TryAgain,
    /// It will never work with today's program, for this reason: park it, where people see it. The reason names
    /// fields and kinds, never values.
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

/// Works on a queue until the process ends; `work` gets the event and the number of this delivery, from 1.
///
/// What is given up is parked in the database before it is acknowledged.
pub async fn run<W, F>(bus: Bus, pool: PgPool, queue: Queue, work: W)
where
    W: Fn(Recorded, i64) -> F + Send + Sync + 'static,
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
    W: Fn(Recorded, i64) -> F + Send + Sync + 'static,
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
        ack_wait: SIGN_OF_LIFE,
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

/// One delivery: signs of life while the work runs, then the acknowledgement.
async fn attend<W, F>(message: &Message, pool: &PgPool, name: &str, work: &W)
where
    W: Fn(Recorded, i64) -> F,
    F: Future<Output = Attempt> + Send + 'static,
{
    let delivered = message.info().map_or(1, |info| info.delivered);
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
    let mut running = tokio::spawn(work(event.clone(), delivered));
    let mut beat = tokio::time::interval(SIGN_OF_LIFE / 3);
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended.unwrap_or_else(|fault| panicked(&fault, delivered)),
            _ = beat.tick() => drop(message.ack_with(AckKind::Progress).await),
        }
    };
    let kind = match ended {
        Attempt::Done => AckKind::Ack,
        Attempt::GiveUp(why) => match put_aside(pool, name, &event, &why, delivered).await {
            Ok(()) => AckKind::Ack,
            Err(_) => later(delivered),
        },
        Attempt::TryAgain => later(delivered),
    };
    kill_point("work:done");
    // A lost acknowledgement means one more delivery, which finds the work done.
    drop(message.ack_with(kind).await);
}

/// Attempts of work that ends this program's task, before it is parked.
const PANICS: i64 = 3;

/// Work that panicked is tried again, and then parked: it must not come for ever.
fn panicked(fault: &tokio::task::JoinError, delivered: i64) -> Attempt {
    if fault.is_panic() && delivered >= PANICS {
        return Attempt::GiveUp("the work on it broke off".to_owned());
    }
    Attempt::TryAgain
}

fn later(delivered: i64) -> AckKind {
    let made = u32::try_from(delivered - 1).unwrap_or(0);
    AckKind::Nak(Some(edge::backoff(made, Duration::from_secs(1), WAIT_MAX)))
}

async fn put_aside(
    pool: &PgPool,
    name: &str,
    event: &Recorded,
    why: &str,
    delivered: i64,
) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    let attempts = i32::try_from(delivered).unwrap_or(i32::MAX);
    parked::park(&mut tx, name, event, why, attempts).await?;
    tx.commit().await
}
