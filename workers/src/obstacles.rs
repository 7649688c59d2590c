//! What is in the way of a picture that a model is to look at, and when it is left behind.
//!
//! An outage is waited for, however long it takes and whatever it is that is away. Left behind, so that it keeps nobody else
//! waiting for ever, is only what fails again and again right after the model was shown to work with a picture of nobody's:
//! right after, because a picture may also be what brings a model down, or keeps it busy beyond its time.

use domain::ids::{ImageId, UserId};
use eventstore::Store;
use eventstore::objects::{Form, ObjectFault, Objects};
use pictures::{Picture, clip};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tries of a picture, each when its model was just shown to work, before it is left behind.
const TRIES: u32 = 5;

/// Why a picture could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Something is in the way that may pass.
    Yet(String),
    /// It may be the picture's own doing.
    Doubtful(String),
}

/// The bytes of a picture that should be there.
pub(crate) async fn bytes_of(
    (owner, image, form): (UserId, ImageId, Form),
    objects: &Objects,
    store: &Store,
) -> Result<Vec<u8>, Obstacle> {
    let fault = match objects.get(owner, image, form).await {
        Ok(bytes) => return Ok(bytes),
        Err(fault) => fault,
    };
    if fault.is_an_outage() {
        return Err(Obstacle::Yet(fault.to_string()));
    }
    // Where nothing is mounted, or another bucket is set, nothing is there.
    if matches!(fault, ObjectFault::Missing) {
        match objects.are_in_place(store.database()).await {
            Ok(true) => {}
            Ok(false) => return Err(Obstacle::Yet("the pictures are not in their place".into())),
            Err(fault) => return Err(Obstacle::Yet(fault.to_string())),
        }
    }
    Err(Obstacle::Doubtful(fault.to_string()))
}

/// How often pictures failed of themselves, from one try of a slice to the next, by a name for each picture. In memory: after a
/// restart they are counted anew.
#[derive(Debug)]
pub(crate) struct Tries<N>(Mutex<BTreeMap<N, u32>>);

impl<N> Default for Tries<N> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<N: Ord> Tries<N> {
    /// Whether it failed, so that the model must be shown to work before it is tried again.
    pub fn are_doubted(&self, picture: &N) -> bool {
        self.failed().get(picture).is_some_and(|n| *n < TRIES)
    }

    /// Whether it is done, or left behind.
    pub fn are_over(&self, picture: &N) -> bool {
        self.failed().get(picture).is_some_and(|n| *n >= TRIES)
    }

    /// It is done.
    pub fn end(&self, picture: N) {
        self.failed().insert(picture, TRIES);
    }

    /// It failed, which counts where the model was shown to work before; whether it is left behind from now on.
    pub fn fail(&self, picture: N, counts: bool) -> bool {
        let mut failed = self.failed();
        let tries = failed.entry(picture).or_default();
        *tries += u32::from(counts);
        *tries >= TRIES
    }

    /// The slice is done.
    pub fn forget(&self) {
        self.failed().clear();
    }

    fn failed(&self) -> MutexGuard<'_, BTreeMap<N, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody's picture, with every shade in it, by which a model is warmed and shown to work.
pub(crate) fn nobodys_picture() -> Option<Picture> {
    let shade = |n: u32| [n % 256, n / 256, 128].map(|value| value.to_le_bytes()[0]);
    Picture::from_rgb(256, 256, (0..256 * 256).flat_map(shade).collect())
}

/// The same as a file.
pub(crate) fn nobodys_png() -> Option<Vec<u8>> {
    clip::square_as_png(&nobodys_picture()?)
}
