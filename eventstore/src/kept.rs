//! A connection that one task has for itself and keeps from statement to statement.
//!
//! Not from a pool: a pool pings before and after each use, two more round trips, and a transaction elsewhere that is
//! dropped half-way can swallow what the next borrower of its connection writes (seen with sqlx 0.8.6).

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::future::Future;
use std::io;
use std::time::Duration;

/// Longest wait for the database: a connection that is half open never answers.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The place where the connection is kept while nobody asks on it.
#[derive(Debug)]
pub(crate) struct Kept {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Kept {
    /// To the database of a pool; it connects when it is first taken.
    pub fn to(pool: &PgPool) -> Self {
        // Plans are made once, for any length of the arrays and any size of the table.
        let options = (*pool.connect_options()).clone().options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
        ]);
        Self {
            options,
            connection: None,
        }
    }

    /// Takes the connection. Whoever does not give it back, because of a fault, leaves it to be closed: nobody knows
    /// its state, and the next one opens another.
    ///
    /// # Errors
    /// When there is none and none can be opened.
    pub async fn take(&mut self) -> Result<PgConnection, sqlx::Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => answered(PgConnection::connect_with(&self.options)).await,
        }
    }

    /// Gives it back after an answer.
    pub fn give_back(&mut self, connection: PgConnection) {
        self.connection = Some(connection);
    }
}

/// Waits for an answer of the database, but not for ever.
///
/// # Errors
/// What was asked failed, or took too long.
pub(crate) async fn answered<T>(
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut));
    tokio::time::timeout(ANSWER_MAX, asked)
        .await
        .map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_a_fault_after_a_bounded_wait() {
        let begun = tokio::time::Instant::now();
        let fault = answered(std::future::pending::<Result<(), _>>()).await;
        assert!(matches!(fault, Err(sqlx::Error::Io(io)) if io.kind() == io::ErrorKind::TimedOut));
        assert_eq!(begun.elapsed(), ANSWER_MAX);
    }
}
