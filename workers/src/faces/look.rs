//! Looks for her face: in each picture that comes in while she agrees, and in all that are there when she begins to.

use super::{Agreement, FaceSearch, may_end_it, withdrawn_by};
use crate::providers::{Consent, Face, FaceEmbedder, NotSearched};
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{FaceSeen, ImageEvent, Library, her_face};
use domain::scan::ProviderFault;
use domain::user::{Purpose, UserEvent};
use eventstore::faces::FacesFault;
use eventstore::feed::Feed;
use eventstore::objects::Form;
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{KeyError, Recorded};
use std::sync::Arc;

/// How the readers are called: this, then detector and model. Another model begins at the first picture.
const READERS: &str = "faces ";
/// Tries of an event before a picture is left unlooked at; only while the model works otherwise.
const TRIES: u32 = 5;

/// Why a picture was not looked at.
enum Unseen {
    /// Something is in the way that may pass.
    Yet(String),
    /// It may be the picture's own doing.
    Doubtful(String),
}

/// Looks until the process ends.
pub async fn look(search: FaceSearch, finder: Arc<dyn FaceEmbedder>, feed: Feed) {
    let slices = Slices {
        wanted: matters,
        at_once: 1,
    };
    let (pool, name) = (
        search.store.database().clone(),
        format!("{READERS}{}", finder.model()),
    );
    sole_reader::run(pool, name, feed, slices, |slice, tried| {
        let (search, finder) = (search.clone(), Arc::clone(&finder));
        async move { search.look_all(&*finder, slice, tried).await }
    })
    .await;
}

fn matters(event: &Recorded) -> bool {
    may_end_it(event)
        || (event.noun == "user" && event.event_type == "ConsentGranted")
        || (event.noun == "image"
            && ["ImageUploaded", "ImageRestored"].contains(&event.event_type.as_str()))
}

impl FaceSearch {
    pub(super) async fn look_all(
        &self,
        finder: &dyn FaceEmbedder,
        slice: Vec<Recorded>,
        tried: u32,
    ) -> Attempt {
        let patient = tried + 1 < TRIES || !finder.is_available();
        for event in slice {
            let opened = match self.opened(event).await {
                Ok(opened) => opened,
                Err(attempt) => return attempt,
            };
            match self.follow(finder, &opened.event, patient).await {
                Ok(()) => {}
                Err(Unseen::Yet(why) | Unseen::Doubtful(why)) => {
                    tracing::warn!(%why, "faces are looked for later");
                    return Attempt::TryAgain;
                }
            }
        }
        Attempt::Done
    }

    async fn follow(
        &self,
        finder: &dyn FaceEmbedder,
        event: &Event,
        patient: bool,
    ) -> Result<(), Unseen> {
        if let Some(owner) = withdrawn_by(event) {
            let gone = self.faces.forget_all(owner).await;
            return gone
                .map(drop)
                .map_err(|fault| Unseen::Yet(fault.to_string()));
        }
        let (owner, only) = match event {
            Event::Image(
                ImageEvent::ImageUploaded {
                    owner, image_id, ..
                }
                | ImageEvent::ImageRestored {
                    owner, image_id, ..
                },
            ) => (*owner, Some(*image_id)),
            Event::User(UserEvent::ConsentGranted {
                user_id,
                purpose: Purpose::FaceSearch,
                ..
            }) => (*user_id, None),
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::Plan(_)
            | Event::HashCase(_) => return Ok(()),
        };
        let consent = Agreement {
            store: &self.store,
            owner,
        };
        if !consent.holds().await {
            return Ok(());
        }
        let library = self.store.load::<Library>(owner.0).await;
        let library = library.map_err(|fault| Unseen::Doubtful(fault.to_string()));
        let library = match library {
            Err(_) if !patient => return Ok(()),
            library => library?,
        };
        for image in library
            .active()
            .filter(|image| only.is_none_or(|only| only == *image))
        {
            match self.look_at(finder, owner, image, &consent).await {
                Err(Unseen::Doubtful(why)) if !patient => {
                    tracing::warn!(%why, "a picture is left without a look for her face");
                }
                looked => looked?,
            }
        }
        Ok(())
    }

    async fn look_at(
        &self,
        finder: &dyn FaceEmbedder,
        owner: UserId,
        image: ImageId,
        consent: &Agreement<'_>,
    ) -> Result<(), Unseen> {
        let known = self.faces.get(owner, image, finder.model()).await;
        if known.map_err(unkept)?.is_some() {
            return Ok(());
        }
        let jpeg = self.objects.find(owner, image, Form::Working).await;
        let Some(jpeg) = jpeg.map_err(|fault| Unseen::Doubtful(fault.to_string()))? else {
            return Ok(());
        };
        // Our own copy: its header is read here, its pixels are not.
        let look = pictures::look(&jpeg).map_err(|fault| Unseen::Doubtful(fault.to_string()))?;
        let faces = match finder.faces(jpeg.into(), consent).await {
            Ok(faces) => faces,
            Err(NotSearched::NotAllowed) => return Ok(()),
            Err(NotSearched::Failed(error)) if error.fault == ProviderFault::InvalidImage => {
                tracing::warn!(detail = %error.detail, "a picture could not be looked at for her face");
                return Ok(());
            }
            Err(NotSearched::Failed(error)) => return Err(Unseen::Doubtful(error.to_string())),
        };
        let seen: Vec<FaceSeen> = faces.iter().map(|face| face.seen).collect();
        let hers = her_face(look.stored_size, &seen).and_then(|place| faces.get(place));
        tracing::debug!(
            faces = faces.len(),
            kept = hers.is_some(),
            "a picture was looked at for her face"
        );
        match hers {
            // Asked again: she may have withdrawn while the model worked.
            Some(face) if consent.holds().await => {
                self.keep(owner, image, finder.model(), face).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn keep(
        &self,
        owner: UserId,
        image: ImageId,
        model: &str,
        face: &Face,
    ) -> Result<(), Unseen> {
        match self.faces.put(owner, image, model, &face.vector).await {
            // She was erased while the model worked.
            Ok(()) | Err(FacesFault::Key(KeyError::Erased(_))) => Ok(()),
            Err(fault) => Err(unkept(fault)),
        }
    }
}

fn unkept(fault: FacesFault) -> Unseen {
    match fault {
        FacesFault::Unreachable(fault) => Unseen::Yet(fault.to_string()),
        FacesFault::Key(fault) => Unseen::Doubtful(fault.to_string()),
    }
}
