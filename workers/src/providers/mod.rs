//! What we need of the outside world, in our words; each vendor is spoken to in one file of its own.

pub(crate) mod body;
mod breaker;
mod clip_service;
mod deepface;
mod key;
mod model_host;
mod own_network;
mod patience;
mod tineye;

pub use clip_service::{BadSpace, ClipService, Space};
pub use deepface::DeepFace;
pub use key::ApiKey;
pub use model_host::{HostSettings, NoModelHost};
pub use patience::RetryPolicy;
pub use tineye::{NoClient, TinEye, TinEyeSettings};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Share;
use domain::image::FaceSeen;
use domain::scan::ProviderFault;
use std::time::Duration;

/// Most findings that one search yields (PIP-7).
pub const COPIES_MAX: usize = 50;

/// An engine that finds pages on which copies of a picture stand.
///
/// It returns what the engine reported, judged by nobody yet: what is a finding and what is not
/// is decided in `domain::matches`.
#[async_trait]
pub trait ImageSearch: Send + Sync {
    /// The engine's name in records, warnings and metrics, for instance `tineye`.
    fn name(&self) -> &'static str;

    /// Whether there is a key; without one every search ends in [`ProviderFault::NotConfigured`].
    fn configured(&self) -> bool;

    /// Searches for copies of a picture: its working copy, a JPEG without metadata (PIP-2).
    ///
    /// `consent` is asked right before every attempt, because she may withdraw while we wait for the next one.
    ///
    /// # Errors
    /// [`NotSearched`]; nobody may read it as "nothing found".
    async fn find_copies(
        &self,
        jpeg: Bytes,
        consent: &dyn Consent,
    ) -> Result<CopiesFound, NotSearched>;
}

/// Whether she agrees now that her picture leaves (CON-1).
#[async_trait]
pub trait Consent: Send + Sync {
    /// `false` also where it cannot be found out: then nothing leaves.
    async fn holds(&self) -> bool;
}

/// Sees the faces in a picture and gives each its vector.
#[async_trait]
pub trait FaceEmbedder: std::fmt::Debug + Send + Sync {
    /// Which detector and model, and how a picture is prepared for them: vectors of others are never compared (PIP-5).
    fn model(&self) -> &str;

    /// Whether it worked, or said that it could, when it was last asked.
    fn is_available(&self) -> bool;

    /// All faces in a picture, its working copy, a JPEG without metadata (PIP-2); empty where none is seen.
    ///
    /// `consent` is asked right before every attempt, because she may withdraw while we wait for the next one.
    ///
    /// # Errors
    /// [`NotSearched`]; nobody may read it as "no face".
    async fn faces(&self, jpeg: Bytes, consent: &dyn Consent) -> Result<Vec<Face>, NotSearched>;
}

/// A face in a picture. What else a vendor says of it (age, gender, race, mood, eyes) is not even read.
#[derive(Clone, PartialEq)]
pub struct Face {
    /// How sure the detector is, and its box in pixels.
    pub seen: FaceSeen,
    /// 512 numbers of length 1.
    pub vector: Vec<f32>,
}

impl std::fmt::Debug for Face {
    // The vector is biometric: it may end in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Face({:?})", self.seen)
    }
}

/// Why nothing was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSearched {
    /// Consent did not hold, so nothing was sent from then on.
    NotAllowed,
    /// The engine did not do it.
    Failed(ProviderError),
}

impl From<ProviderError> for NotSearched {
    fn from(error: ProviderError) -> Self {
        Self::Failed(error)
    }
}

/// What a search yielded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiesFound {
    /// Strongest first, at most [`COPIES_MAX`].
    pub copies: Vec<FoundCopy>,
    /// The engine knew more than this.
    pub truncated: bool,
    /// Results that could not be read: the search is not complete then.
    pub left_out: usize,
}

/// A page on which the engine says that a copy stands. Addresses are as reported: hostile until
/// proved otherwise, perhaps broken, perhaps empty; the caller discards such a one alone (PIP-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCopy {
    /// The engine's own score; scores of different engines cannot be compared.
    pub score: Share,
    /// Share of her picture that was found again, where the engine says it.
    pub query_share: Option<Share>,
    /// Address of the page; empty when the engine names none, to be counted as a bad address.
    pub page: String,
    /// Address of the picture itself on that page's side, if known.
    pub picture: Option<String>,
    /// Tagged as a stock photograph (MAT-11).
    pub stock: bool,
}

/// What an engine did wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault:?}: {detail}")]
pub struct ProviderError {
    /// What was wrong (PRV-5).
    pub fault: ProviderFault,
    /// Whether the same call may be made again later.
    pub retry: Retry,
    /// For operators: a status and a class of error. Never an address, a key or any part of a body.
    pub detail: String,
}

/// Whether a call that failed is worth repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes; not before this time has passed, where the engine or the circuit breaker said so.
    TryAgain {
        /// How long to leave the engine alone.
        after: Option<Duration>,
    },
    /// No; the answer would be the same.
    GiveUp,
}

impl ProviderError {
    pub(crate) fn passing(fault: ProviderFault, detail: impl Into<String>) -> Self {
        Self {
            fault,
            retry: Retry::TryAgain { after: None },
            detail: detail.into(),
        }
    }

    pub(crate) fn lasting(fault: ProviderFault, detail: impl Into<String>) -> Self {
        Self {
            fault,
            retry: Retry::GiveUp,
            detail: detail.into(),
        }
    }
}
