//! The cqrs-es repository: reads are postgres-es's own, or several at once, and opened here; `persist` seals and goes
//! through the lane.

use crate::edge;
use crate::keys::{KeyError, SubjectKey, Vault};
use crate::lane::{Append, Lane, NewEvent, OnItsWay, Outcome};
use crate::seal::{self, Under};
use crate::streams::{Found, Streams};
use crate::unopened::Keys;
use crate::why::Why;
use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// One repository for each command: it remembers what became of that command's append.
#[derive(Clone)]
pub(crate) struct Repository {
    inner: Arc<PostgresEventRepository>,
    reading: Reading,
    vault: Vault,
    lane: Lane,
    progress: Arc<Mutex<Progress>>,
}

/// How a command learns what its stream holds.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// Not at all: the stream is taken for a new one, which only its append can prove.
    Nothing,
    /// In one question with others that ask at the same time.
    Together(Streams),
    /// By itself, on a connection of the pool that gave a sign of life.
    Alone,
}

/// How far a command has come.
#[derive(Debug, Default)]
struct Progress {
    way: Option<OnItsWay>,
    outcome: Option<Outcome>,
}

impl Repository {
    pub fn new(pool: PgPool, reading: Reading, vault: Vault, lane: Lane) -> Self {
        Self {
            inner: Arc::new(PostgresEventRepository::new(pool)),
            reading,
            vault,
            lane,
            progress: Arc::default(),
        }
    }

    /// The same, each stream read by itself.
    pub fn alone(&self) -> Self {
        Self {
            reading: Reading::Alone,
            ..self.clone()
        }
    }

    /// A command begins to load, and will have events soon.
    pub fn begin(&self) {
        self.progress().way = Some(self.lane.on_its_way());
    }

    /// The command ran; what became of its append.
    pub fn end(&self) -> Option<Outcome> {
        let mut progress = self.progress();
        progress.way = None;
        progress.outcome
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an event's values are sealed under: the key of the picture that it tells of (IMG-6), else its subject's.
    async fn under(
        &self,
        event: &SerializedEvent,
        why: &Why,
        key: Option<&SubjectKey>,
    ) -> Result<Option<Under>, KeyError> {
        let Some(key) = key.filter(|_| seal::is_personal(&event.payload)) else {
            return Ok(None);
        };
        let picture = seal::picture_to_seal(&event.aggregate_type, &event.payload);
        Ok(Some(match picture {
            Some(image) => {
                let made = self.vault.picture_to_seal(key, why.subject, image);
                Under::picture(made.await?)
            }
            None => Under::subject(key.clone()),
        }))
    }

    async fn open_all(
        &self,
        events: Vec<SerializedEvent>,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let pictures = events
            .iter()
            .map(|event| seal::picture_to_open(&event.payload));
        // One question for all of a library; none where nothing names a picture.
        let salts = self.vault.salts(pictures.flatten().collect()).await;
        let mut keys = Keys::none(&self.vault).with(salts.map_err(broken)?);
        let mut opened = Vec::with_capacity(events.len());
        for mut event in events {
            if seal::is_sealed(&event.payload) {
                let about = About::of(&event.metadata)?;
                let place = seal::place(
                    &event.aggregate_type,
                    &event.aggregate_id,
                    about.event_id,
                    &event.event_type,
                );
                let opened = keys
                    .open(&mut event.payload, about.why.subject, &place)
                    .await;
                opened.map_err(broken)?;
            }
            domain::upcast::to_today(
                &event.aggregate_type,
                &event.event_type,
                &event.event_version,
                &mut event.payload,
            )
            .map_err(|fault| PersistenceError::UnknownError(Box::new(fault)))?;
            opened.push(event);
        }
        Ok(opened)
    }
}

/// The metadata of a stored event.
#[derive(Serialize, Deserialize)]
struct About<W = Why> {
    event_id: Uuid,
    #[serde(flatten)]
    why: W,
}

impl About {
    fn of(metadata: &Value) -> Result<Self, PersistenceError> {
        Ok(Self::deserialize(metadata)?)
    }
}

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        match &self.reading {
            Reading::Nothing => return Ok(Vec::new()),
            Reading::Together(streams) => {
                let read = streams.read(A::TYPE, id).await;
                let found =
                    read.map_err(|fault| PersistenceError::ConnectionError(Box::new(fault)))?;
                match found {
                    Found::Events(events) => return self.open_all(events).await,
                    Found::Long => {}
                }
            }
            Reading::Alone => {}
        }
        self.open_all(self.inner.get_events::<A>(id).await?).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.open_all(self.inner.get_last_events::<A>(id, last_sequence).await?)
            .await
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        // The framework's snapshots apply events twice (seen in 0.5.0), so none is ever offered to it.
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        let why = Why::deserialize(&first.metadata)?;
        // What holds nothing personal needs no key: also the last fact about somebody whose key is gone.
        let key = match events.iter().any(|event| seal::is_personal(&event.payload)) {
            true => Some(self.vault.key_to_seal(why.subject).await.map_err(broken)?),
            false => None,
        };
        let mut new = Vec::with_capacity(events.len());
        for event in events {
            let under = self.under(event, &why, key.as_ref()).await;
            new.push(sealed(event, &why, under.map_err(broken)?.as_ref())?);
        }
        let append = Append {
            command_id: why.command_id,
            noun: A::TYPE.to_owned(),
            stream: first.aggregate_id.clone(),
            events: new,
        };
        let way = self.progress().way.take();
        let outcome = self
            .lane
            .append_from(append, way)
            .await
            .map_err(|fault| PersistenceError::ConnectionError(Box::new(fault)))?;
        self.progress().outcome = Some(outcome);
        match outcome {
            Outcome::Appended(_) | Outcome::AlreadyDone(_) => Ok(()),
            Outcome::Conflict => Err(PersistenceError::OptimisticLockError),
        }
    }

    async fn stream_events<A: Aggregate>(
        &self,
        _id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        Err(not_offered())
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Err(not_offered())
    }
}

fn sealed(
    event: &SerializedEvent,
    why: &Why,
    under: Option<&Under>,
) -> Result<NewEvent, PersistenceError> {
    let event_id = edge::fresh_id();
    let payload = match under {
        None => event.payload.to_string(),
        Some(under) => {
            let place = seal::place(
                &event.aggregate_type,
                &event.aggregate_id,
                event_id,
                &event.event_type,
            );
            seal::sealed(&event.payload, under, &place)?
        }
    };
    let sequence = i64::try_from(event.sequence)
        .map_err(|fault| PersistenceError::UnknownError(Box::new(fault)))?;
    Ok(NewEvent {
        event_id,
        sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload,
        metadata: serde_json::to_string(&About { event_id, why })?,
    })
}

fn broken(fault: KeyError) -> PersistenceError {
    match fault {
        KeyError::Unreachable(_) => PersistenceError::ConnectionError(Box::new(fault)),
        KeyError::Master { .. }
        | KeyError::OtherMaster
        | KeyError::Wrapped
        | KeyError::Sealed
        | KeyError::Missing(_)
        | KeyError::Erased(_)
        | KeyError::PictureMissing(_)
        | KeyError::PictureErased(_) => PersistenceError::UnknownError(Box::new(fault)),
    }
}

/// The framework's replay ends silently when a connection breaks; [`crate::Log`] fails closed instead.
fn not_offered() -> PersistenceError {
    PersistenceError::UnknownError("replay goes through eventstore::Log".into())
}
