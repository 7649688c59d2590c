//! How far each reader of the log has come.

use sqlx::{PgConnection, PgPool};

/// The position that a reader has finished; 0 for one that never read.
///
/// # Errors
/// When the database does not answer.
pub async fn read(pool: &PgPool, name: &str) -> Result<i64, sqlx::Error> {
    let position = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1");
    Ok(position
        .bind(name)
        .fetch_optional(pool)
        .await?
        .unwrap_or_default())
}

/// Takes the reader's row for this transaction and says where it stands: of two owners one waits here.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(tx: &mut PgConnection, name: &str) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "INSERT INTO checkpoints (name, position) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1 FOR UPDATE")
        .bind(name)
        .fetch_one(tx)
        .await
}

/// Moves the reader, in the same transaction as what it wrote.
///
/// # Errors
/// When the database does not answer.
pub async fn move_to(tx: &mut PgConnection, name: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE checkpoints SET position = $2 WHERE name = $1")
        .bind(name)
        .bind(position)
        .execute(tx)
        .await?;
    Ok(())
}

/// Moves a reader that writes nothing of its own in this database (relay, policies); never backwards.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(pool: &PgPool, name: &str, position: i64) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    if hold(&mut tx, name).await? < position {
        move_to(&mut tx, name, position).await?;
    }
    tx.commit().await
}

/// The least position that all these readers have finished.
///
/// # Errors
/// When the database does not answer.
pub async fn least(pool: &PgPool, names: &[&str]) -> Result<i64, sqlx::Error> {
    let least = sqlx::query_scalar(
        "SELECT coalesce(min(coalesce(c.position, 0)), 0)
           FROM unnest($1::text[]) AS n(name) LEFT JOIN checkpoints c ON c.name = n.name",
    );
    least.bind(names).fetch_one(pool).await
}
