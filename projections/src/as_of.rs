//! What was shown at a position of the log, or at a time: her events up to there, folded anew and asked the same
//! questions. Nothing is kept for it, so it is true for every day since the first.

use crate::projector::{Read, ReadModel, open_all, step};
use crate::streams;
use crate::table::Place;
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use eventstore::migrate::pool_of;
use eventstore::parked::Waiting;
use eventstore::{Log, ReadFault, Vault};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::ops::{Deref, DerefMut};

/// Questions about the past that are answered at once; each holds a connection.
const AT_ONCE: u32 = 4;
/// Most events of one member that are folded for one question.
const EVENTS_MAX: usize = 200_000;

/// Which moment is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After this event of the log.
    Position(i64),
    /// After the last event that was recorded by then.
    Time(DateTime<Utc>),
}

/// Why the past could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum PastFault {
    /// The log or the database could not be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The moment has not come yet.
    #[error("the log has not come that far")]
    Future,
    /// More events than are folded for one question.
    #[error("her history is too long to be folded for one question")]
    TooLong,
}

impl From<sqlx::Error> for PastFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Read(fault.into())
    }
}

/// Where a question is asked: of what is shown now, or of what was shown then.
#[derive(Debug)]
pub enum Shown {
    /// Now.
    Now(PoolConnection<Postgres>),
    /// After some position; the tables go when this goes.
    Then(Transaction<'static, Postgres>),
}

impl Deref for Shown {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Now(now) => now,
            Self::Then(then) => then,
        }
    }
}

impl DerefMut for Shown {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Now(now) => now,
            Self::Then(then) => then,
        }
    }
}

/// Answers questions about the past, and about now.
#[derive(Debug, Clone)]
pub struct Past {
    now: PgPool,
    pool: PgPool,
    log: Log,
    vault: Vault,
}

impl Past {
    /// Over this database. The connections are its own: they remember no statement, because the same question means
    /// other tables there each time.
    #[must_use]
    pub fn new(pool: &PgPool, vault: Vault) -> Self {
        let options = (*pool.connect_options())
            .clone()
            .statement_cache_capacity(0);
        Self {
            now: pool.clone(),
            pool: pool_of(AT_ONCE).connect_lazy_with(options),
            log: Log::new(pool.clone()),
            vault,
        }
    }

    /// The position of a moment.
    ///
    /// # Errors
    /// [`PastFault::Future`]; or the log cannot be read.
    pub async fn position(&self, moment: Moment) -> Result<i64, PastFault> {
        let head = self.log.head().await?;
        match moment {
            Moment::Position(position) if position > head => Err(PastFault::Future),
            Moment::Position(position) => Ok(position.max(0)),
            Moment::Time(time) => Ok(self.log.position_at(time).await?),
        }
    }

    /// Where a read model is asked what a member is shown now, or was shown after a position.
    ///
    /// # Errors
    /// [`PastFault`].
    pub async fn shown<M: ReadModel>(
        &self,
        owner: UserId,
        position: Option<i64>,
    ) -> Result<Shown, PastFault> {
        Ok(match position {
            None => Shown::Now(self.now.acquire().await?),
            Some(position) => Shown::Then(self.then::<M>(owner, position).await?),
        })
    }

    /// A transaction in which a read model's tables show what one member was shown after a position. It must be
    /// dropped after the question; nothing of it stays.
    async fn then<M: ReadModel>(
        &self,
        owner: UserId,
        position: i64,
    ) -> Result<Transaction<'static, Postgres>, PastFault> {
        let events = self.events::<M>(owner, position).await?;
        let mut model = M::default();
        let mut waiting = Waiting::new();
        for event in events {
            step(&mut model, &mut Place::Memory, &event, &mut waiting).await?;
        }
        let mut tx = self.pool.begin().await?;
        for table in model.tables() {
            let name = table.name();
            let make = format!("CREATE TEMP TABLE {name} (LIKE public.{name}) ON COMMIT DROP");
            sqlx::query(&make).execute(&mut *tx).await?;
            table.flush(&mut tx, "pg_temp").await?;
        }
        Ok(tx)
    }

    async fn events<M: ReadModel>(
        &self,
        owner: UserId,
        position: i64,
    ) -> Result<Vec<Read>, PastFault> {
        let streams = streams::of(&self.pool, owner).await?;
        let of_interest = streams
            .into_iter()
            .filter(|row| M::READS.iter().any(|(noun, _)| *noun == row.noun))
            .map(|row| (row.noun, row.stream))
            .collect();
        let events = self
            .log
            .read_streams(of_interest, position, EVENTS_MAX + 1)
            .await?;
        if events.len() > EVENTS_MAX {
            return Err(PastFault::TooLong);
        }
        match open_all::<M>(&self.vault, events).await {
            (events, None) => Ok(events),
            (_, Some(fault)) => Err(fault.into()),
        }
    }
}
