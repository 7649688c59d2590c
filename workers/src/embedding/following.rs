//! Every picture gets a vector of today's model: those of before it came, and those that came while it was away.
//!
//! A reader of the log with the model in its name, kept by one process at a time: a new model begins at the first picture,
//! a restart goes on where it stopped, and a picture that has its vector is passed by.

use domain::Event;
use domain::ids::{ImageId, UserId, named};
use domain::image::{EmbedImage, Embedding, ImageCommand, ImageEvent, Library, Vector};
use eventstore::feed::Feed;
use eventstore::objects::{Form, ObjectFault, Objects};
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{ExecuteError, ReadFault, Recorded, Store, Why, edge};
use futures::future::join_all;
use futures::{StreamExt, stream};
use pictures::{Embedder, NotEmbedded, NotTaken, Picture, TakeIn};
use std::sync::Arc;
use std::time::Duration;

/// Pictures of one slice: a full run of a model.
const AT_ONCE: usize = 8;
/// Pictures of them that are decoded at once; each takes a process of its own.
const DECODED_AT_ONCE: usize = 2;
/// Tries of a slice before a picture that cannot be embedded is left without a vector; only while others can be.
const TRIES: u32 = 5;
/// Tries of a vector whose library moves on meanwhile, beside those of the store.
const COLLISIONS_MAX: u32 = 5;
/// The wait before the first of them.
const COLLIDED: Duration = Duration::from_millis(50);
/// Who acts, in the record.
const ACTOR: &str = "worker:vectors";

/// How the readers are called: this, then the model.
pub const READERS: &str = "vectors ";

/// What the worker needs.
#[derive(Debug, Clone)]
pub struct Vectors {
    /// Where commands go.
    pub store: Store,
    /// Where pictures lie.
    pub objects: Objects,
    /// Who decodes them, away from this process.
    pub intake: Arc<dyn TakeIn>,
    /// Who makes vectors.
    pub embedder: Arc<dyn Embedder>,
}

/// One picture without a vector of today's model.
struct Unembedded {
    owner: UserId,
    image: ImageId,
    why: Why,
}

/// Why a picture has no vector after a try.
enum Without {
    /// It has one, or it is gone, or there never will be one.
    Settled,
    /// Something is in the way that may pass.
    Yet(String),
    /// It may be the picture's own doing.
    Doubtful(String),
}

/// Gives vectors until the process ends.
pub async fn run(worker: Vectors, feed: Feed) {
    let slices = Slices {
        wanted: |event| {
            event.noun == "image"
                && ["ImageUploaded", "ImageRestored"].contains(&event.event_type.as_str())
        },
        at_once: AT_ONCE,
    };
    let (pool, name) = (
        worker.store.database().clone(),
        format!("{READERS}{}", worker.embedder.model()),
    );
    sole_reader::run(pool, name, feed, slices, |slice, tried| {
        let worker = worker.clone();
        async move { worker.embed_all(slice, tried).await }
    })
    .await;
}

impl Vectors {
    /// A slice of uploads: decoded two at a time, embedded together, recorded one by one.
    pub(crate) async fn embed_all(&self, slice: Vec<Recorded>, tried: u32) -> Attempt {
        let prepared = stream::iter(slice).map(|event| self.prepared(event));
        let prepared: Vec<_> = prepared.buffered(DECODED_AT_ONCE).collect().await;
        let embedded = prepared.into_iter().map(|prepared| async move {
            let (picture, square) = prepared?;
            Ok((picture, self.vector(square).await?))
        });
        let mut ended = Vec::new();
        // One after the other: they may be pictures of one library, whose stream takes one change at a time.
        for embedded in join_all(embedded).await {
            ended.push(match embedded {
                Ok((picture, vector)) => self.record(picture, vector).await,
                Err(without) => Err(without),
            });
        }
        let made = ended.iter().filter(|ended| ended.is_ok()).count();
        if made > 0 {
            tracing::info!(
                model = self.embedder.model(),
                made,
                "pictures got a vector of this model"
            );
        }
        // Unavailable for every picture is no reason to leave one behind; five times for this one alone is.
        let patient = tried + 1 < TRIES || !self.embedder.is_available();
        let in_the_way =
            ended
                .into_iter()
                .filter_map(Result::err)
                .find_map(|without| match without {
                    Without::Settled => None,
                    Without::Yet(why) => Some(why),
                    Without::Doubtful(why) if patient => Some(why),
                    Without::Doubtful(why) => {
                        tracing::warn!(%why, "a picture stays without a vector of this model");
                        None
                    }
                });
        match in_the_way {
            None => Attempt::Done,
            Some(why) => {
                tracing::warn!(model = self.embedder.model(), %why, "vectors are made later");
                Attempt::TryAgain
            }
        }
    }

    /// The square of an uploaded picture that needs a vector, made of the original as at its upload.
    async fn prepared(&self, event: Recorded) -> Result<(Unembedded, Picture), Without> {
        let picture = self.needs_one(event).await?;
        let original = self
            .objects
            .find(picture.owner, picture.image, Form::Original);
        let original = original.await.map_err(unread)?;
        // She has it, so it should be there; it is not where a folder was not mounted.
        let original =
            original.ok_or_else(|| Without::Doubtful("an original is not there".to_owned()))?;
        match self.intake.take_in(Arc::new(original)).await {
            Ok(taken) => Ok((picture, taken.picture_for_vector)),
            // It was taken in once, so this is ours to look at; but it keeps nobody else waiting.
            Err(NotTaken::Unfit(_) | NotTaken::Broke) => Err(Without::Doubtful(
                "a picture could not be decoded again".to_owned(),
            )),
            Err(fault @ (NotTaken::Busy | NotTaken::Unavailable)) => {
                Err(Without::Yet(fault.to_string()))
            }
        }
    }

    async fn needs_one(&self, event: Recorded) -> Result<Unembedded, Without> {
        let opened = match event.open(self.store.vault()).await {
            Ok(opened) => opened,
            // Whoever reads her library stops there and says so.
            Err(ReadFault::Unreadable { .. }) => return Err(Without::Settled),
            Err(fault) => return Err(Without::Yet(fault.to_string())),
        };
        let Event::Image(
            ImageEvent::ImageUploaded {
                owner,
                image_id: image,
                ..
            }
            | ImageEvent::ImageRestored {
                owner,
                image_id: image,
                ..
            },
        ) = opened.event
        else {
            return Err(Without::Settled);
        };
        let library = match self.store.load::<Library>(owner.0).await {
            Ok(library) => library,
            Err(ExecuteError::Broken(_)) => return Err(Without::Settled),
            Err(
                fault @ (ExecuteError::Refused(_)
                | ExecuteError::Conflict
                | ExecuteError::Unreachable(_)),
            ) => {
                return Err(Without::Yet(fault.to_string()));
            }
        };
        if !library.holds(image) || library.has_vector(image, self.embedder.model()) {
            return Err(Without::Settled);
        }
        let (cause, model) = (opened.recorded.event_id, self.embedder.model());
        let command = named("embed", &[&image.to_string(), model]);
        Ok(Unembedded {
            owner,
            image,
            why: opened.why.following(cause, ACTOR, command),
        })
    }

    async fn vector(&self, square: Picture) -> Result<Vector, Without> {
        match self.embedder.embed(square).await {
            Ok(numbers) => {
                Vector::try_new(&numbers).map_err(|fault| Without::Doubtful(fault.to_string()))
            }
            Err(NotEmbedded::GiveUp(why)) => {
                tracing::warn!(%why, "a picture stays without a vector of this model");
                Err(Without::Settled)
            }
            Err(NotEmbedded::TryAgain(why)) => Err(Without::Doubtful(why)),
        }
    }

    async fn record(&self, picture: Unembedded, vector: Vector) -> Result<(), Without> {
        let embed = EmbedImage {
            owner: picture.owner,
            image_id: picture.image,
            embedding: Embedding {
                model: self.embedder.model().to_owned(),
                vector,
            },
            embedded_at: edge::now(),
        };
        let command = ImageCommand::Embed(Box::new(embed));
        let Unembedded { owner, why, .. } = picture;
        let mut collided = 0;
        let done = loop {
            let done = self
                .store
                .execute::<Library>(owner.0, command.clone(), why.clone());
            match done.await {
                // She changes her library just now: a slice is not thrown back for that.
                Err(ExecuteError::Conflict) if collided < COLLISIONS_MAX => {
                    collided += 1;
                    tokio::time::sleep(edge::backoff(collided, COLLIDED, COLLIDED * 8)).await;
                }
                done => break done,
            }
        };
        match done {
            Ok(_) => Ok(()),
            // Archived, or erased, meanwhile.
            Err(ExecuteError::Refused(_)) => Err(Without::Settled),
            // Her key is gone, so nothing can be sealed for her any more; or it is ours to look at.
            Err(ExecuteError::Broken(why)) => Err(Without::Doubtful(why)),
            Err(fault @ (ExecuteError::Conflict | ExecuteError::Unreachable(_))) => {
                Err(Without::Yet(fault.to_string()))
            }
        }
    }
}

fn unread(fault: ObjectFault) -> Without {
    if fault.is_an_outage() {
        return Without::Yet(fault.to_string());
    }
    Without::Doubtful(fault.to_string())
}
