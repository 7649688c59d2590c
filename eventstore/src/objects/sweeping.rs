//! Sweeping: bytes that no record names go after a day (IMG-1), and so does what nobody can open any more because its owner
//! was erased (AUD-4).

use super::{Form, ObjectFault, Objects};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use object_store::path::Path as Name;
use object_store::{ObjectMeta, ObjectStoreExt};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// How old bytes without a record must be (IMG-1): an upload that is running is seconds old.
pub const ORPHAN_HOURS: i64 = 24;
/// Objects that are looked up in the log at once.
const AT_ONCE: usize = 1_000;
/// The object that says which installation a folder or bucket belongs to.
const MARK: &str = "installation";

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects looked at.
    pub seen: u64,
    /// Objects deleted because no record names them.
    pub orphans: u64,
    /// Objects deleted because their owner was erased.
    pub unopenable: u64,
    /// Bytes of what was deleted.
    pub bytes: u64,
}

/// Why a sweep stopped. What it deleted until then stays deleted.
#[derive(Debug, thiserror::Error)]
pub enum SweepFault {
    /// The objects belong to another installation, or none are here where some should be: none of them is ours to delete.
    #[error(
        "the folder or bucket belongs to another installation, or to a log that is not this one, or is not mounted; \
         nothing was deleted"
    )]
    Foreign,
    /// The store did not do what was asked.
    #[error(transparent)]
    Objects(#[from] ObjectFault),
    /// The log did not answer: who does not know what is recorded deletes nothing.
    #[error("the log did not answer: {0}")]
    Unreachable(#[from] sqlx::Error),
}

/// Why an object may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A picture that is not purged, of somebody who is not erased.
    Kept,
    /// A picture of somebody who was erased.
    Unopenable,
    /// No picture that the log knows, or one that was purged.
    Orphan,
}

impl Objects {
    /// Deletes what has no record and is older than a day at this time, and what was erased members' at any age.
    ///
    /// # Errors
    /// [`SweepFault`].
    pub async fn sweep(&self, log: &PgPool, now: DateTime<Utc>) -> Result<Swept, SweepFault> {
        let mut swept = Swept::default();
        let store = match self.place.store() {
            // No folder, no bytes.
            Err(ObjectFault::Missing) => return Ok(swept),
            store => store?,
        };
        self.is_ours(log).await?;
        let before = now - TimeDelta::hours(ORPHAN_HOURS);
        let mut listed = store.list(None).chunks(AT_ONCE);
        while let Some(some) = listed.next().await {
            let mut found: BTreeMap<Uuid, Vec<ObjectMeta>> = BTreeMap::new();
            for object in some {
                let object = object.map_err(ObjectFault::from)?;
                swept.seen += 1;
                if let Some(image) = image_of(&object.location) {
                    found.entry(image).or_default().push(object);
                }
            }
            self.sweep_some(log, found, before, &mut swept).await?;
        }
        if let Some(folder) = self.place.folder() {
            let folder = folder.to_owned();
            let removing = tokio::task::spawn_blocking(move || remove_drafts(&folder, before));
            // What could not be taken away now is met again by the next sweep.
            drop(removing.await);
        }
        Ok(swept)
    }

    /// Whether what lies here is this installation's, so that an object that is not here is gone. Elsewhere it says nothing:
    /// a folder may not be mounted, or a bucket be another one.
    ///
    /// # Errors
    /// [`SweepFault`], but never [`SweepFault::Foreign`], where it cannot be found out.
    pub async fn are_in_place(&self, log: &PgPool) -> Result<bool, SweepFault> {
        match self.is_ours(log).await {
            Ok(()) => Ok(true),
            Err(SweepFault::Foreign | SweepFault::Objects(ObjectFault::Missing)) => Ok(false),
            Err(fault @ (SweepFault::Objects(_) | SweepFault::Unreachable(_))) => Err(fault),
        }
    }

    async fn sweep_some(
        &self,
        log: &PgPool,
        found: BTreeMap<Uuid, Vec<ObjectMeta>>,
        before: DateTime<Utc>,
        swept: &mut Swept,
    ) -> Result<(), SweepFault> {
        let images: Vec<Uuid> = found.keys().copied().collect();
        let known = recorded(log, &images).await?;
        for (image, objects) in found {
            let standing = known.get(&image).copied().unwrap_or(Standing::Orphan);
            for object in objects {
                let counted = match standing {
                    Standing::Kept => continue,
                    Standing::Unopenable => &mut swept.unopenable,
                    Standing::Orphan if object.last_modified <= before => &mut swept.orphans,
                    Standing::Orphan => continue,
                };
                if self.remove(&object.location).await? {
                    *counted += 1;
                    swept.bytes += object.size;
                }
            }
        }
        Ok(())
    }

    /// Makes sure that these objects are this installation's, and says so where nobody said it yet. Where nobody did, and none of
    /// what lies there is known to this log, it is somebody else's, or the log is not the one that goes with it.
    async fn is_ours(&self, log: &PgPool) -> Result<(), SweepFault> {
        let ours: Uuid = sqlx::query_scalar("SELECT id FROM installation")
            .fetch_one(log)
            .await?;
        let (store, mark) = (self.place.store()?, Name::from(MARK));
        if matches!(
            store.head(&mark).await,
            Err(object_store::Error::NotFound { .. })
        ) {
            if self.is_strange(log).await? {
                return Err(SweepFault::Foreign);
            }
            let put = store.put(&mark, ours.to_string().into_bytes().into()).await;
            put.map_err(ObjectFault::from)?;
        }
        let found = store.get(&mark).await.map_err(ObjectFault::from)?;
        let found = found.bytes().await.map_err(ObjectFault::from)?;
        match found.as_ref() == ours.to_string().as_bytes() {
            true => Ok(()),
            false => Err(SweepFault::Foreign),
        }
    }

    /// Whether pictures lie here of which this log knows not one, or none although it knows some, as where nothing is mounted. So it
    /// is as well where the very first upload was cut off: what it left waits for the second one.
    async fn is_strange(&self, log: &PgPool) -> Result<bool, SweepFault> {
        let mut listed = self.place.store()?.list(None).chunks(AT_ONCE);
        let mut holds_pictures = false;
        while let Some(some) = listed.next().await {
            let mut images = Vec::new();
            for object in some {
                images.extend(image_of(&object.map_err(ObjectFault::from)?.location));
            }
            holds_pictures |= !images.is_empty();
            if !recorded(log, &images).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(holds_pictures || keeps_any(log).await?)
    }
}

/// The picture that an object is a form of; none where the name is none of ours.
fn image_of(name: &Name) -> Option<Uuid> {
    let parts: Vec<_> = name.parts().collect();
    let [tail, id, form] = parts.as_slice() else {
        return None;
    };
    let (tail, id, form): (&str, &str, &str) = (tail.as_ref(), id.as_ref(), form.as_ref());
    let is_ours = id.len() == 32 && id.ends_with(tail);
    // Of a draft that an earlier release left behind the name goes on: `original.<id>.new`.
    let form = form.split('.').next().unwrap_or(form);
    let is_form = Form::ALL.iter().any(|known| known.name() == form);
    (is_ours && is_form).then(|| Uuid::parse_str(id).ok())?
}

/// Where pictures stand that the log knows; the others are left out.
async fn recorded(log: &PgPool, images: &[Uuid]) -> Result<BTreeMap<Uuid, Standing>, sqlx::Error> {
    // Ids stand in the clear in every version of every fact about a picture, as text.
    let images: Vec<String> = images.iter().map(Uuid::to_string).collect();
    let known: Vec<(String, bool)> = sqlx::query_as(
        "SELECT u.payload->u.event_type->>'image_id',
                EXISTS (SELECT FROM events e
                         WHERE e.aggregate_type = 'user' AND e.aggregate_id = u.aggregate_id
                           AND e.event_type = 'SubjectErased')
           FROM events u
          WHERE u.event_type = 'ImageUploaded' AND u.aggregate_type = 'image'
            AND u.payload->u.event_type->>'image_id' = ANY ($1)
            AND NOT EXISTS (SELECT FROM events p
                             WHERE p.event_type = 'ImagePurged'
                               AND p.payload->p.event_type->>'image_id' = u.payload->u.event_type->>'image_id'
                               AND p.aggregate_type = 'image' AND p.aggregate_id = u.aggregate_id)",
    )
    .bind(&images)
    .fetch_all(log)
    .await?;
    let standing = |(image, is_erased): (String, bool)| {
        let standing = match is_erased {
            true => Standing::Unopenable,
            false => Standing::Kept,
        };
        Some((image.parse().ok()?, standing))
    };
    Ok(known.into_iter().filter_map(standing).collect())
}

/// Whether the log knows a picture whose bytes should lie somewhere.
async fn keeps_any(log: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM events u
                         WHERE u.event_type = 'ImageUploaded' AND u.aggregate_type = 'image'
                           AND NOT EXISTS (SELECT FROM events e
                                            WHERE e.aggregate_type = 'user' AND e.aggregate_id = u.aggregate_id
                                              AND e.event_type = 'SubjectErased')
                           AND NOT EXISTS (SELECT FROM events p
                                            WHERE p.event_type = 'ImagePurged' AND p.aggregate_type = 'image'
                                              AND p.aggregate_id = u.aggregate_id
                                              AND p.payload->p.event_type->>'image_id'
                                                  = u.payload->u.event_type->>'image_id'))",
    )
    .fetch_one(log)
    .await
}

/// Takes away drafts that a stop in the middle of a put left in a folder: `<name>#<number>`, which no listing shows.
fn remove_drafts(folder: &Path, before: DateTime<Utc>) {
    let before = SystemTime::UNIX_EPOCH
        + Duration::from_millis(u64::try_from(before.timestamp_millis()).unwrap_or(0));
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let pictures = entries(folder).into_iter().flat_map(|tail| entries(&tail));
    for file in pictures.flat_map(|picture| entries(&picture)) {
        let name = file.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.split_once('#')).map(|(_, n)| n);
        let is_draft =
            number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let changed = file.metadata().and_then(|file| file.modified());
        if is_draft && changed.is_ok_and(|changed| changed <= before) {
            drop(std::fs::remove_file(&file));
        }
    }
}
