//! Her face in her pictures, while she agrees to it: seen, its vector sealed, and forgotten when she withdraws (PIP-4, CON-3).
//!
//! Both readers follow the log in order, one process each at a time. What a withdrawal deletes no earlier grant brings back,
//! because whoever keeps vectors meets the withdrawal after the pictures before it, and deletes once more.

mod look;
mod onnx;
#[cfg(test)]
mod tests;

pub use look::look;
pub use onnx::OnnxFaces;

use async_trait::async_trait;
use domain::Event;
use domain::ids::UserId;
use domain::user::{Purpose, User, UserEvent};
use eventstore::feed::Feed;
use eventstore::objects::Objects;
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{Faces, Opened, ReadFault, Recorded, Store};

use crate::providers::Consent;

/// The reader that forgets, also where no model is there to look.
const FORGETTER: &str = "withdrawn faces";

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

/// Forgets the faces of everyone who withdraws or is erased, until the process ends.
pub async fn forget(search: FaceSearch, feed: Feed) {
    let slices = Slices {
        wanted: may_end_it,
        at_once: 1,
    };
    let pool = search.store.database().clone();
    sole_reader::run(pool, FORGETTER, feed, slices, |slice, _| {
        let search = search.clone();
        async move { search.forget_all(slice).await }
    })
    .await;
}

fn may_end_it(event: &Recorded) -> bool {
    event.noun == "user"
        && matches!(
            event.event_type.as_str(),
            "ConsentWithdrawn" | "SubjectErased"
        )
}

/// Whose faces are to go after this fact, if anybody's.
fn withdrawn_by(event: &Event) -> Option<UserId> {
    match event {
        Event::User(
            UserEvent::ConsentWithdrawn {
                user_id,
                purpose: Purpose::FaceSearch,
                ..
            }
            | UserEvent::SubjectErased { user_id, .. },
        ) => Some(*user_id),
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
            if let Some(owner) = withdrawn_by(&opened.event)
                && let Err(fault) = self.faces.forget_all(owner).await
            {
                tracing::warn!(%fault, "faces are forgotten later");
                return Attempt::TryAgain;
            }
        }
        Attempt::Done
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

/// What she agreed to, as the log says it at the moment of asking (CON-1).
struct Agreement<'a> {
    store: &'a Store,
    owner: UserId,
}

#[async_trait]
impl Consent for Agreement<'_> {
    async fn holds(&self) -> bool {
        let member = self.store.load::<User>(self.owner.0).await;
        member.is_ok_and(|member| member.agrees_to(Purpose::FaceSearch))
    }
}
