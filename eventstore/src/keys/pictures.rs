//! One key for each picture, made of its owner's key and a salt that is kept here: without the salt nothing of that picture
//! opens, and nothing else is lost (IMG-6). Without the owner's key a salt is 32 random bytes.
//!
//! Salts are not wrapped: a rotation of the master key has nothing to do here.

use super::following::{DESTROYED, PICTURE};
use super::{KeyError, SubjectKey, Vault};
use crate::whole::whole;
use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use domain::ids::{ImageId, UserId};
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What makes one picture's key of its owner's. Never printed; wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct Salt(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(withheld)")
    }
}

impl Salt {
    /// A fresh random one.
    pub(super) fn fresh() -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        OsRng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The key of a picture. Bound to its id, so that rows cannot be swapped.
    ///
    /// # Errors
    /// [`KeyError::Sealed`], which does not happen for the length used here.
    pub(crate) fn key_of(
        &self,
        owner: &SubjectKey,
        image: ImageId,
    ) -> Result<SubjectKey, KeyError> {
        let purpose = format!("vara picture {image}");
        let bytes = owner.derived(self.0.as_slice(), &purpose)?;
        SubjectKey::from_bytes(bytes.as_slice())
    }
}

/// The salts of some pictures; none of one that was purged.
pub(crate) type Salts = HashMap<ImageId, Option<Salt>>;

impl Vault {
    /// The salts of pictures, in one question for all that are not in memory. A picture that never had a key is left out.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub(crate) async fn salts(&self, pictures: HashSet<ImageId>) -> Result<Salts, KeyError> {
        let mut salts = Salts::with_capacity(pictures.len());
        let mut others = Vec::new();
        let term = {
            let (opened, now) = (self.opened(), Instant::now());
            for image in pictures {
                match opened.salt(image, now) {
                    Some(salt) => drop(salts.insert(image, salt)),
                    None => others.push(image.0),
                }
            }
            opened.term()
        };
        if others.is_empty() {
            return Ok(salts);
        }
        let asked = "SELECT image_id, salt FROM keys.picture_keys WHERE image_id = ANY ($1)";
        let rows: Vec<(Uuid, Option<Vec<u8>>)> = sqlx::query_as(asked)
            .bind(&others)
            .fetch_all(&self.pool)
            .await?;
        let found = rows.into_iter().map(|(image, bytes)| {
            let bytes = bytes.map(Zeroizing::new);
            let salt = bytes.map(|bytes| <[u8; 32]>::try_from(bytes.as_slice()));
            let salt = salt.transpose().map_err(|_| KeyError::Wrapped)?;
            Ok((ImageId(image), salt.map(|it| Salt(Zeroizing::new(it)))))
        });
        let found = found.collect::<Result<Salts, KeyError>>()?;
        self.opened().keep_salts(term, &found, Instant::now());
        salts.extend(found);
        Ok(salts)
    }

    /// The salt of a picture that something was sealed for; none once it was purged.
    ///
    /// # Errors
    /// [`KeyError::PictureMissing`] where there never was one; else unreachable.
    pub(crate) async fn salt(&self, image: ImageId) -> Result<Option<Salt>, KeyError> {
        let found = self.salts(HashSet::from([image])).await?.remove(&image);
        found.ok_or(KeyError::PictureMissing(image))
    }

    /// The key to seal something new of a picture with, made of its owner's; a picture that has no salt yet gets one.
    ///
    /// # Errors
    /// [`KeyError::PictureErased`] for a picture that was purged; else unreachable.
    pub(crate) async fn picture_to_seal(
        &self,
        key: &SubjectKey,
        owner: UserId,
        image: ImageId,
    ) -> Result<SubjectKey, KeyError> {
        let kept = self.opened().salt(image, Instant::now());
        let salt = match kept {
            Some(salt) => salt,
            None => self.make_salt(owner, image).await?,
        };
        let salt = salt.ok_or(KeyError::PictureErased(image))?;
        salt.key_of(key, image)
    }

    /// Made before it is looked for: a picture that comes in, as nearly all that ask, costs one transaction.
    async fn make_salt(&self, owner: UserId, image: ImageId) -> Result<Option<Salt>, KeyError> {
        let (made, term) = (Salt::fresh(), self.opened().term());
        if !whole(write_salt(self.pool.clone(), owner, image, made.clone())).await? {
            // Of two that made one at once, both use the one that stayed; and a purged picture has none.
            return self.salt(image).await;
        }
        let salts = Salts::from([(image, Some(made.clone()))]);
        self.opened().keep_salts(term, &salts, Instant::now());
        Ok(Some(made))
    }

    /// Destroys the keys of pictures that were purged (IMG-6); how many were not destroyed before. No key can be made for
    /// any of them again. Every vault that follows ([`Vault::follow`]) drops the salts as this commits. Of members who were
    /// erased nothing is kept: their pictures' keys went with theirs.
    ///
    /// What the old rows held stays in the table's file until [`Vault::overwrite_picture_keys`]; that it does is written down
    /// with it.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`]; asking again is safe.
    pub async fn destroy_pictures(&self, pictures: &[(UserId, ImageId)]) -> Result<u64, KeyError> {
        let (owners, images): (Vec<Uuid>, Vec<Uuid>) = pictures
            .iter()
            .map(|(owner, image)| (owner.0, image.0))
            .unzip();
        let destroyed = whole(destroy(self.pool.clone(), owners, images)).await?;
        for image in &destroyed {
            self.forget_picture(ImageId(*image));
        }
        Ok(destroyed.len() as u64)
    }

    /// How many of these pictures have a key, as an older backup of the keys brings it back.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn pictures_with_a_key(&self, pictures: &[ImageId]) -> Result<i64, KeyError> {
        let images: Vec<Uuid> = pictures.iter().map(|image| image.0).collect();
        let asked =
            "SELECT count(*) FROM keys.picture_keys WHERE salt IS NOT NULL AND image_id = ANY ($1)";
        let counted = sqlx::query_scalar(asked).bind(images);
        Ok(counted.fetch_one(&self.pool).await?)
    }
}

/// Writes a salt, unless the picture has a row; whether it did.
///
/// In a transaction, though it is one statement: where somebody was dropped while `begin` was under way, the connection may
/// come with a transaction that nobody commits, and what is written in that is lost after it was answered for.
async fn write_salt(
    pool: PgPool,
    owner: UserId,
    image: ImageId,
    salt: Salt,
) -> Result<bool, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let making = sqlx::query(
        "INSERT INTO keys.picture_keys (image_id, owner, salt) VALUES ($1, $2, $3)
         ON CONFLICT (image_id) DO NOTHING",
    )
    .bind(image.0)
    .bind(owner.0)
    .bind(salt.0.as_slice())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(making.rows_affected() > 0)
}

/// Takes the salts of pictures away, and tells everybody; those that were not destroyed before.
async fn destroy(
    pool: PgPool,
    owners: Vec<Uuid>,
    images: Vec<Uuid>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // What is destroyed already is not written again: each start asks for all that were ever purged.
    let destroyed: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO keys.picture_keys (image_id, owner, destroyed_at)
         SELECT DISTINCT ON (p.image) p.image, p.owner, clock_timestamp() FROM unnest($1::uuid[], $2::uuid[]) AS p(image, owner)
          WHERE NOT EXISTS (SELECT FROM keys.picture_keys k WHERE k.image_id = p.image AND k.salt IS NULL)
            AND NOT EXISTS (SELECT FROM keys.subject_keys s WHERE s.subject = p.owner AND s.wrapped IS NULL)
          ORDER BY p.image
         ON CONFLICT (image_id) DO UPDATE SET salt = NULL, destroyed_at = excluded.destroyed_at
         RETURNING image_id",
    )
    .bind(&images)
    .bind(&owners)
    .fetch_all(&mut *tx)
    .await?;
    super::picture_file::is_to_be_written_anew(destroyed.len(), &mut tx).await?;
    sqlx::query("SELECT pg_notify($1, $2 || image::text) FROM unnest($3::uuid[]) AS image")
        .bind(DESTROYED)
        .bind(PICTURE)
        .bind(&destroyed)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(destroyed)
}
