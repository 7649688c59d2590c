//! In whose name a part of the running program speaks to the database: it may do what its work needs, no more.

use crate::migrate::{Database, DatabaseFault, connection, pool_of};
use sqlx::{Connection, PgConnection};

/// A role that the migrations make (`migrations/*_create_roles`, `*_let_projectors_write`).
///
/// It is a fence against our own mistakes in one login, which could take it off again; logins of their own, each with
/// one of these roles, make it one against a thief (docs/operating.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Adds events, changes none, reads what is shown; for API, workers, policies and the relay.
    Writer,
    /// Writes read models, and reads the log for it.
    Projector,
}

impl Role {
    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer => "vara_writer",
            Self::Projector => "vara_projector",
        }
    }
}

/// A pool of connections that act in a role. A login that may not take it, or a database whose migrations could not make
/// it, keeps its own rights.
///
/// # Errors
/// When the address is no PostgreSQL address, or nobody answers there within 2 s.
pub async fn connect_as(
    role: Role,
    database_url: &str,
    connections: u32,
) -> Result<Database, DatabaseFault> {
    let options = connection(database_url)?;
    let mut asking = PgConnection::connect_with(&options).await?;
    let may: Option<bool> =
        sqlx::query_scalar("SELECT pg_has_role(oid, 'SET') FROM pg_roles WHERE rolname = $1")
            .bind(role.name())
            .fetch_optional(&mut asking)
            .await?;
    asking.close().await?;
    let options = match may {
        Some(true) => options.options([("role", role.name())]),
        Some(false) | None => {
            tracing::info!(role = role.name(), "the login keeps its own rights");
            options
        }
    };
    pool_of(connections).connect_with(options).await
}
