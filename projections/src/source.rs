//! Where a question is asked: of the pool, or of one connection whose tables show another moment.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use std::ops::{Deref, DerefMut};

/// A pool or a connection.
#[derive(Debug)]
pub enum Source<'c> {
    /// Any connection of a pool.
    Pool(&'c PgPool),
    /// This connection.
    Connection(&'c mut PgConnection),
}

impl<'c> From<&'c PgPool> for Source<'c> {
    fn from(pool: &'c PgPool) -> Self {
        Self::Pool(pool)
    }
}

impl<'c> From<&'c mut PgConnection> for Source<'c> {
    fn from(connection: &'c mut PgConnection) -> Self {
        Self::Connection(connection)
    }
}

impl<'c> Source<'c> {
    /// A connection for the length of one question.
    pub(crate) async fn open(self) -> Result<Open<'c>, sqlx::Error> {
        Ok(match self {
            Self::Pool(pool) => Open::Borrowed(pool.acquire().await?),
            Self::Connection(connection) => Open::Given(connection),
        })
    }
}

/// An open connection.
pub(crate) enum Open<'c> {
    Borrowed(PoolConnection<Postgres>),
    Given(&'c mut PgConnection),
}

impl Deref for Open<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Borrowed(connection) => connection,
            Self::Given(connection) => connection,
        }
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Borrowed(connection) => connection,
            Self::Given(connection) => connection,
        }
    }
}
