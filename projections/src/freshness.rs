//! Waits until what people look at shows a change (FRS-1).

use eventstore::checkpoint;
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait of one request.
const PATIENCE: Duration = Duration::from_secs(2);
/// First pause between two looks; each one is half as long again.
const PAUSE: Duration = Duration::from_millis(2);

/// Whether these read models reached a position within two seconds.
///
/// # Errors
/// When the database does not answer.
pub async fn reached(
    pool: &PgPool,
    read_models: &[&str],
    position: i64,
) -> Result<bool, sqlx::Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = PAUSE;
    while checkpoint::least(pool, read_models).await? < position {
        if Instant::now() + pause > deadline {
            return Ok(false);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
    Ok(true)
}
