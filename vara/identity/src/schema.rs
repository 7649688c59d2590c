//! Prepares the schema `identity` at every start, once at a time, and checks that the keys fit.

use sqlx::PgPool;

use crate::IdentityError;
use crate::keys::Keys;

const STATEMENTS: &str = include_str!("schema.sql");
/// Any number that no other part of the database uses as an advisory lock: "identity" in ASCII.
const LOCK: i64 = 0x6964_656e_7469_7479;

/// Creates what is missing. `CREATE … IF NOT EXISTS` alone races when two processes start at
/// once, hence the lock.
pub(crate) async fn prepare(pool: &PgPool, keys: &Keys) -> Result<(), IdentityError> {
    let mut work = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *work)
        .await?;
    sqlx::raw_sql(STATEMENTS).execute(&mut *work).await?;
    sqlx::query("INSERT INTO identity.key_mark (mark) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(keys.mark().as_slice())
        .execute(&mut *work)
        .await?;
    let stored: Vec<u8> = sqlx::query_scalar("SELECT mark FROM identity.key_mark")
        .fetch_one(&mut *work)
        .await?;
    work.commit().await?;
    if stored == keys.mark() {
        Ok(())
    } else {
        Err(IdentityError::OtherKeys)
    }
}
