//! Waits until what people look at shows a change (FRS-1).

use eventstore::checkpoint;
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait of one request.
const PATIENCE: Duration = Duration::from_secs(2);
/// First pause between two looks; each one is half as long again.
const PAUSE: Duration = Duration::from_millis(2);

/// How far what is shown has come, and how old the oldest event is that it does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Every read model shows the log up to here.
    pub position: i64,
    /// The newest position of the log.
    pub head: i64,
    /// Milliseconds by the database's clock; 0 when everything is shown.
    pub lag_ms: i64,
}

/// How far these read models have come.
///
/// # Errors
/// When the database does not answer.
pub async fn standing(pool: &PgPool, read_models: &[&str]) -> Result<Standing, sqlx::Error> {
    let (position, head, lag_ms) = sqlx::query_as(
        "WITH shown AS (SELECT coalesce(min(coalesce(c.position, 0)), 0) AS position
                          FROM unnest($1::text[]) AS n(name) LEFT JOIN checkpoints c ON c.name = n.name)
         SELECT s.position, (SELECT coalesce(max(e.position), 0) FROM events e),
                coalesce((SELECT greatest(0, extract(epoch FROM clock_timestamp() - e.recorded_at) * 1000)::bigint
                            FROM events e WHERE e.position = s.position + 1), 0)
           FROM shown s",
    )
    .bind(read_models)
    .fetch_one(pool)
    .await?;
    Ok(Standing {
        position,
        head,
        lag_ms,
    })
}

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
