//! One batch: events are opened, applied in order, and written with what the rows sum up to.

use super::{ProjectFault, ReadModel, reads};
use crate::digest::Digest;
use crate::generation::Generation;
use crate::table::Place;
use domain::Event;
use domain::image::ImageEvent;
use domain::user::UserEvent;
use eventstore::parked::{self, Waiting};
use eventstore::unopened::{Keys, Unopened};
use eventstore::{Opened, ReadFault, Recorded, Vault};
use sqlx::PgConnection;

/// An event, and what opening it said. Events of nouns that do not matter here are not opened.
pub(crate) enum Read {
    /// It can be applied.
    Opened(Box<Opened>),
    /// It changes nothing here.
    Passed(Box<Recorded>),
    /// It cannot be used; why.
    Unusable(Box<Recorded>, String),
}

impl Read {
    pub(crate) fn recorded(&self) -> &Recorded {
        match self {
            Self::Opened(event) => &event.recorded,
            Self::Passed(event) | Self::Unusable(event, _) => event,
        }
    }

    /// Whether it takes away what nobody may see any more, together with the key: what was made of the values before it
    /// cannot be made again (AUD-4, IMG-6).
    pub(crate) fn takes_away(&self) -> bool {
        let Self::Opened(event) = self else {
            return false;
        };
        matches!(
            event.event,
            Event::User(UserEvent::SubjectErased { .. })
                | Event::Image(ImageEvent::ImagePurged { .. })
        )
    }
}

/// Opens events up to the first one that cannot be read now but may be later.
pub(crate) async fn open_all<M: ReadModel>(
    vault: &Vault,
    batch: impl IntoIterator<Item = impl Into<Unopened>>,
) -> (Vec<Read>, Option<ReadFault>) {
    let batch: Vec<Unopened> = batch.into_iter().map(Into::into).collect();
    let of_interest = batch.iter().filter(|event| reads::<M>(event.recorded()));
    let mut keys = Keys::of(vault, of_interest).await;
    let mut events = Vec::with_capacity(batch.len());
    for event in batch {
        if !reads::<M>(event.recorded()) {
            events.push(Read::Passed(Box::new(event.into_recorded())));
            continue;
        }
        match event.open(&mut keys).await {
            Ok(opened) => events.push(Read::Opened(Box::new(opened))),
            Err((event, ReadFault::Unreadable { what, .. })) => {
                events.push(Read::Unusable(event, what));
            }
            Err((_, fault)) => return (events, Some(fault)),
        }
    }
    (events, None)
}

/// Applies an event to the rows, unless its stream waits; the stream of one that cannot be used waits from there on. What
/// takes away is applied in any case: a stream may wait for long, and one that was let go of waits for good.
/// Whether the stream did not wait before.
pub(crate) async fn step<M: ReadModel>(
    model: &mut M,
    place: &mut Place<'_>,
    event: &Read,
    waiting: &mut Waiting,
) -> Result<bool, sqlx::Error> {
    let Recorded { noun, stream, .. } = event.recorded();
    let waits = !waiting.is_empty() && waiting.contains(&(noun.clone(), stream.clone()));
    if waits && !event.takes_away() {
        return Ok(false);
    }
    match event {
        Read::Passed(_) => {}
        Read::Opened(event) => {
            for table in model.tables() {
                table.at(event.recorded.position);
            }
            model.apply(place, event).await?;
        }
        Read::Unusable(..) => {
            waiting.insert((noun.clone(), stream.clone()));
        }
    }
    Ok(!waits)
}

/// How far a fold came, and what the rows sum up to.
pub(crate) struct Folded {
    pub position: i64,
    pub digest: Digest,
}

/// Applies what follows on a position to a generation's tables, except to streams that wait; those that wait from here on
/// are added.
pub(crate) async fn fold<M: ReadModel>(
    tx: &mut PgConnection,
    into: &Generation,
    mut position: i64,
    events: Vec<Read>,
    waiting: &mut Waiting,
    model: &mut M,
) -> Result<Folded, ProjectFault> {
    let schema = into.schema::<M>();
    for event in events {
        let recorded = event.recorded();
        if recorded.position <= position {
            continue;
        }
        position += 1;
        if recorded.position != position {
            return Err(ReadFault::Gap { position }.into());
        }
        let mut place = Place::Schema(tx, &schema);
        if step(model, &mut place, &event, waiting).await?
            && let Read::Unusable(event, why) = &event
        {
            parked::park(tx, M::NAME, event, why, 1).await?;
        }
    }
    let mut digest = match into.digest {
        Some(digest) => digest,
        None => stored::<M>(tx, &schema).await?,
    };
    for table in model.tables() {
        digest = digest.plus(table.flush(tx, &schema).await?);
    }
    Ok(Folded { position, digest })
}

/// The digest of all rows that a schema holds.
///
/// # Errors
/// When the database does not answer.
pub async fn stored<M: ReadModel>(
    db: &mut PgConnection,
    schema: &str,
) -> Result<Digest, sqlx::Error> {
    let mut sum = Digest::default();
    for table in M::default().tables() {
        sum = sum.plus(table.stored(db, schema).await?);
    }
    Ok(sum)
}
