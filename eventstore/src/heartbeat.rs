//! Whether anybody works: each kind of worker says so every few seconds, by the database's clock.

use sqlx::PgPool;
use std::time::Duration;

/// Says that a worker of this name lives.
///
/// # Errors
/// When the database does not answer.
pub async fn beat(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "INSERT INTO heartbeats (name, beat_at) VALUES ($1, clock_timestamp())
         ON CONFLICT (name) DO UPDATE SET beat_at = clock_timestamp()",
    )
    .bind(name)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Whether a worker of this name said so within this time.
///
/// # Errors
/// When the database does not answer.
pub async fn lives(pool: &PgPool, name: &str, within: Duration) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM heartbeats
                         WHERE name = $1 AND beat_at > clock_timestamp() - make_interval(secs => $2))",
    )
    .bind(name)
    .bind(within.as_secs_f64())
    .fetch_one(pool)
    .await
}
