//! Looks for her face: in each picture that comes in while she agrees, and in all that are there when she begins to.

use super::{Agreement, FaceSearch, answered, may_end_it};
use crate::obstacles::{Obstacle, Tries, bytes_of, nobodys_png};
use crate::providers::{Consent, Face, FaceEmbedder, NotSearched};
use async_trait::async_trait;
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{FaceSeen, ImageEvent, Library, her_face};
use domain::scan::ProviderFault;
use domain::user::{Purpose, User, UserEvent};
use eventstore::faces::FacesFault;
use eventstore::feed::Feed;
use eventstore::objects::Form;
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{KeyError, Recorded};
use std::sync::Arc;
use uuid::Uuid;

/// How the readers are called: this, then detector and model. Another model begins at the first picture.
const READERS: &str = "faces ";

/// A picture is counted for each event that has it looked at: she may agree again.
pub(super) type Looks = Tries<(Uuid, ImageId)>;

/// Of a picture that is nobody's.
struct Nobodys;

#[async_trait]
impl Consent for Nobodys {
    async fn holds(&self) -> bool {
        true
    }
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
    let looks = Arc::new(Looks::default());
    sole_reader::run(pool, name, feed, slices, |slice| {
        let (search, finder, looks) = (search.clone(), Arc::clone(&finder), Arc::clone(&looks));
        async move { search.look_all(&*finder, slice, &looks).await }
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
        looks: &Looks,
    ) -> Attempt {
        for event in slice {
            let opened = match self.opened(event).await {
                Ok(opened) => opened,
                Err(attempt) => return attempt,
            };
            let event = opened.recorded.event_id;
            let looked = match self.wanted_by(&opened.event).await {
                Ok(wanted) => self.look_at_all(finder, event, wanted, looks).await,
                Err(why) => Err(why),
            };
            if let Err(why) = looked {
                tracing::warn!(%why, "faces are looked for later");
                return Attempt::TryAgain;
            }
        }
        looks.forget();
        Attempt::Done
    }

    /// The pictures that are to be looked at after this fact, all of one member; what it ends is forgotten first.
    async fn wanted_by(&self, event: &Event) -> Result<Vec<(UserId, ImageId)>, String> {
        if self.forget_after(event).await? {
            return Ok(vec![]);
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
            | Event::HashCase(_) => return Ok(vec![]),
        };
        let member = answered(self.store.load::<User>(owner.0).await)?;
        if !member.is_some_and(|member| member.agrees_to(Purpose::FaceSearch)) {
            return Ok(vec![]);
        }
        // Where her library cannot be read, whoever reads it stops there and says so.
        let library = answered(self.store.load::<Library>(owner.0).await)?;
        let active = library.iter().flat_map(Library::active);
        let wanted = active.filter(|image| only.is_none_or(|only| only == *image));
        Ok(wanted.map(|image| (owner, image)).collect())
    }

    /// Looks at one after the other, and says what there is to wait for. What fails of itself keeps none of the others waiting,
    /// and is left behind in the end; an outage stops it.
    async fn look_at_all(
        &self,
        finder: &dyn FaceEmbedder,
        event: Uuid,
        wanted: Vec<(UserId, ImageId)>,
        looks: &Looks,
    ) -> Result<(), String> {
        let mut ended = Ok(());
        for (owner, image) in wanted {
            let look = (event, image);
            if looks.are_over(&look) {
                continue;
            }
            let shown = looks.are_doubted(&look);
            if shown && !works(finder).await {
                return Err("the model does not work".to_owned());
            }
            match self.look_at(finder, owner, image).await {
                Ok(()) => looks.end(look),
                Err(Obstacle::Yet(why)) => return Err(why),
                Err(Obstacle::Doubtful(why)) if looks.fail(look, shown) => {
                    tracing::warn!(%why, "a picture is left without a look for her face");
                }
                Err(Obstacle::Doubtful(why)) if !finder.is_available() => return Err(why),
                Err(Obstacle::Doubtful(why)) => ended = Err(why),
            }
        }
        ended
    }

    async fn look_at(
        &self,
        finder: &dyn FaceEmbedder,
        owner: UserId,
        image: ImageId,
    ) -> Result<(), Obstacle> {
        let consent = Agreement {
            store: &self.store,
            owner,
            image,
        };
        let known = self.faces.get(owner, image, finder.model()).await;
        if known.map_err(unkept)?.is_some() {
            return Ok(());
        }
        let copy = (owner, image, Form::Working);
        let jpeg = bytes_of(copy, &self.objects, &self.store).await?;
        // Our own copy: its header is read here, its pixels are not.
        let size = pictures::copy_size(&jpeg);
        let size = size.map_err(|fault| Obstacle::Doubtful(fault.to_string()))?;
        let faces = match finder.faces(jpeg.into(), &consent).await {
            Ok(faces) => faces,
            Err(NotSearched::NotAllowed) => {
                return match consent.asked().await.map_err(Obstacle::Yet)? {
                    false => Ok(()),
                    true => Err(Obstacle::Yet("her consent could not be asked".into())),
                };
            }
            Err(NotSearched::Failed(error)) if error.fault == ProviderFault::InvalidImage => {
                tracing::warn!(detail = %error.detail, "a picture could not be looked at for her face");
                return Ok(());
            }
            Err(NotSearched::Failed(error)) => return Err(Obstacle::Doubtful(error.to_string())),
        };
        let seen: Vec<FaceSeen> = faces.iter().map(|face| face.seen).collect();
        let hers = her_face(size, &seen).and_then(|place| faces.get(place));
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
    ) -> Result<(), Obstacle> {
        match self.faces.put(owner, image, model, &face.vector).await {
            // She withdrew or was erased, or the picture went, while the model worked: then it is not kept.
            Ok(_) | Err(FacesFault::Key(KeyError::Erased(_))) => Ok(()),
            Err(fault) => Err(unkept(fault)),
        }
    }
}

/// Whether the model looks at a picture of nobody's now.
async fn works(finder: &dyn FaceEmbedder) -> bool {
    let taking = || pictures::take_in(&nobodys_png()?).ok();
    match tokio::task::spawn_blocking(taking).await {
        Ok(Some(taken)) => finder.faces(taken.working.into(), &Nobodys).await.is_ok(),
        Ok(None) | Err(_) => false,
    }
}

fn unkept(fault: FacesFault) -> Obstacle {
    match fault {
        FacesFault::Unreachable(fault) => Obstacle::Yet(fault.to_string()),
        FacesFault::Key(fault @ KeyError::Unreachable(_)) => Obstacle::Yet(fault.to_string()),
        FacesFault::Key(fault) => Obstacle::Doubtful(fault.to_string()),
    }
}
