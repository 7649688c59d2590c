//! A member's library: any order of uploads (IMG-2, LIM-5).

use chrono::DateTime;
use domain::Personal;
use domain::ids::ImageId;
use domain::image::{
    ACTIVE_IMAGES_MAX, ImageCommand, ImageEvent, ImageRefusal, Library, UploadImage,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

use crate::{answer, id, state};

fn upload(image: u128, bytes: u8) -> ImageCommand {
    ImageCommand::Upload(Box::new(UploadImage {
        owner: id(1),
        image_id: id(image),
        sha256: format!("{bytes:064x}"),
        content_type: "image/png".to_owned(),
        size_bytes: 1,
        width: 32,
        height: 32,
        fingerprint: None,
        embedding: None,
        near_copy_of: None,
        uploaded_at: DateTime::UNIX_EPOCH,
    }))
}

/// The same history after her key was destroyed (AUD-2).
fn erased(history: &[ImageEvent]) -> Vec<ImageEvent> {
    let mut history = history.to_vec();
    for event in &mut history {
        match event {
            ImageEvent::ImageUploaded { sha256, .. } => *sha256 = Personal::Erased,
            ImageEvent::ImageEmbedded { vector, .. } => *vector = Personal::Erased,
        }
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_bytes_are_there_once_and_fifty_pictures_at_most(
        files in prop::collection::vec(0u8..70, 1..120),
    ) {
        // IMG-2, LIM-5
        let (mut history, mut held) = (Vec::new(), BTreeMap::<u8, ImageId>::new());
        for (n, bytes) in (1u128..).zip(files) {
            let result = answer::<Library>(&history, upload(n, bytes));
            match (held.get(&bytes), held.len() < ACTIVE_IMAGES_MAX) {
                (Some(image), _) => prop_assert_eq!(
                    result,
                    Err(ImageRefusal::AlreadyProtected { image_id: *image })
                ),
                (None, false) => {
                    prop_assert_eq!(result, Err(ImageRefusal::LibraryFull { max: 50 }));
                }
                (None, true) => {
                    history.extend(result.unwrap());
                    held.insert(bytes, id(n));
                }
            }
            let library: Library = state(&history);
            prop_assert_eq!(library.active().count(), held.len());
            prop_assert!(held.values().all(|image| library.holds(*image)));
        }
    }

    #[test]
    fn erasing_her_values_loses_no_picture_and_makes_no_two_the_same(
        files in prop::collection::hash_set(any::<u8>(), 1..40),
    ) {
        let mut history = Vec::new();
        for (n, bytes) in (1u128..).zip(&files) {
            history.extend(answer::<Library>(&history, upload(n, *bytes)).unwrap());
        }
        let (before, after): (Library, Library) = (state(&history), state(&erased(&history)));
        prop_assert!(before.active().eq(after.active()));
        for bytes in files {
            prop_assert!(answer::<Library>(&history, upload(999, bytes)).is_err());
            prop_assert!(answer::<Library>(&erased(&history), upload(999, bytes)).is_ok());
        }
    }
}
