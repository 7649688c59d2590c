//! Face vectors: biometric, so never in an event and never in the clear. Each is sealed under its owner's key, bound to
//! picture and model, in a table of its own that is emptied when she withdraws, when a picture goes, and when she is erased.
//!
//! Whoever keeps one may have stood still since it asked for her consent, and whoever forgets may read an old withdrawal. So
//! both ask the log once more in the statement itself, one at a time for each member.
//!
//! No read model: a replay of the log makes none of them again (docs/decisions/0026).

use crate::keys::{Key, KeyError, Vault};
use crate::whole::whole;
use domain::ids::{ImageId, UserId};
use sqlx::PgPool;
use std::collections::HashSet;
use uuid::Uuid;

/// What she last said about her face, `$1` being her: the fact, and since when it holds. An erasure is the last word.
const LAST_WORD: &str = "SELECT e.event_type AS word, e.recorded_at AS since FROM events e
      WHERE e.aggregate_type = 'user' AND e.aggregate_id = $1::text
        AND (e.event_type = 'SubjectErased'
             OR e.event_type IN ('ConsentGranted', 'ConsentWithdrawn')
                AND e.payload->e.event_type->>'purpose' = 'FACE_SEARCH')
      ORDER BY e.sequence DESC LIMIT 1";

/// One of those who keep or forget faces of hers at a time: who keeps one sees each fact that somebody else forgets by, or is
/// seen by them.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('faces/' || $1::text, 0))";

/// Why a face vector could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FacesFault {
    /// The database did not answer.
    #[error("the face vectors did not answer: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// Her key could not be had, or a row does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The face vectors of all members. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Faces {
    pool: PgPool,
    vault: Vault,
}

impl Faces {
    /// In this database, under the keys of this vault.
    #[must_use]
    pub const fn new(pool: PgPool, vault: Vault) -> Self {
        Self { pool, vault }
    }

    /// Keeps the vector of the face in a picture; one that the same model made before is replaced. Whether it was kept: not
    /// when the log says by now that she does not agree (CON-3) or that the picture is gone (IMG-6), however late this is.
    ///
    /// # Errors
    /// [`FacesFault`]; [`KeyError::Erased`] once she was erased, and then nothing is kept.
    pub async fn put(
        &self,
        owner: UserId,
        image: ImageId,
        model: &str,
        vector: &[f32],
    ) -> Result<bool, FacesFault> {
        let key = self.vault.key_to_seal(owner).await?;
        let plain: Vec<u8> = vector
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let sealed = key.seal(&plain, &place(owner, image, model))?;
        let (pool, model) = (self.pool.clone(), model.to_owned());
        let kept = whole(async move {
            let mut tx = pool.begin().await?;
            sqlx::query(ALONE).bind(owner.0).execute(&mut *tx).await?;
            let keeping = format!(
                "INSERT INTO face_vectors (owner, image_id, model, vector)
                 SELECT $1, $2, $3, $4 FROM ({LAST_WORD}) AS said
                  WHERE said.word = 'ConsentGranted'
                    AND NOT EXISTS (SELECT FROM events p
                                     WHERE p.aggregate_type = 'image' AND p.aggregate_id = $1::text
                                       AND p.event_type = 'ImagePurged'
                                       AND p.payload->'ImagePurged'->>'image_id' = $2::text)
                 ON CONFLICT (owner, image_id, model)
                 DO UPDATE SET vector = excluded.vector, made_at = clock_timestamp()"
            );
            let kept = sqlx::query(&keeping)
                .bind(owner.0)
                .bind(image.0)
                .bind(model)
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(kept.rows_affected() > 0)
        });
        Ok(kept.await?)
    }

    /// The vector of the face in a picture, as this model made it. None where there is none, and of somebody erased.
    ///
    /// # Errors
    /// [`FacesFault`].
    pub async fn get(
        &self,
        owner: UserId,
        image: ImageId,
        model: &str,
    ) -> Result<Option<Vec<f32>>, FacesFault> {
        let sealed: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT vector FROM face_vectors WHERE owner = $1 AND image_id = $2 AND model = $3",
        )
        .bind(owner.0)
        .bind(image.0)
        .bind(model)
        .fetch_optional(&self.pool)
        .await?;
        let (Some(sealed), Key::Present(key)) = (sealed, self.vault.key(owner).await?) else {
            return Ok(None);
        };
        let plain = key.open(&sealed, &place(owner, image, model))?;
        let (numbers, _) = plain.as_chunks::<4>();
        Ok(Some(
            numbers
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
        ))
    }

    /// Those of these pictures of hers in which a face was seen, by whichever model.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_in(
        &self,
        owner: UserId,
        images: &[Uuid],
    ) -> Result<HashSet<Uuid>, sqlx::Error> {
        let seen: Vec<Uuid> = sqlx::query_scalar(
            "SELECT DISTINCT image_id FROM face_vectors WHERE owner = $1 AND image_id = ANY ($2)",
        )
        .bind(owner.0)
        .bind(images)
        .fetch_all(&self.pool)
        .await?;
        Ok(seen.into_iter().collect())
    }

    /// Forgets every face of hers that she does not agree to (CON-3); how many there were. What was made since she agreed
    /// again stays: an old withdrawal may be read late.
    ///
    /// # Errors
    /// When the database does not answer; asking again is safe.
    pub async fn forget_withdrawn(&self, owner: UserId) -> Result<u64, sqlx::Error> {
        let withdrawn = format!(
            "DELETE FROM face_vectors f WHERE f.owner = $1
                AND NOT EXISTS (SELECT FROM ({LAST_WORD}) AS said
                                 WHERE said.word = 'ConsentGranted' AND said.since <= f.made_at)"
        );
        self.delete(withdrawn, owner, None).await
    }

    /// Forgets the face in one picture, when the picture goes (IMG-6); how many there were.
    ///
    /// # Errors
    /// When the database does not answer; asking again is safe.
    pub async fn forget(&self, owner: UserId, image: ImageId) -> Result<u64, sqlx::Error> {
        let gone = "DELETE FROM face_vectors WHERE owner = $1 AND image_id = $2".to_owned();
        self.delete(gone, owner, Some(image.0)).await
    }

    async fn delete(
        &self,
        statement: String,
        owner: UserId,
        only: Option<Uuid>,
    ) -> Result<u64, sqlx::Error> {
        let pool = self.pool.clone();
        let gone = whole(async move {
            let mut tx = pool.begin().await?;
            sqlx::query(ALONE).bind(owner.0).execute(&mut *tx).await?;
            let mut gone = sqlx::query(&statement).bind(owner.0);
            if let Some(image) = only {
                gone = gone.bind(image);
            }
            let gone = gone.execute(&mut *tx).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(gone.rows_affected())
        });
        gone.await
    }
}

/// Binds a sealed vector to its row: rows cannot be swapped.
fn place(owner: UserId, image: ImageId, model: &str) -> String {
    format!("face/{owner}/{image}/{model}")
}
