//! From refusals and faults of the other rooms to problems; details of what is ours go to the log, once.

use super::Problem;
use domain::image::ImageRefusal;
use domain::scan::ScanRefusal;
use domain::user::UserRefusal;
use eventstore::objects::ObjectFault;
use eventstore::{DatabaseFault, ExecuteError, KeyError, ReadFault};
use pictures::Unfit;
use projections::as_of::PastFault;
use std::error::Error;

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
            Unfit::NotAPicture => Self::InvalidFileType,
            Unfit::Unreadable => Self::ImageUnreadable(
                "This picture could not be read. It may be incomplete; another copy may work.",
            ),
            Unfit::TooSmall { .. } => Self::ImageUnreadable(
                "This picture is too small to be searched for. It needs 32 pixels on each side.",
            ),
            Unfit::TooManyPixels { .. } => Self::ImageUnreadable(
                "This picture has more than 50 million pixels. A smaller copy works just as well.",
            ),
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
