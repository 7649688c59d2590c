//! UploadImage -> ImageUploaded, and ImageEmbedded where a model is there; the same bytes once (IMG-2).

use super::{Fingerprint, ImageEvent, ImageRefusal, Library, NearCopy, Vector};
use crate::{
    Personal,
    ids::{ImageId, UserId},
};
use chrono::{DateTime, Utc};

/// Take in one picture whose bytes are already checked and stored under its id.
#[derive(Debug, Clone)]
pub struct UploadImage {
    /// Whose library.
    pub owner: UserId,
    /// The new picture.
    pub image_id: ImageId,
    /// SHA-256 of the original bytes, 64 lower-case hex digits.
    pub sha256: String,
    /// Media type by content (LIM-2).
    pub content_type: String,
    /// Length of the original in bytes.
    pub size_bytes: u32,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// PDQ hash, where the picture has one.
    pub fingerprint: Option<Fingerprint>,
    /// Vector, where a model is configured (GEN-4: none is ever invented).
    pub embedding: Option<Embedding>,
    /// What the library's own look-up found before.
    pub near_copy_of: Option<NearCopy>,
    /// When.
    pub uploaded_at: DateTime<Utc>,
}

/// A vector and the model that made it.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// Name and version of the model.
    pub model: String,
    /// The vector, unit length.
    pub vector: Vector,
}

pub(super) fn decide(library: &Library, ask: UploadImage) -> Result<Vec<ImageEvent>, ImageRefusal> {
    library.has_room_for(Some(&ask.sha256))?;
    let (owner, image_id, embedded_at) = (ask.owner, ask.image_id, ask.uploaded_at);
    let embedded = ask
        .embedding
        .map(|Embedding { model, vector }| ImageEvent::ImageEmbedded {
            owner,
            image_id,
            model,
            vector: vector.into(),
            embedded_at,
        });
    let uploaded = ImageEvent::ImageUploaded {
        owner,
        image_id,
        sha256: ask.sha256.into(),
        content_type: ask.content_type,
        size_bytes: ask.size_bytes,
        width: ask.width,
        height: ask.height,
        fingerprint: ask.fingerprint.map(Personal::from),
        near_copy_of: ask.near_copy_of,
        uploaded_at: ask.uploaded_at,
    };
    Ok(std::iter::once(uploaded).chain(embedded).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{ACTIVE_IMAGES_MAX, ImageCommand};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    pub(in crate::image) fn a_picture(n: u128) -> UploadImage {
        UploadImage {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(n).into(),
            sha256: format!("{n:064x}"),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 1000,
            width: 640,
            height: 480,
            fingerprint: None,
            embedding: None,
            near_copy_of: None,
            uploaded_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in crate::image) fn uploaded(n: u128) -> ImageEvent {
        decide(&Library::default(), a_picture(n)).unwrap().remove(0)
    }

    fn uploads(ask: UploadImage) -> ImageCommand {
        ImageCommand::Upload(Box::new(ask))
    }

    #[test]
    fn a_first_picture_is_taken_in() {
        // IMG-1
        TestFramework::<Library>::with(())
            .given_no_previous_events()
            .when(uploads(a_picture(7)))
            .then_expect_events(vec![uploaded(7)]);
    }

    #[test]
    fn the_same_bytes_are_refused_and_the_picture_named() {
        // IMG-2
        let again = UploadImage {
            image_id: Uuid::from_u128(8).into(),
            ..a_picture(7)
        };
        TestFramework::<Library>::with(())
            .given(vec![uploaded(7)])
            .when(uploads(again))
            .then_expect_error(ImageRefusal::AlreadyProtected {
                image_id: Uuid::from_u128(7).into(),
            });
    }

    #[test]
    fn the_fifty_first_picture_is_refused() {
        // LIM-5
        TestFramework::<Library>::with(())
            .given((1..=50).map(uploaded).collect())
            .when(uploads(a_picture(51)))
            .then_expect_error(ImageRefusal::LibraryFull { max: 50 });
    }

    #[test]
    fn the_fiftieth_picture_is_taken_in() {
        // LIM-5: the bound itself is allowed
        TestFramework::<Library>::with(())
            .given((1..=49).map(uploaded).collect())
            .when(uploads(a_picture(50)))
            .then_expect_events(vec![uploaded(50)]);
    }

    #[test]
    fn a_vector_is_a_fact_of_its_own_with_the_model_that_made_it() {
        // PIP-5
        let vector = Vector::try_new(&[0.0; 512]).unwrap();
        let embedding = Embedding {
            model: "clip-1".to_owned(),
            vector: vector.clone(),
        };
        let ask = UploadImage {
            embedding: Some(embedding),
            ..a_picture(7)
        };
        TestFramework::<Library>::with(())
            .given_no_previous_events()
            .when(uploads(ask))
            .then_expect_events(vec![
                uploaded(7),
                ImageEvent::ImageEmbedded {
                    owner: Uuid::from_u128(1).into(),
                    image_id: Uuid::from_u128(7).into(),
                    model: "clip-1".to_owned(),
                    vector: vector.into(),
                    embedded_at: DateTime::UNIX_EPOCH,
                },
            ]);
    }

    #[test]
    fn an_erased_hash_is_equal_to_nothing() {
        let mut library = Library::default();
        library.active.insert(Uuid::from_u128(7).into(), None);
        assert_eq!(library.with_hash(&format!("{:064x}", 7)), None);
    }

    #[test]
    fn a_full_library_still_says_that_a_picture_is_there_already() {
        // IMG-2 before LIM-5: the answer names the picture she is looking for
        let again = UploadImage {
            image_id: Uuid::from_u128(99).into(),
            ..a_picture(50)
        };
        TestFramework::<Library>::with(())
            .given((1..=50).map(uploaded).collect())
            .when(uploads(again))
            .then_expect_error(ImageRefusal::AlreadyProtected {
                image_id: Uuid::from_u128(50).into(),
            });
    }

    fn erased(n: u128) -> ImageEvent {
        let mut event = uploaded(n);
        if let ImageEvent::ImageUploaded { sha256, .. } = &mut event {
            *sha256 = Personal::Erased;
        }
        event
    }

    #[test]
    fn the_same_bytes_are_new_once_their_hash_was_erased() {
        // AUD-2: what nobody can read any more cannot be compared
        TestFramework::<Library>::with(())
            .given(vec![erased(7)])
            .when(uploads(UploadImage {
                image_id: Uuid::from_u128(8).into(),
                ..a_picture(7)
            }))
            .then_expect_events(vec![{
                let mut event = uploaded(7);
                if let ImageEvent::ImageUploaded { image_id, .. } = &mut event {
                    *image_id = Uuid::from_u128(8).into();
                }
                event
            }]);
    }

    #[test]
    fn a_picture_with_an_erased_hash_still_takes_a_place() {
        // LIM-5
        TestFramework::<Library>::with(())
            .given((1..=50).map(erased).collect())
            .when(uploads(a_picture(51)))
            .then_expect_error(ImageRefusal::LibraryFull { max: 50 });
    }

    #[test]
    fn a_near_copy_is_taken_in_like_any_other_picture() {
        // IMG-2 speaks of the same bytes only: her two versions of a picture are two pictures
        let near = NearCopy {
            image_id: Uuid::from_u128(7).into(),
            by: super::super::Comparison::Hash { distance_bits: 2 },
        };
        let ask = UploadImage {
            near_copy_of: Some(near.clone()),
            ..a_picture(8)
        };
        let events = TestFramework::<Library>::with(())
            .given(vec![uploaded(7)])
            .when(uploads(ask))
            .inspect_result()
            .unwrap();
        let [ImageEvent::ImageUploaded { near_copy_of, .. }] = events.as_slice() else {
            panic!("one picture: {events:?}")
        };
        assert_eq!(near_copy_of.as_ref(), Some(&near));
    }

    #[test]
    fn nothing_is_invented_where_no_model_and_no_hash_are_there() {
        // GEN-4, PIP-5
        let events = decide(&Library::default(), a_picture(7)).unwrap();
        let [ImageEvent::ImageUploaded { fingerprint, .. }] = events.as_slice() else {
            panic!("one fact: {events:?}")
        };
        assert_eq!(fingerprint, &None);
    }

    #[test]
    fn a_refused_picture_is_not_in_the_library() {
        let mut library = Library::default();
        for event in (1..=50).map(uploaded) {
            cqrs_es::Aggregate::apply(&mut library, event);
        }
        assert!(decide(&library, a_picture(51)).is_err());
        assert!(!library.holds(Uuid::from_u128(51).into()));
        assert_eq!(library.active().count(), ACTIVE_IMAGES_MAX);
    }

    #[test]
    fn the_hash_of_her_picture_is_never_printed() {
        // AUD-2: a hash is enough to find the picture elsewhere
        let hash = a_picture(7).sha256;
        assert!(!format!("{:?}", uploaded(7)).contains(&hash));
    }
}
