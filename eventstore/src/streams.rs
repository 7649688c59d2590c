//! Reads the streams of commands: those that are asked for at once are read by one statement, as the lane writes.
//!
//! From a pool every read of a stream would be three round trips; here it is a share of one.

use crate::kept::{Kept, answered};
use cqrs_es::persist::SerializedEvent;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use tokio::sync::{mpsc, oneshot};

/// Most streams that are read together.
const TOGETHER: usize = 64;
/// Most streams that wait to be read; more wait at the caller.
const QUEUE: usize = 1_024;
/// A stream of more events is left to its caller, so that nobody waits for a long one.
const EVENTS_MAX: usize = 100;

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All its events, oldest first, sealed as they are.
    Events(Vec<SerializedEvent>),
    /// More than are read here.
    Long,
}

/// The stream was not read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event store did not answer: {0}")]
pub(crate) struct NotRead(String);

#[derive(Debug)]
struct Asked {
    noun: &'static str,
    stream: String,
    reply: oneshot::Sender<Result<Found, NotRead>>,
}

/// The entrance for reads. Cheap to clone; all clones share one reader.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    queue: mpsc::Sender<Asked>,
}

impl Streams {
    /// Starts the reader on the database of a pool; it ends when every entrance is dropped.
    pub fn start(pool: &PgPool) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(Kept::to(pool), waiting));
        Self { queue }
    }

    /// The events of one stream, sealed as they are.
    pub async fn read(&self, noun: &'static str, stream: &str) -> Result<Found, NotRead> {
        let gone = || NotRead("the reader has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let stream = stream.to_owned();
        let asked = Asked {
            noun,
            stream,
            reply,
        };
        self.queue.send(asked).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn run(mut kept: Kept, mut waiting: mpsc::Receiver<Asked>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        let found = read(&mut kept, &batch).await;
        let fault = found.as_ref().err().map(|fault| NotRead(fault.to_string()));
        let mut found = found.unwrap_or_default().into_iter();
        for asked in batch.drain(..) {
            let answer = match &fault {
                Some(fault) => Err(fault.clone()),
                None => Ok(found.next().unwrap_or(Found::Long)),
            };
            // A caller that went away has no need of its answer.
            drop(asked.reply.send(answer));
        }
    }
}

async fn read(kept: &mut Kept, batch: &[Asked]) -> Result<Vec<Found>, sqlx::Error> {
    let nouns: Vec<&str> = batch.iter().map(|asked| asked.noun).collect();
    let streams: Vec<&str> = batch.iter().map(|asked| asked.stream.as_str()).collect();
    let mut connection = kept.take().await?;
    let asked = sqlx::query(
        "SELECT w.n, e.sequence, e.event_type, e.event_version, e.payload, e.metadata
           FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(noun, stream, n),
                LATERAL (SELECT * FROM events o
                          WHERE o.aggregate_type = w.noun AND o.aggregate_id = w.stream
                          ORDER BY o.sequence LIMIT $3) AS e
          ORDER BY w.n, e.sequence",
    )
    .bind(nouns)
    .bind(streams)
    .bind(i64::try_from(EVENTS_MAX + 1).unwrap_or(i64::MAX))
    .fetch_all(&mut connection);
    let rows = answered(asked).await?;
    kept.give_back(connection);
    sorted(batch, &rows)
}

/// Gives each stream its rows.
fn sorted(batch: &[Asked], rows: &[PgRow]) -> Result<Vec<Found>, sqlx::Error> {
    let mut found: Vec<Vec<SerializedEvent>> = batch.iter().map(|_| Vec::new()).collect();
    for row in rows {
        let n = usize::try_from(row.try_get::<i64, _>("n")? - 1).map_err(undecodable)?;
        let (Some(asked), Some(events)) = (batch.get(n), found.get_mut(n)) else {
            return Err(sqlx::Error::RowNotFound);
        };
        events.push(event(asked, row)?);
    }
    let or_long = |events: Vec<SerializedEvent>| match events.len() {
        0..=EVENTS_MAX => Found::Events(events),
        _ => Found::Long,
    };
    Ok(found.into_iter().map(or_long).collect())
}

fn undecodable(fault: std::num::TryFromIntError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(fault))
}

fn event(asked: &Asked, row: &PgRow) -> Result<SerializedEvent, sqlx::Error> {
    Ok(SerializedEvent::new(
        asked.stream.clone(),
        usize::try_from(row.try_get::<i64, _>("sequence")?).map_err(undecodable)?,
        asked.noun.to_owned(),
        row.try_get("event_type")?,
        row.try_get("event_version")?,
        row.try_get::<Value, _>("payload")?,
        row.try_get::<Value, _>("metadata")?,
    ))
}
