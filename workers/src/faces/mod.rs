//! Her face in her pictures, while she agrees to it: seen, its vector sealed, and forgotten when she withdraws (PIP-4, CON-3).
//!
//! Both readers follow the log in order, one process each at a time. A process that stood still may keep a vector late, and
//! one that was away may read an old withdrawal: what the log says by then decides, in the statement itself
//! ([`eventstore::Faces`]).

mod look;
mod onnx;
#[cfg(test)]
mod tests;

pub use look::look;
pub use onnx::OnnxFaces;

use async_trait::async_trait;
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{ImageEvent, Library};
use domain::user::{Purpose, User, UserEvent};
use eventstore::feed::Feed;
use eventstore::objects::Objects;
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{ExecuteError, Faces, Opened, ReadFault, Recorded, Store, put_away};

use crate::providers::Consent;

/// The reader that forgets, also where no model is there to look.
const FORGETTER: &str = "faces to forget";

/// What both readers need.
#[derive(Debug, Clone)]
pub struct FaceSearch {
    /// Where consent is asked.
    pub store: Store,
    /// Where pictures lie.
    pub objects: Objects,
    /// Where vectors are kept.
    pub faces: Faces,
}

/// Forgets the faces of everyone who withdraws or is erased, and those in pictures that are gone, until the process ends.
pub async fn forget(search: FaceSearch, feed: Feed) {
    let slices = Slices {
        wanted: may_end_it,
        at_once: 1,
    };
    let pool = search.store.database().clone();
    sole_reader::run(pool, FORGETTER, feed, slices, |slice| {
        let search = search.clone();
        async move { search.forget_all(slice).await }
    })
    .await;
}

fn may_end_it(event: &Recorded) -> bool {
    matches!(
        (event.noun.as_str(), event.event_type.as_str()),
        ("user", "ConsentWithdrawn" | "SubjectErased") | ("image", "ImagePurged")
    )
}

/// Whose faces are to go after this fact, if anybody's; the one in a picture that is gone, or all.
fn ended_by(event: &Event) -> Option<(UserId, Option<ImageId>)> {
    match event {
        Event::Image(ImageEvent::ImagePurged {
            owner, image_id, ..
        }) => Some((*owner, Some(*image_id))),
        Event::User(
            UserEvent::ConsentWithdrawn {
                user_id,
                purpose: Purpose::FaceSearch,
                ..
            }
            | UserEvent::SubjectErased { user_id, .. },
        ) => Some((*user_id, None)),
        Event::User(_)
        | Event::Image(_)
        | Event::Scan(_)
        | Event::Match(_)
        | Event::Alert(_)
        | Event::Plan(_)
        | Event::HashCase(_) => None,
    }
}

impl FaceSearch {
    async fn forget_all(&self, slice: Vec<Recorded>) -> Attempt {
        for event in slice {
            let opened = match self.opened(event).await {
                Ok(opened) => opened,
                Err(attempt) => return attempt,
            };
            if let Err(fault) = self.forget_after(&opened.event).await {
                tracing::warn!(%fault, "faces are forgotten later");
                return Attempt::TryAgain;
            }
        }
        Attempt::Done
    }

    /// Whether it was a fact to forget by. With a picture goes what else of it a stop in the middle may have left
    /// ([`crate::purge`]).
    async fn forget_after(&self, event: &Event) -> Result<bool, String> {
        let Some((owner, image)) = ended_by(event) else {
            return Ok(false);
        };
        let forgotten = match image {
            None => self.faces.forget_withdrawn(owner).await,
            Some(image) => self.faces.forget(owner, image).await,
        };
        forgotten.map_err(|fault| fault.to_string())?;
        if let Some(image) = image {
            let picture = [(owner, image)];
            let destroyed = self.store.vault().destroy_pictures(&picture).await;
            destroyed.map_err(|fault| fault.to_string())?;
            let forgotten = put_away::forget_state(self.store.database(), owner).await;
            forgotten.map_err(|fault| fault.to_string())?;
        }
        Ok(true)
    }

    async fn opened(&self, event: Recorded) -> Result<Opened, Attempt> {
        match event.open(self.store.vault()).await {
            Ok(opened) => Ok(opened),
            Err(ReadFault::Unreadable { what, .. }) => Err(Attempt::GiveUp(what)),
            Err(fault) => {
                tracing::warn!(%fault, "an event about faces cannot be read yet");
                Err(Attempt::TryAgain)
            }
        }
    }
}

/// What she agreed to, as the log says it at the moment of asking (CON-1), for a picture that she did not put away (IMG-5).
struct Agreement<'a> {
    store: &'a Store,
    owner: UserId,
    image: ImageId,
}

impl Agreement<'_> {
    /// Whether it holds; an error where that cannot be found out just now, which is another thing than no.
    async fn asked(&self) -> Result<bool, String> {
        let owner = self.owner.0;
        let member = answered(self.store.load::<User>(owner).await)?;
        let library = answered(self.store.load::<Library>(owner).await)?;
        Ok(
            member.is_some_and(|member| member.agrees_to(Purpose::FaceSearch))
                && library.is_some_and(|library| library.holds(self.image)),
        )
    }
}

/// Nothing of a stream that cannot be read: nothing is looked for in it.
fn answered<T, E: std::error::Error>(
    loaded: Result<T, ExecuteError<E>>,
) -> Result<Option<T>, String> {
    match loaded {
        Ok(state) => Ok(Some(state)),
        Err(ExecuteError::Broken(_)) => Ok(None),
        Err(
            fault @ (ExecuteError::Refused(_)
            | ExecuteError::Conflict
            | ExecuteError::Unreachable(_)),
        ) => Err(fault.to_string()),
    }
}

#[async_trait]
impl Consent for Agreement<'_> {
    async fn holds(&self) -> bool {
        self.asked().await.unwrap_or(false)
    }
}
