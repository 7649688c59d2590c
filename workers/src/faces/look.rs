//! Looks for her face: in each picture that comes in while she agrees, and in all that are there when she begins to.

use super::{Agreement, FaceSearch, answered, may_end_it};
use crate::providers::{Face, FaceEmbedder, NotSearched};
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{FaceSeen, ImageEvent, Library, her_face};
use domain::scan::ProviderFault;
use domain::user::{Purpose, User, UserEvent};
use eventstore::faces::FacesFault;
use eventstore::feed::Feed;
use eventstore::objects::{Form, ObjectFault};
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
        let forgotten = self.forget_after(event).await;
        if forgotten.map_err(Unseen::Yet)? {
            return Ok(());
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
        let member = answered(self.store.load::<User>(owner.0).await).map_err(Unseen::Yet)?;
        if !member.is_some_and(|member| member.agrees_to(Purpose::FaceSearch)) {
            return Ok(());
        }
        let library = answered(self.store.load::<Library>(owner.0).await).map_err(Unseen::Yet)?;
        // Where her library cannot be read, whoever reads it stops there and says so.
        let Some(library) = library else {
            return Ok(());
        };
        for image in library
            .active()
            .filter(|image| only.is_none_or(|only| only == *image))
        {
            match self.look_at(finder, owner, image).await {
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
    ) -> Result<(), Unseen> {
        let consent = Agreement {
            store: &self.store,
            owner,
            image,
        };
        let known = self.faces.get(owner, image, finder.model()).await;
        if known.map_err(unkept)?.is_some() {
            return Ok(());
        }
        let jpeg = self.objects.find(owner, image, Form::Working).await;
        let jpeg = jpeg.map_err(unread)?;
        // She has it, so its copy should be there; it is not where a folder was not mounted.
        let jpeg = jpeg.ok_or_else(|| Unseen::Doubtful("a picture's copy is not there".into()))?;
        // Our own copy: its header is read here, its pixels are not.
        let look = pictures::look(&jpeg).map_err(|fault| Unseen::Doubtful(fault.to_string()))?;
        let faces = match finder.faces(jpeg.into(), &consent).await {
            Ok(faces) => faces,
            Err(NotSearched::NotAllowed) => {
                return match consent.asked().await.map_err(Unseen::Yet)? {
                    false => Ok(()),
                    true => Err(Unseen::Yet("her consent could not be asked".into())),
                };
            }
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
            Some(face) => self.keep(owner, image, finder.model(), face).await,
            None => Ok(()),
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
            // She withdrew or was erased, or the picture went, while the model worked: then it is not kept.
            Ok(_) | Err(FacesFault::Key(KeyError::Erased(_))) => Ok(()),
            Err(fault) => Err(unkept(fault)),
        }
    }
}

fn unread(fault: ObjectFault) -> Unseen {
    if fault.is_an_outage() {
        return Unseen::Yet(fault.to_string());
    }
    Unseen::Doubtful(fault.to_string())
}

fn unkept(fault: FacesFault) -> Unseen {
    match fault {
        FacesFault::Unreachable(fault) => Unseen::Yet(fault.to_string()),
        FacesFault::Key(fault @ KeyError::Unreachable(_)) => Unseen::Yet(fault.to_string()),
        FacesFault::Key(fault) => Unseen::Doubtful(fault.to_string()),
    }
}
