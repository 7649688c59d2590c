//! The erasure ledger: who was erased, kept beside the keys and outside every backup of events, so that a restored
//! backup is erased again before anybody is served.

use super::following::DESTROYED;
use super::{KeyError, Vault};
use chrono::{DateTime, Utc};
use domain::ids::{ErasureId, UserId};
use serde_json::Value;

/// One erasure.
#[derive(Debug, Clone, PartialEq)]
pub struct Erasure {
    /// Who was erased.
    pub subject: UserId,
    /// The erasure.
    pub id: ErasureId,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// What was done, once all of it was.
    pub receipt: Option<Value>,
    /// When it was found that a restored backup brought back what was taken away; until that is done again.
    pub reopened_at: Option<DateTime<Utc>>,
}

impl Erasure {
    /// Whether all of it was done, and done again after each restore.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.receipt.is_some() && self.reopened_at.is_none()
    }
}

/// The columns of a [`Row`].
const COLUMNS: &str = "subject, erasure_id, asked_at, receipt, reopened_at";

type Row = (
    uuid::Uuid,
    uuid::Uuid,
    DateTime<Utc>,
    Option<Value>,
    Option<DateTime<Utc>>,
);

fn of((subject, id, asked_at, receipt, reopened_at): Row) -> Erasure {
    Erasure {
        subject: UserId(subject),
        id: ErasureId(id),
        asked_at,
        receipt,
        reopened_at,
    }
}

impl Vault {
    /// Writes down that a subject is to be erased; the same erasure when that was written before.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn begin_erasure(&self, subject: UserId, id: ErasureId) -> Result<Erasure, KeyError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO keys.erasures (subject, erasure_id) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING",
        )
        .bind(subject.0)
        .bind(id.0)
        .execute(&mut *tx)
        .await?;
        let row = sqlx::query_as(&format!(
            "SELECT {COLUMNS} FROM keys.erasures WHERE subject = $1"
        ))
        .bind(subject.0)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(of(row))
    }

    /// Destroys a subject's key: whatever was sealed with it is gone, everywhere and for ever, and so is what was sealed
    /// under the keys of her pictures, whose salts go too. No key can be made for her again. Every vault that follows
    /// ([`Vault::follow`]) drops the opened key as this commits. How many pictures of hers had a row.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn destroy(&self, subject: UserId) -> Result<u64, KeyError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO keys.subject_keys (subject, wrapped, master, erased_at)
             VALUES ($1, NULL, '', clock_timestamp())
             ON CONFLICT (subject) DO UPDATE SET wrapped = NULL,
                 erased_at = coalesce(subject_keys.erased_at, excluded.erased_at)",
        )
        .bind(subject.0)
        .execute(&mut *tx)
        .await?;
        let gone = sqlx::query("DELETE FROM keys.picture_keys WHERE owner = $1")
            .bind(subject.0)
            .execute(&mut *tx)
            .await?;
        // Told when this commits, to every process that may have it opened.
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(DESTROYED)
            .bind(subject.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.forget(subject);
        // The old row's bytes must leave the file as well; the table is small, one row a member. Not those of the salts:
        // without her key they are noise.
        sqlx::query("VACUUM (FULL) keys.subject_keys")
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected())
    }

    /// Takes away what a process that still had her key in memory made for a picture of a member as she was erased.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub(crate) async fn take_salts_of_the_erased(&self) -> Result<(), KeyError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "DELETE FROM keys.picture_keys p USING keys.subject_keys s WHERE s.subject = p.owner AND s.wrapped IS NULL",
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Writes down that an erasure is to be done again, because a backup brought back something of hers; it stays so
    /// through every stop until [`Vault::finish_erasure`].
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn reopen_erasure(&self, subject: UserId) -> Result<(), KeyError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE keys.erasures SET reopened_at = coalesce(reopened_at, clock_timestamp()) WHERE subject = $1",
        )
        .bind(subject.0)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Writes down that an erasure did everything, and what; of one that is done again the first receipt stays.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn finish_erasure(&self, subject: UserId, receipt: &Value) -> Result<(), KeyError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE keys.erasures SET receipt = coalesce(receipt, $2), reopened_at = NULL,
                    finished_at = coalesce(finished_at, clock_timestamp()) WHERE subject = $1",
        )
        .bind(subject.0)
        .bind(receipt)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// How many of those who were erased, or are named here, have a key that opens: as an older backup of the keys
    /// brings it back, and as it is in the moment between the two halves of an erasure.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn erased_with_a_key(&self, also: &[UserId]) -> Result<i64, KeyError> {
        let also: Vec<uuid::Uuid> = also.iter().map(|subject| subject.0).collect();
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM keys.subject_keys k WHERE wrapped IS NOT NULL
                AND (k.subject = ANY ($1) OR EXISTS (SELECT FROM keys.erasures e WHERE e.subject = k.subject))",
        )
        .bind(also)
        .fetch_one(&self.pool)
        .await?)
    }

    /// Everyone who was erased, oldest first.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn erasures(&self) -> Result<Vec<Erasure>, KeyError> {
        let rows: Vec<Row> = sqlx::query_as(&format!(
            "SELECT {COLUMNS} FROM keys.erasures ORDER BY asked_at, subject"
        ))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(of).collect())
    }
}
