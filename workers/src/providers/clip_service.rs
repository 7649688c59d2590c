//! A service of the operator's own that turns pictures into CLIP vectors (sentence-transformers, `clip-ViT-B-32`).
//!
//! It is sent bytes, never an address that it would fetch: the square of 224 x 224 pixels that the model looks at, as a PNG
//! without metadata, and nothing else of the picture.

use super::ProviderError;
use super::model_host::{HostSettings, ModelHost, NoModelHost, malformed};
use super::patience::Failed;
use crate::obstacles::nobodys_picture;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::scan::ProviderFault;
use pictures::{Embedder, NotEmbedded, Picture, clip, unit_length};
use serde::Deserialize;
use std::sync::Arc;

/// Version of the way from a picture to what the service is sent ([`clip::square_as_png`]). A change here is a change of
/// the vector space.
const PREPARATION: &str = "s2";

/// Longest name of a space.
const NAME_CHARACTERS_MAX: usize = 64;

/// Which model in which version a service runs, as its operator says: the answers do not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space(String);

/// A text that names no model and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a model is named with its version, as clip-ViT-B-32@2: up to 64 letters, digits and . _ - @"
)]
pub struct BadSpace;

impl Space {
    /// Reads a name such as `clip-ViT-B-32@2`.
    ///
    /// # Errors
    /// [`BadSpace`].
    pub fn parse(text: &str) -> Result<Self, BadSpace> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let versioned = text
            .split_once('@')
            .is_some_and(|(model, version)| !model.is_empty() && !version.is_empty());
        if !versioned || text.len() > NAME_CHARACTERS_MAX || !text.chars().all(is_fit) {
            return Err(BadSpace);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The adapter.
#[derive(Debug)]
pub struct ClipService {
    host: ModelHost,
    model: String,
}

impl ClipService {
    /// Makes the adapter. No call is made yet.
    ///
    /// # Errors
    /// [`NoModelHost`], for the operator to read.
    pub fn new(settings: HostSettings, space: &Space) -> Result<Self, NoModelHost> {
        Ok(Self {
            host: ModelHost::new(settings, "api/v1/health")?,
            model: format!("service:{}/{PREPARATION}", space.0),
        })
    }

    /// Looks after the service until the process ends: asks whether it is well, and has it load its model before a
    /// picture of hers needs it.
    pub async fn keep_warm(self: Arc<Self>) {
        loop {
            if self.host.is_well().await
                && !self.host.is_warm()
                && let Some(plain) = nobodys_picture()
                && let Err(fault) = self.ask(&plain).await
            {
                tracing::warn!(model = self.model, %fault, "the embedding service does not work yet");
            }
            tokio::time::sleep(self.host.trusted_for()).await;
        }
    }

    async fn ask(&self, picture: &Picture) -> Result<Vec<f32>, ProviderError> {
        let unsendable = |what: &str| ProviderError::lasting(ProviderFault::InvalidImage, what);
        let png = clip::square_as_png(picture).ok_or_else(|| unsendable("no square"))?;
        let json = serde_json::json!({ "image_base64": STANDARD.encode(png) }).to_string();
        let answer = self
            .host
            .ask("api/v1/clip/embed", Bytes::from(json), None, read);
        // Nobody's consent is asked, so there is an answer.
        answer.await?.ok_or_else(|| unsendable("not asked"))
    }
}

#[async_trait]
impl Embedder for ClipService {
    fn model(&self) -> &str {
        &self.model
    }

    fn is_available(&self) -> bool {
        self.host.is_available()
    }

    async fn embed(&self, seen: Picture) -> Result<Vec<f32>, NotEmbedded> {
        self.ask(&seen).await.map_err(|error| not_embedded(&error))
    }
}

/// Only what the service says about the picture itself is final: with another token, or after a repair, the same
/// picture has a vector.
fn not_embedded(error: &ProviderError) -> NotEmbedded {
    if error.fault == ProviderFault::InvalidImage {
        NotEmbedded::GiveUp(error.to_string())
    } else {
        NotEmbedded::TryAgain(error.to_string())
    }
}

#[derive(Deserialize)]
struct Answer {
    success: Option<bool>,
    embedding: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
}

/// Vectors come as they leave the model, not of length 1.
fn read(status: u16, body: &[u8]) -> Result<Vec<f32>, Failed> {
    if status != 200 {
        return Err(refused(status, body).into());
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("no JSON as agreed"))?;
    if answer.success == Some(false) {
        return Err(malformed("no success under status 200"));
    }
    let numbers = answer.embedding.ok_or_else(|| malformed("no embedding"))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is infinite then, and refused"
    )]
    let numbers = numbers.into_iter().map(|number| number as f32).collect();
    unit_length(numbers).map_err(|fault| malformed(&fault.to_string()))
}

fn refused(status: u16, body: &[u8]) -> ProviderError {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let code = refusal.and_then(|refusal| refusal.error?.code);
    // Known words only: the text of an error may hold anything.
    let (fault, word) = match code.as_deref() {
        Some("INVALID_IMAGE") => (ProviderFault::InvalidImage, "INVALID_IMAGE"),
        Some("CLIP_ERROR") => (ProviderFault::ProviderError, "CLIP_ERROR"),
        Some("INTERNAL_ERROR") => (ProviderFault::ProviderError, "INTERNAL_ERROR"),
        _ => (ProviderFault::ProviderError, "no known code"),
    };
    ProviderError::lasting(fault, format!("answered {status}, {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_a_model_and_its_version() {
        // PIP-5
        for good in ["clip-ViT-B-32@2", "openai_clip@2024.1", "a@1"] {
            assert!(Space::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@1", "a".repeat(63));
        for bad in [
            "", "clip", "@1", "clip@", "a b@1", "a/b@1", "é@1", "a\n@1", &long,
        ] {
            assert_eq!(Space::parse(bad), Err(BadSpace), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said_without_a_word_of_it() {
        // PRV-3, AUD-5
        let bodies: [(u16, &[u8]); 4] = [
            (200, br#"{"embedding":"secret"}"#),
            (200, br#"{"success":false,"error":"secret"}"#),
            (400, br#"{"error":{"code":"secret","message":"secret"}}"#),
            (422, br#"{"detail":[{"loc":["secret"],"msg":"secret"}]}"#),
        ];
        for (status, body) in bodies {
            let failed = read(status, body).unwrap_err();
            assert!(!format!("{failed:?}").contains("secret"), "{failed:?}");
        }
    }
}
