//! DeepFace's API server, run by the operator in a network of his own: faces, and a vector for each.
//!
//! One call (`/represent`) both sees faces and embeds them, so a picture leaves once. It is sent as a data URI and never as
//! an address or a path, which the server would open; its own database (`/register`, `/search`) and what it says of age,
//! gender, race and mood (`/analyze`) are never asked.

use super::model_host::{HostSettings, ModelHost, NoModelHost, malformed};
use super::patience::{Failed, Repeat};
use super::{Consent, Face, FaceEmbedder, NotSearched, ProviderError};
use crate::obstacles::nobodys_png;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::Share;
use domain::image::FaceSeen;
use domain::scan::ProviderFault;
use pictures::unit_length;
use serde::Deserialize;
use std::sync::Arc;

/// Model and detector that are asked for, and the version of how: a change here is a change of the vector space.
const MODEL: &str = "deepface:ArcFace/retinaface/f1";
/// Most faces of one picture that are read; a crowd beyond that is cut by the server.
const FACES_MAX: usize = 64;
/// What the server says, under status 400 like everything else, where it sees no face. There is no code for it.
const NO_FACE: &str = "Face could not be detected";

/// The adapter. It holds no picture and no face beyond the call.
#[derive(Debug)]
pub struct DeepFace {
    host: ModelHost,
}

impl DeepFace {
    /// Makes the adapter. No call is made yet.
    ///
    /// # Errors
    /// [`NoModelHost`], for the operator to read.
    pub fn new(settings: HostSettings) -> Result<Self, NoModelHost> {
        let host = ModelHost::new(settings, "")?;
        Ok(Self { host })
    }

    /// Looks after the server until the process ends: asks whether it is well, and has it load its models before a picture
    /// of hers needs them.
    pub async fn keep_warm(self: Arc<Self>) {
        loop {
            if self.host.is_well().await
                && !self.host.is_warm()
                && let Some(png) = nobodys_png()
                && let Err(fault) = self.ask("image/png", &png, None).await
            {
                tracing::warn!(model = MODEL, %fault, "the face server does not work yet");
            }
            tokio::time::sleep(self.host.trusted_for()).await;
        }
    }

    async fn ask(
        &self,
        kind: &str,
        picture: &[u8],
        consent: Option<&dyn Consent>,
    ) -> Result<Option<Vec<Face>>, ProviderError> {
        let json = serde_json::json!({
            "img": format!("data:{kind};base64,{}", STANDARD.encode(picture)),
            "model_name": "ArcFace",
            "detector_backend": "retinaface",
            // Said as JSON: in a form the text "false" would count as true.
            "enforce_detection": true,
            "align": true,
            "anti_spoofing": false,
            "max_faces": FACES_MAX,
        });
        let body = Bytes::from(json.to_string());
        self.host.ask("represent", body, consent, read).await
    }
}

#[async_trait]
impl FaceEmbedder for DeepFace {
    fn model(&self) -> &str {
        MODEL
    }

    fn is_available(&self) -> bool {
        self.host.is_available()
    }

    async fn faces(&self, jpeg: Bytes, consent: &dyn Consent) -> Result<Vec<Face>, NotSearched> {
        let faces = self.ask("image/jpeg", &jpeg, Some(consent)).await?;
        faces.ok_or(NotSearched::NotAllowed)
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
struct Found {
    embedding: Vec<f64>,
    facial_area: Area,
    face_confidence: Option<f64>,
}

#[derive(Deserialize)]
struct Area {
    w: f64,
    h: f64,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    exception: Option<String>,
}

fn read(status: u16, body: &[u8]) -> Result<Vec<Face>, Failed> {
    if status != 200 {
        return refused(status, body);
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("no JSON as agreed"))?;
    let found = answer.results.ok_or_else(|| malformed("no results"))?;
    // Without this the server's own word for "no face" is an error, so an empty list is none we know.
    if found.is_empty() {
        return Err(malformed("no face and no word of it"));
    }
    found.into_iter().take(FACES_MAX).map(face).collect()
}

/// One face that cannot be read spoils the answer: it may be hers.
fn face(found: Found) -> Result<Face, Failed> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is infinite then, and refused"
    )]
    let numbers = found
        .embedding
        .into_iter()
        .map(|number| number as f32)
        .collect();
    let confidence = found.face_confidence.unwrap_or(0.0);
    Ok(Face {
        seen: FaceSeen {
            confidence: Share::try_from_unit(confidence)
                .map_err(|_| malformed("a confidence is no share"))?,
            width: pixels(found.facial_area.w)?,
            height: pixels(found.facial_area.h)?,
        },
        vector: unit_length(numbers).map_err(|fault| malformed(&fault.to_string()))?,
    })
}

fn pixels(side: f64) -> Result<u32, Failed> {
    if !(0.0..=f64::from(u32::MAX)).contains(&side) {
        return Err(malformed("a box has no size"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "just checked"
    )]
    Ok(side as u32)
}

/// The texts hold a traceback: looked through for the one phrase, never kept or shown.
fn refused(status: u16, body: &[u8]) -> Result<Vec<Face>, Failed> {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let said = |said: Option<&String>| said.is_some_and(|text| text.contains(NO_FACE));
    if refusal
        .as_ref()
        .is_some_and(|refusal| said(refusal.error.as_ref()) || said(refusal.exception.as_ref()))
    {
        return Ok(Vec::new());
    }
    let detail = format!("answered {status}");
    Err(match refusal {
        // Missing, or not to be decoded: the server judged what it was sent.
        Some(Refusal {
            exception: Some(_), ..
        }) => ProviderError::lasting(ProviderFault::InvalidImage, detail).into(),
        // Anything in inference: a server that is loading its models fails alike, so it says nothing of the picture.
        Some(_) => Failed {
            error: ProviderError::lasting(ProviderFault::ProviderError, detail),
            repeat: Repeat::Once,
        },
        // A page for people: another server, or our JSON was none.
        None => ProviderError::lasting(ProviderFault::ProviderError, detail).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(confidence: f64, w: f64, h: f64) -> Result<Vec<Face>, Failed> {
        let area =
            json!({"x": 31, "y": 40, "w": w, "h": h, "left_eye": [150, 110], "right_eye": null});
        let one = json!({"embedding": vec![0.25; 512], "facial_area": area, "face_confidence": confidence});
        read(200, json!({"results": [one]}).to_string().as_bytes())
    }

    #[test]
    fn the_whole_picture_with_confidence_zero_is_handed_on_as_it_is_and_is_nobodys_face() {
        // PIP-4
        let faces = answer(0.0, 640.0, 480.0).unwrap();
        let seen: Vec<FaceSeen> = faces.iter().map(|face| face.seen).collect();
        assert_eq!(domain::image::her_face((640, 480), &seen), None);
        assert_eq!(seen[0].width, 640);
    }

    #[test]
    fn numbers_that_make_no_sense_are_no_answer() {
        for (confidence, w, h) in [
            (1.1, 9.0, 9.0),
            (-0.1, 9.0, 9.0),
            (0.9, -1.0, 9.0),
            (0.9, 9.0, 1e10),
        ] {
            assert!(answer(confidence, w, h).is_err(), "{confidence} {w} {h}");
        }
    }

    #[test]
    fn neither_a_traceback_nor_a_vector_gets_into_a_text() {
        // PRV-3
        let body = br#"{"error":"Exception while representing: x - Traceback secret.py"}"#;
        let failed = read(400, body).unwrap_err();
        assert!(!format!("{failed:?}").contains("secret"), "{failed:?}");
        let faces = answer(0.9, 50.0, 50.0).unwrap();
        assert!(!format!("{faces:?}").contains("0.04"), "{faces:?}");
    }
}
