//! Every picture gets a vector of today's model: those of before it came, and those that came while it was away.
//!
//! A reader of the log with the model in its name, kept by one process at a time: a new model begins at the first picture,
//! a restart goes on where it stopped, and a picture that has its vector is passed by.

use crate::obstacles::{Obstacle, Tries, bytes_of, nobodys_png};
use domain::Event;
use domain::ids::{ImageId, UserId, named};
use domain::image::{EmbedImage, Embedding, ImageCommand, ImageEvent, Library, Vector};
use eventstore::feed::Feed;
use eventstore::objects::{Form, Objects};
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{ExecuteError, ReadFault, Recorded, Store, Why, edge};
use futures::future::join_all;
use futures::{StreamExt, stream};
use pictures::{Embedder, NotEmbedded, NotTaken, Picture, TakeIn};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Pictures of one slice: a full run of a model.
const AT_ONCE: usize = 8;
/// Pictures of them that are decoded at once; each takes a process of its own.
const DECODED_AT_ONCE: usize = 2;
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
    /// Something is in the way.
    For(Obstacle),
}

impl From<Obstacle> for Without {
    fn from(obstacle: Obstacle) -> Self {
        Self::For(obstacle)
    }
}

fn yet(fault: impl ToString) -> Without {
    Obstacle::Yet(fault.to_string()).into()
}

fn doubtful(fault: impl ToString) -> Without {
    Obstacle::Doubtful(fault.to_string()).into()
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
    let tries = Arc::new(Tries::default());
    sole_reader::run(pool, name, feed, slices, |slice| {
        let (worker, tries) = (worker.clone(), Arc::clone(&tries));
        async move { worker.embed_all(slice, &tries).await }
    })
    .await;
}

impl Vectors {
    /// A slice of uploads: decoded two at a time, embedded together, recorded one by one.
    pub(crate) async fn embed_all(&self, mut slice: Vec<Recorded>, tries: &Tries<Uuid>) -> Attempt {
        slice.retain(|event| !tries.are_over(&event.event_id));
        let events: Vec<Uuid> = slice.iter().map(|event| event.event_id).collect();
        let shown = events.iter().any(|event| tries.are_doubted(event));
        if shown && !self.works().await {
            return self.later("the model does not work");
        }
        let prepared = stream::iter(slice).map(|event| self.prepared(event));
        let prepared: Vec<_> = prepared.buffered(DECODED_AT_ONCE).collect().await;
        let embedded = prepared.into_iter().map(|prepared| async move {
            let (picture, square) = prepared?;
            Ok((picture, self.vector(square).await?))
        });
        let (mut made, mut obstacles) = (0, Vec::new());
        // One after the other: they may be pictures of one library, whose stream takes one change at a time.
        for (event, embedded) in events.into_iter().zip(join_all(embedded).await) {
            let ended = match embedded {
                Ok((picture, vector)) => self.record(picture, vector).await,
                Err(without) => Err(without),
            };
            match ended {
                Ok(()) => made += 1,
                Err(Without::Settled) => {}
                Err(Without::For(obstacle)) => obstacles.push((event, obstacle)),
            }
        }
        if made > 0 {
            tracing::info!(
                model = self.embedder.model(),
                made,
                "pictures got a vector of this model"
            );
        }
        match in_the_way(obstacles, |event| tries.fail(event, shown)) {
            Some(why) => self.later(&why),
            None => {
                tries.forget();
                Attempt::Done
            }
        }
    }

    fn later(&self, why: &str) -> Attempt {
        tracing::warn!(model = self.embedder.model(), why, "vectors are made later");
        Attempt::TryAgain
    }

    /// Whether a picture of nobody's gets a vector now, decoded as hers are.
    async fn works(&self) -> bool {
        let Some(png) = nobodys_png() else {
            return false;
        };
        match self.intake.take_in(Arc::new(png)).await {
            Ok(taken) => {
                let numbers = self.embedder.embed(taken.picture_for_vector).await;
                numbers.is_ok_and(|numbers| Vector::try_new(&numbers).is_ok())
            }
            Err(_) => false,
        }
    }

    /// The square of an uploaded picture that needs a vector, made of the original as at its upload.
    async fn prepared(&self, event: Recorded) -> Result<(Unembedded, Picture), Without> {
        let picture = self.needs_one(event).await?;
        let original = (picture.owner, picture.image, Form::Original);
        let original = bytes_of(original, &self.objects, &self.store).await?;
        match self.intake.take_in(Arc::new(original)).await {
            Ok(taken) => Ok((picture, taken.picture_for_vector)),
            // It was taken in once, so this is ours to look at; but it keeps nobody else waiting.
            Err(NotTaken::Unfit(_) | NotTaken::Broke) => {
                Err(doubtful("a picture could not be decoded again"))
            }
            Err(fault @ (NotTaken::Busy | NotTaken::Unavailable)) => Err(yet(fault)),
        }
    }

    async fn needs_one(&self, event: Recorded) -> Result<Unembedded, Without> {
        let opened = match event.open(self.store.vault()).await {
            Ok(opened) => opened,
            // Whoever reads her library stops there and says so.
            Err(ReadFault::Unreadable { .. }) => return Err(Without::Settled),
            Err(fault) => return Err(yet(fault)),
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
            ) => return Err(yet(fault)),
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
            Ok(numbers) => Vector::try_new(&numbers).map_err(doubtful),
            Err(NotEmbedded::GiveUp(why)) => {
                tracing::warn!(%why, "a picture stays without a vector of this model");
                Err(Without::Settled)
            }
            Err(NotEmbedded::TryAgain(why)) => Err(doubtful(why)),
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
            Err(ExecuteError::Broken(why)) => Err(doubtful(why)),
            Err(fault @ (ExecuteError::Conflict | ExecuteError::Unreachable(_))) => Err(yet(fault)),
        }
    }
}

/// What a slice waits for; a picture that failed too often is left behind instead.
fn in_the_way(
    obstacles: Vec<(Uuid, Obstacle)>,
    is_left_behind: impl Fn(Uuid) -> bool,
) -> Option<String> {
    let mut in_the_way = None;
    for (event, obstacle) in obstacles {
        match obstacle {
            Obstacle::Doubtful(why) if is_left_behind(event) => {
                tracing::warn!(%why, "a picture stays without a vector of this model");
            }
            Obstacle::Yet(why) | Obstacle::Doubtful(why) => in_the_way = Some(why),
        }
    }
    in_the_way
}
