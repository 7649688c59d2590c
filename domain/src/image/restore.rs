//! RestoreImage -> ImageRestored: she takes a picture back within seven days (IMG-6).

use super::{ImageEvent, ImageRefusal, Library, purge_at};
use crate::ids::{ImageId, UserId};
use chrono::{DateTime, Utc};

/// Take one picture back.
#[derive(Debug, Clone, Copy)]
pub struct RestoreImage {
    /// Whose library.
    pub owner: UserId,
    /// The picture.
    pub image_id: ImageId,
    /// When.
    pub restored_at: DateTime<Utc>,
}

pub(super) fn decide(
    library: &Library,
    ask: RestoreImage,
) -> Result<Vec<ImageEvent>, ImageRefusal> {
    let RestoreImage {
        owner,
        image_id,
        restored_at,
    } = ask;
    if library.holds(image_id) {
        return Err(ImageRefusal::NotArchived);
    }
    // One whose time is over may be losing its bytes at this moment.
    let archived = library
        .archived
        .get(&image_id)
        .filter(|archived| restored_at < purge_at(archived.since))
        .ok_or(ImageRefusal::Unknown)?;
    library.has_room_for(archived.sha256.as_deref())?;
    Ok(vec![ImageEvent::ImageRestored {
        owner,
        image_id,
        restored_at,
    }])
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::ImageCommand;
    use super::super::archive::tests::{archived, day};
    use super::super::upload::tests::{a_picture, uploaded};
    use super::*;
    use cqrs_es::test::{AggregateResultValidator, TestFramework};
    use uuid::Uuid;

    fn id(n: u128) -> ImageId {
        Uuid::from_u128(n).into()
    }

    pub(in crate::image) fn restored(n: u128, at: DateTime<Utc>) -> ImageEvent {
        ImageEvent::ImageRestored {
            owner: Uuid::from_u128(1).into(),
            image_id: id(n),
            restored_at: at,
        }
    }

    fn restores(
        given: Vec<ImageEvent>,
        n: u128,
        restored_at: DateTime<Utc>,
    ) -> AggregateResultValidator<Library> {
        let ask = RestoreImage {
            owner: Uuid::from_u128(1).into(),
            image_id: id(n),
            restored_at,
        };
        TestFramework::<Library>::with(())
            .given(given)
            .when(ImageCommand::Restore(ask))
    }

    #[test]
    fn a_picture_comes_back_until_its_seven_days_are_over() {
        // IMG-6: the bound itself is purged
        let last = day(8) - chrono::TimeDelta::milliseconds(1);
        let given = || vec![uploaded(7), archived(7, 1)];
        restores(given(), 7, last).then_expect_events(vec![restored(7, last)]);
        restores(given(), 7, day(8)).then_expect_error(ImageRefusal::Unknown);
    }

    #[test]
    fn what_is_not_put_away_cannot_be_taken_back() {
        // Contract, section 8
        restores(vec![uploaded(7)], 7, day(2)).then_expect_error(ImageRefusal::NotArchived);
        let back = vec![uploaded(7), archived(7, 1), restored(7, day(2))];
        restores(back, 7, day(2)).then_expect_error(ImageRefusal::NotArchived);
        restores(vec![uploaded(7)], 8, day(2)).then_expect_error(ImageRefusal::Unknown);
    }

    #[test]
    fn a_full_library_takes_none_back() {
        // LIM-5
        let given = [uploaded(51), archived(51, 1)]
            .into_iter()
            .chain((1..=50).map(uploaded));
        restores(given.collect(), 51, day(2))
            .then_expect_error(ImageRefusal::LibraryFull { max: 50 });
    }

    #[test]
    fn a_picture_that_she_gave_again_meanwhile_is_there_already() {
        // IMG-2: the same bytes are ACTIVE once
        let again = ImageEvent::ImageUploaded {
            owner: Uuid::from_u128(1).into(),
            image_id: id(8),
            sha256: a_picture(7).sha256.into(),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 1,
            width: 32,
            height: 32,
            fingerprint: None,
            near_copy_of: None,
            uploaded_at: DateTime::UNIX_EPOCH,
        };
        restores(vec![uploaded(7), archived(7, 1), again], 7, day(2))
            .then_expect_error(ImageRefusal::AlreadyProtected { image_id: id(8) });
    }

    #[test]
    fn a_picture_that_came_back_is_the_one_it_was() {
        let mut library = Library::default();
        cqrs_es::Aggregate::apply(&mut library, uploaded(7));
        let before = library.clone();
        for event in [archived(7, 1), restored(7, day(2))] {
            cqrs_es::Aggregate::apply(&mut library, event);
        }
        assert_eq!(library, before);
    }
}
