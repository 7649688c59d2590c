//! Why a command is not in the log, sorted by what its caller can do about it.

use crate::outage::is_outage;
use cqrs_es::AggregateError;

/// Why a command is not in the log.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The domain says no.
    #[error("{0}")]
    Refused(E),
    /// The stream kept moving; the caller may repeat.
    #[error("two changes of the same thing collided")]
    Conflict,
    /// The database did not answer in time. Repeating with the same command id is safe.
    #[error("the event store is not reachable: {0}")]
    Unreachable(String),
    /// The stream cannot be read or sealed.
    #[error("the stream cannot be used: {0}")]
    Broken(String),
}

pub(crate) fn unreachable<E: std::error::Error>(fault: sqlx::Error) -> ExecuteError<E> {
    ExecuteError::Unreachable(fault.to_string())
}

/// Sorts what the framework tells by what a caller can do about it.
pub(crate) fn sorted<E: std::error::Error>(fault: AggregateError<E>) -> ExecuteError<E> {
    match fault {
        AggregateError::UserError(refusal) => ExecuteError::Refused(refusal),
        AggregateError::AggregateConflict => ExecuteError::Conflict,
        AggregateError::DatabaseConnectionError(cause) => {
            ExecuteError::Unreachable(cause.to_string())
        }
        // The decoder's own text may quote an opened value, and this one goes to the log.
        AggregateError::DeserializationError(_) => {
            ExecuteError::Broken("an event of it does not read as today's type".to_owned())
        }
        AggregateError::UnexpectedError(cause) => {
            // postgres-es files a broken connection under "unexpected" as well: look at the cause.
            match cause.downcast_ref::<sqlx::Error>() {
                Some(sql) if is_outage(sql) => ExecuteError::Unreachable(sql.to_string()),
                Some(_) | None => ExecuteError::Broken(cause.to_string()),
            }
        }
    }
}
