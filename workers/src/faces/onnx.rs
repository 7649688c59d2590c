//! Faces by two ONNX files in this process: nothing leaves the machine, and her consent is asked all the same, because what
//! is made of her picture is biometric.

use crate::providers::{Consent, Face, FaceEmbedder, NotSearched, ProviderError};
use async_trait::async_trait;
use bytes::Bytes;
use domain::Share;
use domain::image::FaceSeen;
use domain::scan::ProviderFault;
use pictures::faces::{EmbeddedFace, FaceFault, FaceModels};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pictures that are looked at at once; the models keep every processor busy with one.
const AT_ONCE: usize = 1;

/// The models, which were loaded and so have run once already.
#[derive(Debug)]
pub struct OnnxFaces {
    models: Arc<FaceModels>,
    places: Arc<Semaphore>,
}

impl OnnxFaces {
    /// Of two loaded models.
    #[must_use]
    pub fn new(models: FaceModels) -> Self {
        Self {
            models: Arc::new(models),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

#[async_trait]
impl FaceEmbedder for OnnxFaces {
    fn model(&self) -> &str {
        self.models.name()
    }

    fn is_available(&self) -> bool {
        true
    }

    async fn faces(&self, jpeg: Bytes, consent: &dyn Consent) -> Result<Vec<Face>, NotSearched> {
        let broke = |_| ProviderError::passing(ProviderFault::ProviderError, "the look broke off");
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place =
            place.map_err(|_| ProviderError::passing(ProviderFault::ProviderError, "no place"))?;
        if !consent.holds().await {
            return Err(NotSearched::NotAllowed);
        }
        let models = Arc::clone(&self.models);
        let looking = tokio::task::spawn_blocking(move || {
            let _place = place;
            look(&models, &jpeg)
        });
        Ok(looking.await.map_err(broke)??)
    }
}

/// The working copy is of our own making, so it may be decoded in this process.
fn look(models: &FaceModels, jpeg: &[u8]) -> Result<Vec<Face>, ProviderError> {
    let unreadable =
        |_| ProviderError::lasting(ProviderFault::InvalidImage, "the picture does not decode");
    let picture = pictures::decode_copy(jpeg).map_err(unreadable)?;
    let faces = models.faces(&picture).map_err(|fault| failed(&fault))?;
    faces.into_iter().map(face).collect()
}

fn failed(fault: &FaceFault) -> ProviderError {
    let kind = match fault {
        FaceFault::NoVector(_) => ProviderFault::InvalidImage,
        FaceFault::Unopened(_)
        | FaceFault::Rejected(_)
        | FaceFault::WrongShape { .. }
        | FaceFault::Failed(_) => ProviderFault::ProviderError,
    };
    ProviderError::lasting(kind, fault.to_string())
}

fn face(face: EmbeddedFace) -> Result<Face, ProviderError> {
    let no_share = |_| ProviderError::lasting(ProviderFault::ProviderError, "a score is no share");
    let confidence = Share::try_from_unit(f64::from(face.found.score)).map_err(no_share)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a box of a picture; casts of floats keep to the range"
    )]
    let pixels = |side: f32| side as u32;
    Ok(Face {
        seen: FaceSeen {
            confidence,
            width: pixels(face.found.size.0),
            height: pixels(face.found.size.1),
        },
        vector: face.vector,
    })
}
