//! Lets go of pictures seven days after they were put away (IMG-6): first the fact, then bytes and what else repeats them.
//!
//! Two of these at once do no harm: the command is named by the fact that put the picture away, so it is in the log once,
//! and taking away what is gone changes nothing. What a stop in the middle left behind goes all the same: bytes are orphans, and
//! swept; key, face and written-down state are forgotten by whoever reads the fact ([`crate::faces::forget`]).

use chrono::{DateTime, TimeDelta, Utc};
use domain::Event;
use domain::ids::{ImageId, UserId, named};
use domain::image::{ImageCommand, ImageEvent, KEPT_DAYS, Library, PurgeImage};
use eventstore::objects::Objects;
use eventstore::{ExecuteError, Faces, ReadFault, Recorded, Store, put_away};
use std::time::Duration;

/// Time between two looks: a picture goes within an hour after its seven days.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Who acts, in the record.
const ACTOR: &str = "worker:purge";

/// What the part needs.
#[derive(Debug, Clone)]
pub struct Purge {
    /// Where commands go.
    pub store: Store,
    /// Where pictures lie.
    pub objects: Objects,
}

/// Looks for pictures whose time is over until the process ends.
pub async fn run(purge: Purge) {
    loop {
        match purge.all_due_now().await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "pictures whose seven days are over are gone"),
            Err(fault) => {
                tracing::warn!(%fault, "pictures whose time is over could not be looked for");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Purge {
    /// By the clock of the database and not by this process's: a purge cannot be undone, and one machine whose clock is a week
    /// ahead would let go of pictures that she could still take back.
    async fn all_due_now(&self) -> Result<u64, ReadFault> {
        let now = put_away::now(self.store.database()).await?;
        self.all_due(now).await
    }

    /// Purges what is due at this time; how many pictures. One whose fact cannot be written now is looked at again the next time.
    /// Then makes sure that none of all that were ever purged has a key: a standby may have taken over that lacked it.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn all_due(&self, now: DateTime<Utc>) -> Result<u64, ReadFault> {
        let (mut purged, mut after) = (0, 0);
        let until = now - TimeDelta::days(KEPT_DAYS);
        loop {
            let due = put_away::until(self.store.database(), until, after).await?;
            let Some(last) = due.last() else {
                break;
            };
            after = last.position;
            for put_away in due {
                let position = put_away.position;
                match self.purge(put_away, now).await {
                    Ok(gone) => purged += u64::from(gone),
                    Err(fault) => tracing::warn!(position, %fault, "a picture could not go yet"),
                }
            }
        }
        let (database, vault) = (self.store.database(), self.store.vault());
        if let Err(fault) = put_away::destroy_again(database, vault).await {
            tracing::warn!(%fault, "it is tried again within the hour");
        }
        Ok(purged)
    }

    /// Purges one picture, unless she took it back meanwhile.
    async fn purge(&self, put_away: Recorded, purged_at: DateTime<Utc>) -> Result<bool, String> {
        let cause = put_away.event_id;
        let opened = put_away.open(self.store.vault()).await;
        let opened = opened.map_err(|fault| fault.to_string())?;
        let Event::Image(ImageEvent::ImageArchived {
            owner, image_id, ..
        }) = opened.event
        else {
            return Ok(false);
        };
        let ask = ImageCommand::Purge(PurgeImage {
            owner,
            image_id,
            purged_at,
        });
        let command = named("purge-image", &[&cause.to_string()]);
        let why = opened.why.following(cause, ACTOR, command);
        match self.store.execute::<Library>(owner.0, ask, why).await {
            Ok(_) => {}
            Err(ExecuteError::Refused(_)) => return Ok(false),
            Err(
                fault @ (ExecuteError::Conflict
                | ExecuteError::Unreachable(_)
                | ExecuteError::Broken(_)),
            ) => return Err(fault.to_string()),
        }
        self.forget_the_rest(owner, image_id).await.map(|()| true)
    }

    /// All of it, also where one of them fails.
    async fn forget_the_rest(&self, owner: UserId, image: ImageId) -> Result<(), String> {
        let database = self.store.database();
        let faces = Faces::new(database.clone(), self.store.vault().clone());
        let picture = [(owner, image)];
        let (key, bytes, face, state) = tokio::join!(
            self.store.vault().destroy_pictures(&picture),
            self.objects.erase(image),
            faces.forget(owner, image),
            put_away::forget_state(database, owner)
        );
        key.map_err(|fault| fault.to_string())?;
        bytes.map_err(|fault| fault.to_string())?;
        face.map_err(|fault| fault.to_string())?;
        state.map_err(|fault| fault.to_string())
    }
}
