//! Snapshots of long streams: written off the commit path, sealed, and never the truth.
//!
//! A stream is read as it is until this process has seen that it is long; so short ones, which are nearly all, pay
//! nothing for snapshots. What cannot be used (another shape, a destroyed key) is passed over: the events say it all.

use crate::keys::{Key, Vault};
use crate::put_away;
use crate::repository::Repository;
use crate::why::Why;
use cqrs_es::persist::{
    EventStoreAggregateContext as Context, PersistedEventRepository, PersistedEventStore,
    SerializedEvent,
};
use cqrs_es::{Aggregate, AggregateError, EventEnvelope, EventStore};
use domain::ids::UserId;
use domain::image::Library;
use sqlx::{PgPool, Row};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Events after which a stream is long, and between two snapshots of it.
const EVERY: usize = 100;
/// Version of the shape of aggregates and of how events make them: raise it with any change of either, and all
/// snapshots are passed over and written anew.
const SHAPE: i32 = 2;
/// Most long streams that one process remembers.
const LONG_MAX: usize = 100_000;

/// The snapshots of one process.
#[derive(Debug, Clone)]
pub(crate) struct Snapshots {
    pool: PgPool,
    vault: Vault,
    long: Arc<Mutex<HashSet<(&'static str, String)>>>,
}

impl Snapshots {
    pub fn new(pool: PgPool, vault: Vault) -> Self {
        Self {
            pool,
            vault,
            long: Arc::default(),
        }
    }

    fn is_long(&self, noun: &'static str, stream: &str) -> bool {
        let long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        !long.is_empty() && long.contains(&(noun, stream.to_owned()))
    }

    fn is_now_long(&self, noun: &'static str, stream: &str) {
        let mut long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        if long.len() < LONG_MAX {
            long.insert((noun, stream.to_owned()));
        }
    }

    /// The newest usable snapshot, and the sequence it stands at.
    async fn find<A: Aggregate>(&self, stream: &str) -> Option<(A, usize)> {
        let row = sqlx::query(
            "SELECT sequence, subject, state FROM snapshots WHERE noun = $1 AND stream = $2 AND shape = $3",
        )
        .bind(A::TYPE)
        .bind(stream)
        .bind(SHAPE)
        .fetch_optional(&self.pool)
        .await
        .ok()??;
        let (sequence, subject): (i64, uuid::Uuid) =
            (row.try_get("sequence").ok()?, row.try_get("subject").ok()?);
        let sealed: Vec<u8> = row.try_get("state").ok()?;
        let Ok(Key::Present(key)) = self.vault.key(UserId(subject)).await else {
            return None;
        };
        let state = key.open(&sealed, &place(A::TYPE, stream, sequence)).ok()?;
        Some((
            serde_json::from_slice(&state).ok()?,
            usize::try_from(sequence).ok()?,
        ))
    }

    /// Writes a state down; a newer one is never replaced by an older. Not that of a library of which a picture was purged
    /// since it was made (IMG-6), however late this is.
    async fn put<A: Aggregate>(
        &self,
        context: &Context<A>,
        subject: UserId,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let sequence = i64::try_from(context.current_sequence)?;
        let key = self.vault.key_to_seal(subject).await?;
        let state = serde_json::to_vec(&context.aggregate)?;
        let sealed = key.seal(&state, &place(A::TYPE, &context.aggregate_id, sequence))?;
        let mut tx = self.pool.begin().await?;
        if A::TYPE == Library::TYPE {
            let alone = sqlx::query(put_away::STATE_ALONE).bind(&context.aggregate_id);
            alone.execute(&mut *tx).await?;
        }
        // By the key of the log: only what stands behind the state is looked at.
        sqlx::query(
            "INSERT INTO snapshots (noun, stream, sequence, shape, subject, state)
             SELECT $1, $2, $3, $4, $5, $6
              WHERE $1 <> 'image'
                 OR NOT EXISTS (SELECT FROM events p
                                 WHERE p.aggregate_type = $1 AND p.aggregate_id = $2 AND p.sequence > $3
                                   AND p.event_type = 'ImagePurged')
             ON CONFLICT (noun, stream) DO UPDATE
                SET sequence = excluded.sequence, shape = excluded.shape, state = excluded.state,
                    subject = excluded.subject
              WHERE snapshots.sequence < excluded.sequence OR snapshots.shape <> excluded.shape",
        )
        .bind(A::TYPE)
        .bind(&context.aggregate_id)
        .bind(sequence)
        .bind(SHAPE)
        .bind(subject.0)
        .bind(sealed)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Binds a snapshot to its stream and place.
fn place(noun: &str, stream: &str, sequence: i64) -> String {
    format!("snapshot/{noun}/{stream}/{sequence}/{SHAPE}")
}

/// The framework's event store, helped by snapshots. Its own snapshots apply events twice (seen in 0.5.0).
pub(crate) struct WithSnapshots<A: Aggregate> {
    events: PersistedEventStore<Repository, A>,
    tail: Repository,
    snapshots: Snapshots,
}

impl<A: Aggregate> WithSnapshots<A> {
    pub fn new(repository: Repository, snapshots: Snapshots) -> Self {
        Self {
            tail: repository.clone(),
            events: PersistedEventStore::new_event_store(repository),
            snapshots,
        }
    }

    /// Snapshot and tail; nothing where the whole stream is to be folded.
    async fn helped(&self, stream: &str) -> Result<Option<Context<A>>, AggregateError<A::Error>> {
        let Some((mut aggregate, sequence)) = self.snapshots.find::<A>(stream).await else {
            return Ok(None);
        };
        let tail = self.tail.get_last_events::<A>(stream, sequence).await?;
        let current_sequence = sequence + tail.len();
        // A gap would mean a snapshot of another stream's life: the events decide.
        if tail
            .first()
            .is_some_and(|first| first.sequence != sequence + 1)
        {
            return Ok(None);
        }
        for event in tail {
            aggregate.apply(fact::<A>(event)?);
        }
        Ok(Some(Context {
            aggregate_id: stream.to_owned(),
            aggregate,
            current_sequence,
            current_snapshot: None,
        }))
    }

    fn snapshot_later(&self, stream: &str, subject: UserId)
    where
        A: 'static,
    {
        let again = Self::new(self.tail.alone(), self.snapshots.clone());
        let stream = stream.to_owned();
        tokio::spawn(async move {
            let written = async {
                let context = again.load_aggregate(&stream).await;
                let context = context.map_err(|fault| fault.to_string())?;
                again.snapshots.put(&context, subject).await
            };
            if let Err(fault) = written.await {
                tracing::debug!(noun = A::TYPE, %fault, "a snapshot was not written; the next one will be");
            }
        });
    }
}

fn fact<A: Aggregate>(event: SerializedEvent) -> Result<A::Event, AggregateError<A::Error>> {
    let envelope = EventEnvelope::<A>::try_from(event)?;
    Ok(envelope.payload)
}

impl<A: Aggregate + 'static> EventStore<A> for WithSnapshots<A> {
    type AC = Context<A>;

    async fn load_events(
        &self,
        stream: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        self.events.load_events(stream).await
    }

    async fn load_aggregate(&self, stream: &str) -> Result<Context<A>, AggregateError<A::Error>> {
        if self.snapshots.is_long(A::TYPE, stream)
            && let Some(context) = self.helped(stream).await?
        {
            return Ok(context);
        }
        let context = self.events.load_aggregate(stream).await?;
        if context.current_sequence >= EVERY {
            self.snapshots.is_now_long(A::TYPE, stream);
        }
        Ok(context)
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Context<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let (before, after) = (
            context.current_sequence,
            context.current_sequence + events.len(),
        );
        let stream = context.aggregate_id.clone();
        let subject = Why::subject_in(&metadata);
        let committed = self.events.commit(events, context, metadata).await?;
        if before / EVERY < after / EVERY
            && let Some(subject) = subject
        {
            self.snapshot_later(&stream, subject);
        }
        Ok(committed)
    }
}
