//! Pictures whose seven days are over: put away, neither taken back nor purged since; and those that were purged. The log knows.

use crate::keys::{KeyError, Vault};
use crate::log::ReadFault;
use crate::recorded::{COLUMNS, Recorded};
use crate::whole::whole;
use chrono::{DateTime, Utc};
use domain::ids::{ImageId, UserId};
use sqlx::PgPool;
use uuid::Uuid;

/// Most pictures that are told at once; the oldest come first.
pub const AT_ONCE: i64 = 100;

/// The facts after a position by which pictures were put away until a time, and which are still to be purged. Pictures of erased members are gone
/// already.
///
/// Looks at every picture that was ever put away, by an index that holds those alone: a question for once an hour.
///
/// # Errors
/// [`ReadFault`].
pub async fn until(
    pool: &PgPool,
    time: DateTime<Utc>,
    after: i64,
) -> Result<Vec<Recorded>, ReadFault> {
    let due = format!(
        "SELECT {COLUMNS} FROM events a
          WHERE a.event_type = 'ImageArchived' AND a.aggregate_type = 'image' AND a.position > $3
            AND (a.payload->a.event_type->>'archived_at')::timestamptz <= $1
            AND NOT EXISTS (SELECT FROM events l
                             WHERE l.event_type IN ('ImageRestored', 'ImagePurged')
                               AND l.payload->l.event_type->>'image_id' = a.payload->a.event_type->>'image_id'
                               AND l.aggregate_type = a.aggregate_type AND l.aggregate_id = a.aggregate_id
                               AND l.sequence > a.sequence)
            AND NOT EXISTS (SELECT FROM events u
                             WHERE u.aggregate_type = 'user' AND u.aggregate_id = a.aggregate_id
                               AND u.event_type = 'SubjectErased')
          ORDER BY a.position LIMIT $2"
    );
    let rows = sqlx::query(&due)
        .bind(time)
        .bind(AT_ONCE)
        .bind(after)
        .fetch_all(pool)
        .await?;
    rows.iter().map(Recorded::from_row).collect()
}

/// Most purged pictures that are told at once.
const PURGED_AT_ONCE: i64 = 5_000;

/// Some of the pictures that were ever purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Each one, and whose it was.
    pub pictures: Vec<(UserId, ImageId)>,
    /// What the next ones come after.
    pub last: String,
}

/// The pictures that were ever purged (IMG-6), in the order of their ids, those that come after the last ones; nothing after
/// all of them. The first ones come after the empty text. A row that no program of ours wrote names none.
///
/// By the index of pictures that went or came back: 5,000 of them in some forty milliseconds.
///
/// # Errors
/// When the database does not answer.
pub async fn purged(pool: &PgPool, after: &str) -> Result<Option<Purged>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT aggregate_id, payload->event_type->>'image_id' FROM events
          WHERE event_type = 'ImagePurged' AND aggregate_type = 'image'
            AND payload->event_type->>'image_id' > $1
          ORDER BY payload->event_type->>'image_id' LIMIT $2",
    )
    .bind(after)
    .bind(PURGED_AT_ONCE)
    .fetch_all(pool)
    .await?;
    let ids = |(owner, image): &(String, String)| -> Option<(UserId, ImageId)> {
        let (owner, image): (Uuid, Uuid) = (owner.parse().ok()?, image.parse().ok()?);
        Some((owner.into(), image.into()))
    };
    let pictures = rows.iter().filter_map(ids).collect();
    let last = rows.into_iter().next_back();
    Ok(last.map(|(_, last)| Purged { pictures, last }))
}

/// Why nobody can say that no picture that was purged has a key.
#[derive(Debug, thiserror::Error)]
pub enum NotDestroyed {
    /// Which pictures were purged is not known.
    #[error("purged pictures may have a key, and that cannot be found out: {0}")]
    Unknown(#[from] sqlx::Error),
    /// The database of keys did not destroy them.
    #[error("keys of purged pictures could not be destroyed: {0}")]
    Kept(#[from] KeyError),
}

/// Destroys the keys of purged pictures that came back, by a backup of the keys or a standby that lacked a commit, and of those
/// whose purge was stopped in the middle; takes away salts that were made for a member as she was erased. Where there is none of
/// these nothing is written. Then the salts of all that were destroyed leave the file, if they can now; else with the next call.
///
/// # Errors
/// [`NotDestroyed`]; asking again is safe.
pub async fn destroy_again(pool: &PgPool, vault: &Vault) -> Result<(), NotDestroyed> {
    let (mut after, mut destroyed) = (String::new(), 0);
    while let Some(some) = purged(pool, &after).await? {
        destroyed += vault.destroy_pictures(&some.pictures).await?;
        after = some.last;
    }
    if destroyed > 0 {
        tracing::warn!(destroyed, "keys of pictures that were purged are destroyed");
    }
    vault.take_salts_of_the_erased().await?;
    match vault.overwrite_picture_keys().await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!("the table of picture keys is in use, and is written anew later");
        }
        Err(fault) => tracing::warn!(%fault, "the table of picture keys is written anew later"),
    }
    Ok(())
}

/// What the database's clock says: one clock for all processes, as what cannot be taken back needs it.
///
/// # Errors
/// When the database does not answer.
pub async fn now(pool: &PgPool) -> Result<DateTime<Utc>, sqlx::Error> {
    let asked = sqlx::query_scalar("SELECT clock_timestamp()");
    asked.fetch_one(pool).await
}

/// One of those who write down the state of a library or empty it at a time, `$1` being the stream: who writes sees each
/// purge that somebody else empties by, or is seen by them.
pub(crate) const STATE_ALONE: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('snapshots/image/' || $1, 0))";

/// Empties the written-down state of a library: it may hold the hash of a picture that was purged since. The next long read
/// writes it anew, over a shape that no program has.
///
/// # Errors
/// When the database does not answer; asking again is safe.
pub async fn forget_state(pool: &PgPool, owner: UserId) -> Result<(), sqlx::Error> {
    let (pool, stream) = (pool.clone(), owner.to_string());
    whole(async move {
        let mut tx = pool.begin().await?;
        let alone = sqlx::query(STATE_ALONE).bind(&stream);
        alone.execute(&mut *tx).await?;
        let empty =
            "UPDATE snapshots SET shape = 0, state = '' WHERE noun = 'image' AND stream = $1";
        sqlx::query(empty).bind(&stream).execute(&mut *tx).await?;
        tx.commit().await
    })
    .await
}
