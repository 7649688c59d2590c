//! EmbedImage -> ImageEmbedded, once for each picture and model (PIP-5).

use super::{Embedding, ImageEvent, ImageRefusal, Library};
use crate::ids::{ImageId, UserId};
use chrono::{DateTime, Utc};

/// Keep the vector that a model made of a picture after it was taken in: a model that is new, or was away then.
#[derive(Debug, Clone)]
pub struct EmbedImage {
    /// Whose library.
    pub owner: UserId,
    /// The picture.
    pub image_id: ImageId,
    /// The vector, and the model that made it.
    pub embedding: Embedding,
    /// When.
    pub embedded_at: DateTime<Utc>,
}

pub(super) fn decide(library: &Library, ask: EmbedImage) -> Result<Vec<ImageEvent>, ImageRefusal> {
    let EmbedImage {
        owner,
        image_id,
        embedding: Embedding { model, vector },
        embedded_at,
    } = ask;
    if !library.holds(image_id) {
        return Err(ImageRefusal::Unknown);
    }
    if library.has_vector(image_id, &model) {
        return Ok(vec![]);
    }
    Ok(vec![ImageEvent::ImageEmbedded {
        owner,
        image_id,
        model,
        vector: vector.into(),
        embedded_at,
    }])
}

#[cfg(test)]
mod tests {
    use super::super::{ImageCommand, UploadImage, Vector, upload};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn embedding(model: &str) -> Embedding {
        Embedding {
            model: model.to_owned(),
            vector: Vector::try_new(&[0.5; 512]).unwrap(),
        }
    }

    /// A picture as it came in, with a vector of this model or without.
    fn taken_in(model: Option<&str>) -> Vec<ImageEvent> {
        let ask = UploadImage {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(7).into(),
            sha256: "7".repeat(64),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 1000,
            width: 640,
            height: 480,
            fingerprint: None,
            embedding: model.map(embedding),
            near_copy_of: None,
            uploaded_at: DateTime::UNIX_EPOCH,
        };
        upload::decide(&Library::default(), ask).unwrap()
    }

    fn embeds(picture: u128, model: &str) -> ImageCommand {
        ImageCommand::Embed(Box::new(EmbedImage {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(picture).into(),
            embedding: embedding(model),
            embedded_at: DateTime::UNIX_EPOCH,
        }))
    }

    fn embedded(model: &str) -> ImageEvent {
        ImageEvent::ImageEmbedded {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(7).into(),
            model: model.to_owned(),
            vector: embedding(model).vector.into(),
            embedded_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_picture_gets_the_vector_of_a_model_that_is_new() {
        // PIP-5
        for before in [None, Some("clip@1")] {
            TestFramework::<Library>::with(())
                .given(taken_in(before))
                .when(embeds(7, "clip@2"))
                .then_expect_events(vec![embedded("clip@2")]);
        }
    }

    #[test]
    fn one_model_makes_one_vector_of_a_picture() {
        let later = [taken_in(None), vec![embedded("clip@2")]].concat();
        for given in [taken_in(Some("clip@2")), later] {
            TestFramework::<Library>::with(())
                .given(given)
                .when(embeds(7, "clip@2"))
                .then_expect_events(vec![]);
        }
    }

    #[test]
    fn a_picture_that_is_not_in_the_library_gets_no_vector() {
        TestFramework::<Library>::with(())
            .given(taken_in(None))
            .when(embeds(8, "clip@2"))
            .then_expect_error(ImageRefusal::Unknown);
    }
}
