//! The file of the table of picture keys: a destroyed salt may stand in a page of it until the table is written anew (IMG-6).
//! How far that was done stands beside the table, so that no stop and no long reader makes it be forgotten.

use super::{KeyError, Vault};
use crate::erasure::REWRITTEN_BYTES;
use sqlx::PgConnection;

/// Whether something was destroyed since the table was last written anew.
const IS_DUE: &str = "SELECT destroyed > written_anew FROM keys.picture_keys_file";
/// Nobody opens a picture while the table is written anew, nor while this waits for its turn: behind a backup that reads the
/// table for an hour it would be all that while.
const TURN_WITHIN: &str = "SET LOCAL lock_timeout = '2s'";
/// PostgreSQL's `lock_not_available`, which `lock_timeout` raises (Appendix A of its manual).
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Writes down that so many keys were destroyed, in the transaction that destroys them.
pub(super) async fn is_to_be_written_anew(
    destroyed: usize,
    tx: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    if destroyed == 0 {
        return Ok(());
    }
    let more = i64::try_from(destroyed).unwrap_or(i64::MAX);
    sqlx::query("UPDATE keys.picture_keys_file SET destroyed = destroyed + $1")
        .bind(more)
        .execute(tx)
        .await
        .map(drop)
}

impl Vault {
    /// Writes the table of picture keys anew, if a key was destroyed since it was last, so that no page of it holds a
    /// destroyed salt; whether that is so. It is not where somebody else has the table in use for longer than two seconds:
    /// then it is to be asked for again later.
    ///
    /// Not at each destroyed key, since there is a row for every picture; a table over 256 MiB is only vacuumed, and its pages
    /// are overwritten in time. What may be found there until then opens nothing without the owner's key.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`]; asking again is safe.
    pub async fn overwrite_picture_keys(&self) -> Result<bool, KeyError> {
        if !self.may_hold_destroyed_salts().await? {
            return Ok(true);
        }
        let size = "SELECT pg_total_relation_size('keys.picture_keys')";
        let bytes: i64 = sqlx::query_scalar(size).fetch_one(&self.pool).await?;
        let done = match bytes <= REWRITTEN_BYTES {
            true => self.write_anew().await,
            false => self.vacuum().await,
        };
        match done {
            Err(sqlx::Error::Database(fault))
                if fault.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
            {
                Ok(false)
            }
            done => Ok(done.map(|()| true)?),
        }
    }

    /// Whether a key of a picture was destroyed since the table was last written anew.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn may_hold_destroyed_salts(&self) -> Result<bool, KeyError> {
        Ok(sqlx::query_scalar(IS_DUE).fetch_one(&self.pool).await?)
    }

    /// As `VACUUM (FULL)` does it, but in a transaction: with a time to wait that holds behind a pooler of transactions too,
    /// and the mark in the same commit.
    async fn write_anew(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        for turn in [
            TURN_WITHIN,
            "LOCK TABLE keys.picture_keys IN ACCESS EXCLUSIVE MODE",
        ] {
            sqlx::query(turn).execute(&mut *tx).await?;
        }
        // Of several that start at once the first one did it for all.
        let due: bool = sqlx::query_scalar(IS_DUE).fetch_one(&mut *tx).await?;
        if due {
            for step in [
                "CLUSTER keys.picture_keys USING picture_keys_pkey",
                "UPDATE keys.picture_keys_file SET written_anew = destroyed",
            ] {
                sqlx::query(step).execute(&mut *tx).await?;
            }
        }
        tx.commit().await
    }

    /// What is destroyed while this runs is for the next time. Readers and writers do not wait for it.
    async fn vacuum(&self) -> Result<(), sqlx::Error> {
        let asked = "SELECT destroyed FROM keys.picture_keys_file";
        let until: i64 = sqlx::query_scalar(asked).fetch_one(&self.pool).await?;
        sqlx::query("VACUUM keys.picture_keys")
            .persistent(false)
            .execute(&self.pool)
            .await?;
        sqlx::query("UPDATE keys.picture_keys_file SET written_anew = greatest(written_anew, $1)")
            .bind(until)
            .execute(&self.pool)
            .await
            .map(drop)
    }
}
