//! The lane: one task in each process that drains queued commands into the next batch (group commit).
//!
//! [`crate::Store`] is the entrance for commands; the lane is what stands behind it, for whoever brings events that
//! are sealed and numbered already, as the measurements of `vara bench` do.

mod batch;
mod coming;
mod write;

use crate::kill_point;
use batch::next_batch;
use coming::Coming;
pub(crate) use coming::OnItsWay;
use sqlx::PgPool;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;
use write::Writer;

/// Most commands that wait for the lane; more wait at the caller.
const QUEUE: usize = 1_024;
/// The function of the database that gives positions, and checks versions and command ids.
const APPEND: &str = "append_batch";
/// Turns that the lane leaves to others after a batch; with three, batches are as large as there are callers.
const YIELDS: u32 = 3;

/// One command's events, sealed and in order, all of one stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// The command; one that is in the log already is not written again.
    pub command_id: Uuid,
    /// The kind of stream, as `match`.
    pub noun: String,
    /// The stream within its kind: an id as text, as cqrs-es carries it.
    pub stream: String,
    /// At least one, with sequences that follow one another.
    pub events: Vec<NewEvent>,
}

/// One event on its way into the log.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The id under which the event is known for ever.
    pub event_id: Uuid,
    /// Place in its stream, from 1.
    pub sequence: i64,
    /// Name of the fact, as `MatchFound`.
    pub event_type: String,
    /// Version of the fact's shape, as `1`.
    pub event_version: String,
    /// JSON text, kept to the byte; personal values in it are sealed already.
    pub payload: String,
    /// JSON text: who, why, from what ([`crate::Why`]), and the event id.
    pub metadata: String,
}

/// What became of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its events are in the log; the last one at this position.
    Appended(i64),
    /// The same command was done before; its last event stands at this position.
    AlreadyDone(i64),
    /// The stream moved on since it was read.
    Conflict,
}

/// The append did not come back. It may have happened: only the same command id tells.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event store did not answer: {0}")]
pub struct Unanswered(pub String);

type Reply = oneshot::Sender<Result<Outcome, Unanswered>>;

/// The entrance to the lane. Cheap to clone; all clones share one queue.
#[derive(Debug, Clone)]
pub struct Lane {
    queue: mpsc::Sender<(Append, Reply)>,
    coming: Arc<Coming>,
}

impl Lane {
    /// Starts the lane on the database of a pool; it ends when every entrance is dropped. `head` is told the newest
    /// position.
    #[must_use]
    pub fn start(pool: &PgPool, head: watch::Sender<i64>) -> Self {
        Self::with_function(pool, head, APPEND)
    }

    /// A lane that writes through another function of the database, which takes and gives what `append_batch`
    /// does. What such a function leaves out is what its work costs: `vara bench` measures the price of order so.
    #[must_use]
    pub fn with_function(pool: &PgPool, head: watch::Sender<i64>, function: &'static str) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let coming = Arc::new(Coming::default());
        let writer = Writer::new(pool, function);
        tokio::spawn(run(writer, waiting, Arc::clone(&coming), head));
        Self { queue, coming }
    }

    /// Appends one command's events, in one batch with those of others that wait.
    ///
    /// # Errors
    /// [`Unanswered`], when it is not known whether it happened.
    pub async fn append(&self, append: Append) -> Result<Outcome, Unanswered> {
        self.append_from(append, None).await
    }

    /// Announces a command that will have events soon: a batch that would leave now waits a moment for it.
    pub(crate) fn on_its_way(&self) -> OnItsWay {
        Coming::one_more(&self.coming)
    }

    /// Appends the events of a command that was announced.
    pub(crate) async fn append_from(
        &self,
        append: Append,
        way: Option<OnItsWay>,
    ) -> Result<Outcome, Unanswered> {
        let gone = |_| Unanswered("the lane has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue
            .send((append, reply))
            .await
            .map_err(|_| gone(()))?;
        // Now it waits in the queue, and is on its way no more.
        drop(way);
        answer.await.map_err(|_| gone(()))?
    }
}

async fn run(
    mut writer: Writer,
    mut waiting: mpsc::Receiver<(Append, Reply)>,
    coming: Arc<Coming>,
    head: watch::Sender<i64>,
) {
    let mut held: VecDeque<(Append, Reply)> = VecDeque::new();
    let mut last = Duration::ZERO;
    loop {
        if held.is_empty() {
            match waiting.recv().await {
                Some(first) => held.push_back(first),
                None => return,
            }
        }
        drain(&mut waiting, &mut held);
        if coming.gather(&mut waiting, &mut held, last / 2).await {
            drain(&mut waiting, &mut held);
        }
        let batch = next_batch(&mut held);
        let (appends, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        kill_point("lane:asked");
        let begun = Instant::now();
        let written = writer.write(&appends).await;
        last = begun.elapsed();
        match written {
            Ok(outcomes) => {
                kill_point("lane:committed");
                answer(replies, outcomes, &head);
            }
            Err(fault) => {
                let fault = Unanswered(fault.to_string());
                replies
                    .into_iter()
                    .for_each(|reply| drop(reply.send(Err(fault.clone()))));
            }
        }
        // Those who were answered come back at once, if they have more to do. Else the first of them would have a
        // batch to itself, and the others would wait for its end.
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
        }
    }
}

/// Takes what is there, up to the bound.
fn drain(waiting: &mut mpsc::Receiver<(Append, Reply)>, held: &mut VecDeque<(Append, Reply)>) {
    while held.len() < QUEUE {
        match waiting.try_recv() {
            Ok(next) => held.push_back(next),
            Err(_) => return,
        }
    }
}

fn answer(replies: Vec<Reply>, outcomes: Vec<Outcome>, head: &watch::Sender<i64>) {
    for outcome in &outcomes {
        if let Outcome::Appended(position) = outcome {
            head.send_if_modified(|newest| {
                let newer = *position > *newest;
                *newest = (*newest).max(*position);
                newer
            });
        }
    }
    // A caller that went away has no need of its answer: the events are in the log all the same.
    replies
        .into_iter()
        .zip(outcomes)
        .for_each(|(reply, outcome)| drop(reply.send(Ok(outcome))));
}

/// A command with nothing in it but its stream, its id and so many events that hold this payload.
#[cfg(test)]
fn an_append(stream: &str, command_id: Uuid, events: i64, payload: &str) -> Append {
    let event = |sequence| NewEvent {
        event_id: Uuid::nil(),
        sequence,
        event_type: String::new(),
        event_version: String::new(),
        payload: payload.to_owned(),
        metadata: String::new(),
    };
    Append {
        command_id,
        noun: "noun".to_owned(),
        stream: stream.to_owned(),
        events: (1..=events).map(event).collect(),
    }
}
