//! From refusals and faults of the other rooms to problems; details of what is ours go to the log, once.

use super::Problem;
use domain::image::ImageRefusal;
use domain::scan::ScanRefusal;
use domain::user::UserRefusal;
use eventstore::objects::ObjectFault;
use eventstore::{DatabaseFault, ExecuteError, KeyError, ReadFault};
use pictures::{NotTaken, Unfit};
use projections::as_of::PastFault;
use std::error::Error;

/// Said of a file that cannot be decoded, and of one that broke whoever tried.
const UNREADABLE: &str =
    "This picture could not be read. It may be incomplete; another copy may work.";

impl Problem {
    /// A fault of ours: told to the log here, and to nobody else.
    pub fn ours(what: &str, fault: &dyn std::fmt::Display) -> Self {
        tracing::error!(%fault, "{what}");
        Self::Internal
    }
}

impl<E: Error + Into<Self>> From<ExecuteError<E>> for Problem {
    fn from(fault: ExecuteError<E>) -> Self {
        match fault {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Conflict => Self::ConcurrentChange,
            ExecuteError::Unreachable(cause) => {
                Self::ours("the event store did not answer", &cause)
            }
            ExecuteError::Broken(cause) => Self::ours("a stream cannot be used", &cause),
        }
    }
}

impl From<ImageRefusal> for Problem {
    fn from(refusal: ImageRefusal) -> Self {
        match refusal {
            ImageRefusal::AlreadyProtected { image_id } => Self::ImageDuplicate(image_id),
            ImageRefusal::LibraryFull { max } => Self::ImageLimit(max),
        }
    }
}

impl From<ScanRefusal> for Problem {
    fn from(refusal: ScanRefusal) -> Self {
        match refusal {
            ScanRefusal::AlreadyRunning { scan_id } => Self::ScanAlreadyRunning(scan_id),
            ScanRefusal::NotFinished { .. } => Self::ours("a request ended a scan", &refusal),
        }
    }
}

impl From<UserRefusal> for Problem {
    fn from(refusal: UserRefusal) -> Self {
        match refusal {
            UserRefusal::Unknown => Self::UserNotFound,
            UserRefusal::Erased => Self::AccountDeleted,
        }
    }
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Empty => Self::NoFile,
            Unfit::TooManyBytes => Self::FileTooLarge,
            Unfit::NotAPicture(seen) => Self::NotAPicture(seen),
            Unfit::Unreadable => Self::ImageUnreadable(UNREADABLE),
            Unfit::TooSmall { .. } => Self::ImageUnreadable(
                "This picture is too small to be searched for. It needs 32 pixels on each side.",
            ),
            Unfit::TooManyPixels { .. } => Self::ImageUnreadable(
                "This picture has more than 50 million pixels. A smaller copy works just as well.",
            ),
            Unfit::TooHeavy { .. } => Self::ImageUnreadable(
                "This picture takes too much memory to open. A smaller copy works just as well.",
            ),
        }
    }
}

impl From<NotTaken> for Problem {
    fn from(fault: NotTaken) -> Self {
        match fault {
            NotTaken::Unfit(unfit) => unfit.into(),
            NotTaken::Broke => Self::ImageUnreadable(UNREADABLE),
            NotTaken::Busy | NotTaken::Unavailable => Self::StorageUnavailable,
        }
    }
}

impl From<ObjectFault> for Problem {
    fn from(fault: ObjectFault) -> Self {
        tracing::error!(%fault, "an object could not be stored or read");
        Self::StorageUnavailable
    }
}

impl From<DatabaseFault> for Problem {
    fn from(fault: DatabaseFault) -> Self {
        Self::ours("the database did not do what was asked", &fault)
    }
}

impl From<ReadFault> for Problem {
    fn from(fault: ReadFault) -> Self {
        Self::ours("the log could not be read", &fault)
    }
}

impl From<PastFault> for Problem {
    fn from(fault: PastFault) -> Self {
        match fault {
            PastFault::Read(fault) => fault.into(),
            PastFault::Future => Self::field("asOf", "The record has not come that far.", "query"),
            PastFault::TooLong => Self::ours("a history is too long to be folded", &fault),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(fault: KeyError) -> Self {
        Self::ours("a key could not be had", &fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pictures::Seen;

    #[test]
    fn a_file_that_broke_its_decoder_is_one_that_could_not_be_read() {
        let problem = Problem::from(NotTaken::Broke);
        assert_eq!(problem, Problem::from(Unfit::Unreadable));
        assert_eq!(
            (problem.status(), problem.code()),
            (422, "IMAGE_UNREADABLE")
        );
    }

    #[test]
    fn nobody_free_to_decode_is_told_as_storage_that_is_away() {
        for fault in [NotTaken::Busy, NotTaken::Unavailable] {
            let problem = Problem::from(fault);
            assert_eq!(
                (problem.status(), problem.code()),
                (502, "STORAGE_UNAVAILABLE")
            );
        }
    }

    // GEN-2
    #[test]
    fn whatever_a_file_is_the_words_are_calm_and_the_kind_is_named() {
        for seen in [Seen::Heic, Seen::Animated, Seen::Mixed, Seen::Unknown] {
            let problem = Problem::from(NotTaken::Unfit(Unfit::NotAPicture(seen)));
            assert_eq!(
                (problem.status(), problem.code()),
                (400, "INVALID_FILE_TYPE")
            );
            let details = problem.details().unwrap_or_default();
            assert_eq!(details["seen"], seen.name());
            assert!(!problem.message().contains('!') && problem.message().ends_with('.'));
        }
    }
}
