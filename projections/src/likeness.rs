//! Which of her pictures look alike: exact comparison within one library, by pgvector.
//!
//! No index is asked: a filtered approximate search loses most of a small owner's rows without an error.

use crate::images::bits;
use crate::table::Row;
use domain::ids::{ImageId, UserId};
use domain::image::Fingerprint;
use pgvector::Bit;
use serde::{Serialize, Serializer};
use sqlx::PgPool;
use uuid::Uuid;

/// The hash of one picture.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct HashRow {
    /// The picture.
    pub image_id: Uuid,
    /// Whose.
    pub owner: Uuid,
    /// Its PDQ hash.
    pub pdq: Pdq,
    /// 0 to 100.
    pub quality: i16,
}

/// A PDQ hash: 256 bits; `0` and `1` in JSON, as PostgreSQL writes `bit(256)`.
#[derive(Debug, Clone, sqlx::Type)]
#[sqlx(transparent)]
pub struct Pdq(pub Bit);

impl Serialize for Pdq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.0.as_bytes().iter().map(|byte| format!("{byte:08b}"));
        serializer.serialize_str(&digits.collect::<String>())
    }
}

impl Row for HashRow {
    const TABLE: &'static str = "read_image_hashes";
    const KEY: &'static [&'static str] = &["image_id"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.image_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The vector of one picture under one model.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct VectorRow {
    /// Whose.
    pub owner: Uuid,
    /// Name and version of the model.
    pub model: String,
    /// The picture.
    pub image_id: Uuid,
    /// 512 numbers.
    pub vector: Embedding,
}

/// A CLIP vector; a list of numbers in JSON.
#[derive(Debug, Clone, sqlx::Type)]
#[sqlx(transparent)]
pub struct Embedding(pub pgvector::Vector);

impl Serialize for Embedding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.as_slice())
    }
}

impl Row for VectorRow {
    const TABLE: &'static str = "read_image_vectors";
    const KEY: &'static [&'static str] = &["owner", "model", "image_id"];
    type Key = (Uuid, String, Uuid);

    fn key(&self) -> Self::Key {
        (self.owner, self.model.clone(), self.image_id)
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// Most pictures that [`alike`] names where nobody asks for another number (VEC-1).
pub const ALIKE_MAX: i64 = 10;

/// Least cosine similarity at which two pictures of a library are called alike (VEC-1).
pub const ALIKE_MIN: f64 = 0.70;

/// The ACTIVE picture of her library whose hash is nearest over the eight turns, and by how many bits (HSH-1).
///
/// # Errors
/// When the database does not answer, or a turn is no 64-digit hex text.
pub async fn nearest_by_hash(
    pool: &PgPool,
    owner: UserId,
    turns: &[String],
) -> Result<Option<(ImageId, u16)>, sqlx::Error> {
    let turns = turns
        .iter()
        .map(|turn| bits(turn))
        .collect::<Result<Vec<_>, _>>()?;
    let nearest: Option<(Uuid, f64)> = sqlx::query_as(
        "SELECT h.image_id, min(h.pdq <~> t.turn) AS bits
           FROM read_image_hashes h JOIN read_images i USING (image_id)
                CROSS JOIN unnest($2::bit(256)[]) AS t(turn)
          WHERE h.owner = $1 AND h.quality >= $3 AND i.archived_at IS NULL
          GROUP BY h.image_id ORDER BY bits, h.image_id LIMIT 1",
    )
    .bind(owner.0)
    .bind(turns)
    .bind(i16::from(Fingerprint::QUALITY_MIN))
    .fetch_optional(pool)
    .await?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 256 bits"
    )]
    Ok(nearest.map(|(image, bits)| (image.into(), bits as u16)))
}

/// The ACTIVE picture of her library whose vector of the same model is nearest, and its cosine similarity (VEC-1).
///
/// # Errors
/// When the database does not answer.
pub async fn nearest_by_vector(
    pool: &PgPool,
    owner: UserId,
    model: &str,
    vector: &[f32],
) -> Result<Option<(ImageId, f64)>, sqlx::Error> {
    let nearest: Option<(Uuid, f64)> = sqlx::query_as(
        // VEC-2: to a vector of zeros nothing is alike, where pgvector says that it is no number.
        "SELECT v.image_id, coalesce(nullif(1 - (v.vector <=> $3), 'NaN'), 0) AS similarity
           FROM read_image_vectors v JOIN read_images i USING (image_id)
          WHERE v.owner = $1 AND v.model = $2 AND i.archived_at IS NULL
          ORDER BY similarity DESC, image_id LIMIT 1",
    )
    .bind(owner.0)
    .bind(model)
    .bind(pgvector::Vector::from(vector.to_vec()))
    .fetch_optional(pool)
    .await?;
    Ok(nearest.map(|(image, similarity)| (image.into(), similarity)))
}

/// The pictures of her library that are like one of them by the vectors of a model, most similar first, at most `most` of
/// them, none below [`ALIKE_MIN`] (VEC-1). Empty where that picture has no vector of the model.
///
/// # Errors
/// When the database does not answer.
pub async fn alike(
    pool: &PgPool,
    owner: UserId,
    model: &str,
    image: ImageId,
    most: i64,
) -> Result<Vec<(ImageId, f64)>, sqlx::Error> {
    let alike: Vec<(Uuid, f64)> = sqlx::query_as(
        // The nearest are taken before they are judged, so each distance is computed once, and what she put away is looked up
        // once. A vector of zeros has no distance.
        "SELECT image_id, 1 - distance FROM
           (SELECT o.image_id, o.vector <=> q.vector AS distance
              FROM read_image_vectors q
              JOIN read_image_vectors o ON o.owner = q.owner AND o.model = q.model AND o.image_id <> q.image_id
             WHERE q.owner = $1 AND q.model = $2 AND q.image_id = $3
               AND o.image_id <> ALL (ARRAY(SELECT i.image_id FROM read_images i
                                             WHERE i.owner = $1 AND i.archived_at IS NOT NULL))
             ORDER BY distance, o.image_id LIMIT $5) AS nearest
          WHERE distance <> 'NaN' AND 1 - distance >= $4 ORDER BY distance, image_id",
    )
    .bind(owner.0)
    .bind(model)
    .bind(image.0)
    .bind(ALIKE_MIN)
    .bind(most.max(0))
    .fetch_all(pool)
    .await?;
    Ok(alike
        .into_iter()
        .map(|(image, similarity)| (image.into(), similarity))
        .collect())
}

/// How many ACTIVE pictures have a vector of each model, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn coverage(pool: &PgPool) -> Result<(Vec<(String, i64)>, i64), sqlx::Error> {
    let by_model = sqlx::query_as(
        "SELECT model, count(*) FROM read_image_vectors v
          WHERE NOT EXISTS (SELECT FROM read_images i WHERE i.image_id = v.image_id AND i.archived_at IS NOT NULL)
          GROUP BY model ORDER BY model",
    );
    let by_model = by_model.fetch_all(pool).await?;
    let pictures = sqlx::query_scalar("SELECT count(*) FROM read_images WHERE archived_at IS NULL");
    Ok((by_model, pictures.fetch_one(pool).await?))
}
