//! The lane: one task in each process that drains queued commands into the next batch (group commit).
//!
//! [`crate::Store`] is the entrance for commands; the lane is what stands behind it, for whoever brings events that
//! are sealed and numbered already, as the measurements of `vara bench` do.

use crate::kill_point;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Row};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// Most events in one batch.
const BATCH_EVENTS: usize = 500;
/// Connections of the lane: one works, another takes over when it is lost.
const CONNECTIONS: u32 = 2;
/// Most commands that wait for the lane; more wait at the caller.
const QUEUE: usize = 1_024;
/// The function of the database that gives positions, and checks versions and command ids.
const APPEND: &str = "append_events";

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
}

impl Lane {
    /// Starts the lane on the database of a pool; it ends when every entrance is dropped. `head` is told the newest
    /// position.
    #[must_use]
    pub fn start(pool: &PgPool, head: watch::Sender<i64>) -> Self {
        Self::with_function(pool, head, APPEND)
    }

    /// A lane that writes through another function of the database, which takes and gives what `append_events`
    /// does. What such a function leaves out is what its work costs: `vara bench` measures the price of order so.
    #[must_use]
    pub fn with_function(pool: &PgPool, head: watch::Sender<i64>, function: &'static str) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(own(pool), statement(function), waiting, head));
        Self { queue }
    }

    /// Appends one command's events, in one batch with those of others that wait.
    ///
    /// # Errors
    /// [`Unanswered`], when it is not known whether it happened.
    pub async fn append(&self, append: Append) -> Result<Outcome, Unanswered> {
        let gone = |_| Unanswered("the lane has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue
            .send((append, reply))
            .await
            .map_err(|_| gone(()))?;
        answer.await.map_err(|_| gone(()))?
    }
}

/// Connections that only the lane uses: a transaction elsewhere that is dropped half-way can swallow what the next
/// borrower of its connection writes (seen with sqlx 0.8.6), and the lane holds what was promised.
///
/// No ping before each statement, which would be one more round trip: a dead connection is an outage like any other,
/// and the same command id is tried again. Plans are made once, for any batch and any size of the table.
fn own(pool: &PgPool) -> PgPool {
    let options = (*pool.connect_options()).clone().options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ]);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

fn statement(function: &str) -> String {
    format!(
        "SELECT command, outcome, last_position
           FROM {function}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ORDER BY command"
    )
}

async fn run(
    pool: PgPool,
    statement: String,
    mut waiting: mpsc::Receiver<(Append, Reply)>,
    head: watch::Sender<i64>,
) {
    let mut held: VecDeque<(Append, Reply)> = VecDeque::new();
    loop {
        if held.is_empty() {
            match waiting.recv().await {
                Some(first) => held.push_back(first),
                None => return,
            }
        }
        while held.len() < QUEUE {
            match waiting.try_recv() {
                Ok(next) => held.push_back(next),
                Err(_) => break,
            }
        }
        let batch = next_batch(&mut held);
        let (appends, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        kill_point("lane:asked");
        match write(&pool, &statement, &appends).await {
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
    }
}

/// Takes what fits into one statement: no stream and no command id twice, in the order of arrival.
fn next_batch(held: &mut VecDeque<(Append, Reply)>) -> Vec<(Append, Reply)> {
    let mut streams = HashSet::new();
    let mut commands = HashSet::new();
    let (mut batch, mut later, mut events) = (Vec::new(), VecDeque::new(), 0);
    for (append, reply) in held.drain(..) {
        let stream = (append.noun.clone(), append.stream.clone());
        let fits = batch.is_empty() || events + append.events.len() <= BATCH_EVENTS;
        if fits && !streams.contains(&stream) && !commands.contains(&append.command_id) {
            events += append.events.len();
            streams.insert(stream);
            commands.insert(append.command_id);
            batch.push((append, reply));
        } else {
            // Later commands of the same stream must not overtake this one.
            streams.insert(stream);
            later.push_back((append, reply));
        }
    }
    *held = later;
    batch
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

async fn write(
    pool: &PgPool,
    statement: &str,
    appends: &[Append],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let events = || {
        appends
            .iter()
            .zip(0_i32..)
            .flat_map(|(a, n)| a.events.iter().map(move |e| (n, a, e)))
    };
    let rows = sqlx::query(statement)
        .bind(events().map(|(n, ..)| n).collect::<Vec<i32>>())
        .bind(
            events()
                .map(|(_, a, _)| a.noun.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            events()
                .map(|(_, a, _)| a.stream.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(events().map(|(.., e)| e.sequence).collect::<Vec<_>>())
        .bind(
            events()
                .map(|(.., e)| e.event_type.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            events()
                .map(|(.., e)| e.event_version.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            events()
                .map(|(.., e)| e.payload.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            events()
                .map(|(.., e)| e.metadata.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(events().map(|(.., e)| e.event_id).collect::<Vec<_>>())
        .bind(appends.iter().map(|a| a.command_id).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    if rows.len() != appends.len() {
        return Err(sqlx::Error::RowNotFound);
    }
    rows.iter()
        .map(|row| {
            let position = row
                .try_get::<Option<i64>, _>("last_position")?
                .unwrap_or_default();
            Ok(match row.try_get::<String, _>("outcome")?.as_str() {
                "appended" => Outcome::Appended(position),
                "already_done" => Outcome::AlreadyDone(position),
                _ => Outcome::Conflict,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A command: its stream, its id, how many events it has.
    type Asked = (u8, u8, usize);

    fn append((stream, command, events): Asked, place: usize) -> Append {
        let event = |sequence| NewEvent {
            event_id: Uuid::nil(),
            sequence,
            event_type: String::new(),
            event_version: String::new(),
            // Says which command of the queue it was.
            payload: place.to_string(),
            metadata: String::new(),
        };
        Append {
            command_id: Uuid::from_u128(command.into()),
            noun: "noun".to_owned(),
            stream: stream.to_string(),
            events: (1_i64..).take(events).map(event).collect(),
        }
    }

    fn queue(asked: &[Asked]) -> VecDeque<(Append, Reply)> {
        let of = |(place, asked)| (append(asked, place), oneshot::channel().0);
        asked.iter().copied().enumerate().map(of).collect()
    }

    /// The batches in which a queue is written, each as places of the queue.
    fn batches(asked: &[Asked]) -> Vec<Vec<usize>> {
        let mut held = queue(asked);
        let mut batches = Vec::new();
        while !held.is_empty() {
            let batch = next_batch(&mut held);
            let place = |(append, _): &(Append, Reply)| append.events[0].payload.parse().unwrap();
            batches.push(batch.iter().map(place).collect());
        }
        batches
    }

    #[test]
    fn commands_of_different_streams_go_together_and_those_of_one_stream_one_by_one() {
        let asked = [(1, 1, 1), (2, 2, 1), (1, 3, 1), (3, 4, 1), (1, 5, 1)];
        assert_eq!(batches(&asked), [vec![0, 1, 3], vec![2], vec![4]]);
    }

    #[test]
    fn one_command_sent_twice_is_written_in_two_batches_so_that_the_second_finds_the_first() {
        let asked = [(1, 7, 1), (2, 7, 1), (2, 8, 1), (3, 9, 1)];
        assert_eq!(batches(&asked), [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn a_batch_is_full_at_its_bound_and_a_larger_command_goes_alone() {
        let half = BATCH_EVENTS / 2;
        let asked = [(1, 1, half), (2, 2, half), (3, 3, 1)];
        assert_eq!(batches(&asked), [vec![0, 1], vec![2]]);
        let asked = [(1, 1, BATCH_EVENTS + 1), (2, 2, 1)];
        assert_eq!(batches(&asked), [vec![0], vec![1]]);
    }

    proptest! {
        #[test]
        fn every_command_is_written_once_in_the_order_of_its_stream(
            asked in prop::collection::vec((0_u8..6, 0_u8..20, 1_usize..260), 1..60),
        ) {
            let batches = batches(&asked);
            for batch in &batches {
                prop_assert!(!batch.is_empty());
                let events: usize = batch.iter().map(|place| asked[*place].2).sum();
                prop_assert!(events <= BATCH_EVENTS || batch.len() == 1);
                let streams: HashSet<u8> = batch.iter().map(|place| asked[*place].0).collect();
                let commands: HashSet<u8> = batch.iter().map(|place| asked[*place].1).collect();
                prop_assert_eq!((streams.len(), commands.len()), (batch.len(), batch.len()));
                prop_assert!(batch.is_sorted(), "in the order of arrival");
            }
            let written = batches.concat();
            for stream in 0..6 {
                let of_it = |place: &&usize| asked[**place].0 == stream;
                prop_assert!(written.iter().filter(of_it).is_sorted(), "stream {stream}");
            }
            let mut all = written;
            all.sort_unstable();
            prop_assert_eq!(all, (0..asked.len()).collect::<Vec<_>>());
        }
    }
}
