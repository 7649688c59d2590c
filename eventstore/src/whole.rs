//! Statements that a caller who goes away must not leave half said: a transaction that is dropped in the middle poisons its
//! connection, which goes back to the pool.

use std::io;

/// Carries the work out in a task of its own.
///
/// # Errors
/// Those of the work; or that its task broke, or the process is ending: then nobody knows what was written.
pub(crate) async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, sqlx::Error> {
    let broke_off = |fault| sqlx::Error::Io(io::Error::other(fault));
    tokio::spawn(work).await.map_err(broke_off)?
}
