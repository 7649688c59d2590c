//! A member's library: any order of uploads (IMG-2, LIM-5).

use chrono::{DateTime, TimeDelta, Utc};
use domain::Personal;
use domain::ids::ImageId;
use domain::image::{
    ACTIVE_IMAGES_MAX, ArchiveImage, ImageCommand, ImageEvent, ImageRefusal, Library, PurgeImage,
    RestoreImage, UploadImage, purge_at,
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
            ImageEvent::ImageArchived { .. }
            | ImageEvent::ImageRestored { .. }
            | ImageEvent::ImagePurged { .. } => {}
        }
    }
    history
}

/// What a library should hold, told in the words of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Archived(DateTime<Utc>),
    Purged,
}

/// Whether something may be done to a picture, and where it stands then.
fn after(state: Option<State>, what: u8, now: DateTime<Utc>) -> Option<State> {
    match (what, state?) {
        (0, State::Active) => Some(State::Archived(now)),
        (1, State::Archived(since)) if now < purge_at(since) => Some(State::Active),
        (2, State::Archived(since)) if now >= purge_at(since) => Some(State::Purged),
        (_, State::Active | State::Archived(_) | State::Purged) => None,
    }
}

fn asked(what: u8, image: u128, now: DateTime<Utc>) -> ImageCommand {
    let (owner, image_id) = (id(1), id(image));
    match what {
        0 => ImageCommand::Archive(ArchiveImage {
            owner,
            image_id,
            archived_at: now,
        }),
        1 => ImageCommand::Restore(RestoreImage {
            owner,
            image_id,
            restored_at: now,
        }),
        _ => ImageCommand::Purge(PurgeImage {
            owner,
            image_id,
            purged_at: now,
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_picture_goes_from_active_to_archived_to_purged_and_back_only_by_restore(
        turns in prop::collection::vec((0u8..3, 1u128..5, 0i64..96), 0..80),
    ) {
        // Section 7, IMG-5, IMG-6: four pictures, hours that pass, any order of wishes
        let mut history = Vec::new();
        for n in 1..4 {
            history.extend(answer::<Library>(&history, upload(n, u8::try_from(n).unwrap())).unwrap());
        }
        let mut model: BTreeMap<u128, State> = (1..4).map(|n| (n, State::Active)).collect();
        let mut now = DateTime::UNIX_EPOCH;
        for (what, image, hours) in turns {
            now += TimeDelta::hours(hours);
            let told = answer::<Library>(&history, asked(what, image, now)).unwrap_or_default();
            match after(model.get(&image).copied(), what, now) {
                Some(state) => {
                    prop_assert_eq!(told.len(), 1);
                    model.insert(image, state);
                }
                None => prop_assert!(told.is_empty(), "{:?}", told),
            }
            history.extend(told);
            let library: Library = state(&history);
            let active = model.iter().filter(|(_, state)| **state == State::Active);
            prop_assert!(library.active().eq(active.map(|(n, _)| id(*n))));
        }
    }

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
