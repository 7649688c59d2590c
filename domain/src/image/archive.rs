//! ArchiveImage -> ImageArchived, once (IMG-5): her "delete". What is put away is kept for seven days.

use super::{ImageEvent, ImageRefusal, Library};
use crate::ids::{ImageId, UserId};
use chrono::{DateTime, Utc};

/// Put one picture away.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveImage {
    /// Whose library.
    pub owner: UserId,
    /// The picture.
    pub image_id: ImageId,
    /// When.
    pub archived_at: DateTime<Utc>,
}

pub(super) fn decide(
    library: &Library,
    ask: ArchiveImage,
) -> Result<Vec<ImageEvent>, ImageRefusal> {
    let ArchiveImage {
        owner,
        image_id,
        archived_at,
    } = ask;
    if library.archived.contains_key(&image_id) {
        // Put away already: its seven days go on from the first time.
        return Ok(vec![]);
    }
    if !library.holds(image_id) {
        return Err(ImageRefusal::Unknown);
    }
    Ok(vec![ImageEvent::ImageArchived {
        owner,
        image_id,
        archived_at,
    }])
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::ImageCommand;
    use super::super::upload::tests::{a_picture, uploaded};
    use super::*;
    use cqrs_es::test::{AggregateResultValidator, TestFramework};
    use uuid::Uuid;

    pub(in crate::image) fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::days(n)
    }

    pub(in crate::image) fn archived(n: u128, at: i64) -> ImageEvent {
        ImageEvent::ImageArchived {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(n).into(),
            archived_at: day(at),
        }
    }

    fn archives(given: Vec<ImageEvent>, n: u128, at: i64) -> AggregateResultValidator<Library> {
        let ask = ArchiveImage {
            owner: Uuid::from_u128(1).into(),
            image_id: Uuid::from_u128(n).into(),
            archived_at: day(at),
        };
        TestFramework::<Library>::with(())
            .given(given)
            .when(ImageCommand::Archive(ask))
    }

    #[test]
    fn a_picture_is_put_away() {
        // IMG-5
        archives(vec![uploaded(7)], 7, 3).then_expect_events(vec![archived(7, 3)]);
    }

    #[test]
    fn putting_it_away_again_is_no_fact_and_does_not_make_it_stay_longer() {
        // IMG-5: second delete, no event
        archives(vec![uploaded(7), archived(7, 3)], 7, 5).then_expect_events(vec![]);
    }

    #[test]
    fn a_picture_that_is_not_there_cannot_be_put_away() {
        archives(vec![uploaded(7)], 8, 3).then_expect_error(ImageRefusal::Unknown);
        archives(vec![], 7, 3).then_expect_error(ImageRefusal::Unknown);
    }

    #[test]
    fn a_picture_that_is_put_away_takes_no_place_and_is_no_duplicate() {
        // LIM-5 counts ACTIVE pictures, IMG-2 compares with them
        let full = (1..=50).map(uploaded).chain([archived(7, 3)]);
        let again = super::super::UploadImage {
            image_id: Uuid::from_u128(99).into(),
            ..a_picture(7)
        };
        let taken = TestFramework::<Library>::with(())
            .given(full.collect())
            .when(ImageCommand::Upload(Box::new(again)))
            .inspect_result()
            .unwrap();
        assert_eq!(taken.len(), 1);
    }

    #[test]
    fn nobody_searches_for_what_is_put_away() {
        // IMG-5: a scan takes the pictures that the library names as active
        let mut library = Library::default();
        for event in [uploaded(7), uploaded(8), archived(7, 3)] {
            cqrs_es::Aggregate::apply(&mut library, event);
        }
        let left: Vec<ImageId> = library.active().collect();
        assert_eq!(left, [Uuid::from_u128(8).into()]);
        assert!(!library.holds(Uuid::from_u128(7).into()));
    }
}
