//! PurgeImage -> ImagePurged, once, seven days after the picture was put away (IMG-6).

use super::{ImageEvent, ImageRefusal, Library};
use crate::ids::{ImageId, UserId};
use chrono::{DateTime, TimeDelta, Utc};

/// Days from `archivedAt` until a picture is purged (IMG-6).
pub const KEPT_DAYS: i64 = 7;

/// When a picture that was put away at this time is purged.
#[must_use]
pub fn purge_at(archived_at: DateTime<Utc>) -> DateTime<Utc> {
    archived_at + TimeDelta::days(KEPT_DAYS)
}

/// Let one picture go for good.
#[derive(Debug, Clone, Copy)]
pub struct PurgeImage {
    /// Whose library.
    pub owner: UserId,
    /// The picture.
    pub image_id: ImageId,
    /// When.
    pub purged_at: DateTime<Utc>,
}

pub(super) fn decide(library: &Library, ask: PurgeImage) -> Result<Vec<ImageEvent>, ImageRefusal> {
    let PurgeImage {
        owner,
        image_id,
        purged_at,
    } = ask;
    if library.holds(image_id) {
        // She took it back in the last moment.
        return Err(ImageRefusal::NotArchived);
    }
    let Some(archived) = library.archived.get(&image_id) else {
        return Ok(vec![]);
    };
    if purged_at < purge_at(archived.since) {
        return Err(ImageRefusal::NotDue);
    }
    Ok(vec![ImageEvent::ImagePurged {
        owner,
        image_id,
        purged_at,
    }])
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::{archived, day};
    use super::super::restore::tests::restored;
    use super::super::upload::tests::uploaded;
    use super::super::{ArchiveImage, ImageCommand, RestoreImage};
    use super::*;
    use cqrs_es::test::{AggregateResultValidator, TestFramework};
    use uuid::Uuid;

    const OWNER: u128 = 1;

    fn purged(n: u128, at: DateTime<Utc>) -> ImageEvent {
        ImageEvent::ImagePurged {
            owner: Uuid::from_u128(OWNER).into(),
            image_id: Uuid::from_u128(n).into(),
            purged_at: at,
        }
    }

    fn when(given: Vec<ImageEvent>, ask: ImageCommand) -> AggregateResultValidator<Library> {
        TestFramework::<Library>::with(()).given(given).when(ask)
    }

    fn purges(given: Vec<ImageEvent>, at: DateTime<Utc>) -> AggregateResultValidator<Library> {
        let ask = PurgeImage {
            owner: Uuid::from_u128(OWNER).into(),
            image_id: Uuid::from_u128(7).into(),
            purged_at: at,
        };
        when(given, ImageCommand::Purge(ask))
    }

    #[test]
    fn a_picture_is_purged_when_seven_days_are_over_and_not_a_millisecond_sooner() {
        // IMG-6
        let given = || vec![uploaded(7), archived(7, 1)];
        let early = day(8) - TimeDelta::milliseconds(1);
        purges(given(), early).then_expect_error(ImageRefusal::NotDue);
        purges(given(), day(8)).then_expect_events(vec![purged(7, day(8))]);
    }

    #[test]
    fn a_picture_that_came_back_or_was_never_put_away_is_not_purged() {
        let back = vec![uploaded(7), archived(7, 1), restored(7, day(3))];
        purges(back, day(30)).then_expect_error(ImageRefusal::NotArchived);
        purges(vec![uploaded(7)], day(30)).then_expect_error(ImageRefusal::NotArchived);
    }

    #[test]
    fn the_seven_days_begin_anew_when_it_is_put_away_again() {
        let given = || {
            vec![
                uploaded(7),
                archived(7, 1),
                restored(7, day(3)),
                archived(7, 5),
            ]
        };
        purges(given(), day(11)).then_expect_error(ImageRefusal::NotDue);
        purges(given(), day(12)).then_expect_events(vec![purged(7, day(12))]);
    }

    #[test]
    fn what_is_gone_is_purged_once_and_unknown_to_everything_else() {
        // IMG-6: two instances, a late delete, a late restore
        let given = || vec![uploaded(7), archived(7, 1), purged(7, day(8))];
        purges(given(), day(9)).then_expect_events(vec![]);
        let (owner, image_id) = (Uuid::from_u128(OWNER).into(), Uuid::from_u128(7).into());
        let archive = ImageCommand::Archive(ArchiveImage {
            owner,
            image_id,
            archived_at: day(9),
        });
        when(given(), archive).then_expect_error(ImageRefusal::Unknown);
        let restore = ImageCommand::Restore(RestoreImage {
            owner,
            image_id,
            restored_at: day(9),
        });
        when(given(), restore).then_expect_error(ImageRefusal::Unknown);
    }

    #[test]
    fn nothing_of_a_purged_picture_is_remembered() {
        // IMG-6: the hash goes as well
        let mut library = Library::default();
        for event in [uploaded(7), archived(7, 1), purged(7, day(8))] {
            cqrs_es::Aggregate::apply(&mut library, event);
        }
        assert_eq!(library, Library::default());
    }
}
