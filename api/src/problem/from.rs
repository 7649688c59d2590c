//! From refusals and faults of the other rooms to problems; details of what is ours go to the log, once.

use super::Problem;
use domain::hash_case::HashCaseRefusal;
use domain::image::ImageRefusal;
use domain::scan::ScanRefusal;
use domain::user::UserRefusal;
use eventstore::objects::ObjectFault;
use eventstore::share_links::ShareFault;
use eventstore::{DatabaseFault, ExecuteError, KeyError, ReadFault, is_outage};
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

    /// Something that we need does not answer, or not to this program: told to the log here; it may be asked again.
    fn away(what: &str, fault: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%fault, "{what}");
        Self::Unavailable
    }

    /// A task of ours did not come to its end: it broke, or this process is ending.
    pub fn broke_off(what: &str, fault: &tokio::task::JoinError) -> Self {
        match fault.is_panic() {
            true => Self::ours(what, fault),
            false => Self::away(what, fault),
        }
    }
}

impl<E: Error + Into<Self>> From<ExecuteError<E>> for Problem {
    fn from(fault: ExecuteError<E>) -> Self {
        match fault {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Conflict => Self::ConcurrentChange,
            ExecuteError::Unreachable(cause) => {
                Self::away("the event store did not answer", &cause)
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
            ImageRefusal::Unknown => Self::ImageNotFound,
            ImageRefusal::NotArchived => Self::ImageNotArchived,
            ImageRefusal::NotDue => Self::ours("a request let a picture go", &refusal),
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
        match fault {
            ObjectFault::Storage(_)
            | ObjectFault::Source(_)
            | ObjectFault::StillThere
            | ObjectFault::Key(KeyError::Unreachable(_)) => {
                tracing::error!(%fault, "an object could not be stored or read");
                Self::StorageUnavailable
            }
            ObjectFault::Key(fault) => fault.into(),
            ObjectFault::Missing => Self::ours("an object could not be read", &fault),
        }
    }
}

impl From<DatabaseFault> for Problem {
    fn from(fault: DatabaseFault) -> Self {
        match is_outage(&fault) {
            true => Self::away("the database did not answer", &fault),
            false => Self::ours("the database did not do what was asked", &fault),
        }
    }
}

impl From<ReadFault> for Problem {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Unreachable(fault) => fault.into(),
            // Programs are being replaced one by one: another one can read it, or soon this one's successor.
            ReadFault::Newer { .. } => Self::away("the log could not be read yet", &fault),
            ReadFault::Unreadable { .. } | ReadFault::Diverged { .. } | ReadFault::Gap { .. } => {
                Self::ours("the log could not be read", &fault)
            }
        }
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

impl From<ShareFault> for Problem {
    fn from(fault: ShareFault) -> Self {
        match fault {
            ShareFault::Unreachable(fault) => fault.into(),
            ShareFault::Library(fault) => fault.into(),
            ShareFault::Member(fault) => fault.into(),
            ShareFault::Scans(fault) => fault.into(),
            ShareFault::Object(fault) => fault.into(),
            ShareFault::Key(fault) => fault.into(),
            ShareFault::Visitor(_) => Self::ours("a recorded fetch cannot be read", &fault),
        }
    }
}

impl From<HashCaseRefusal> for Problem {
    fn from(refusal: HashCaseRefusal) -> Self {
        match refusal {
            HashCaseRefusal::NotAttested => {
                Self::field("attested", "Please confirm the statement first.", "")
            }
            HashCaseRefusal::SaysTooLittle { .. } => Self::field(
                "quality",
                "This picture has too little in it to be recognised. Another one may work.",
                "HSH-1",
            ),
            HashCaseRefusal::TooMany { max } => Self::HashLimit(max),
            HashCaseRefusal::Unknown => Self::NotFound,
        }
    }
}

impl From<KeyError> for Problem {
    fn from(fault: KeyError) -> Self {
        match fault {
            KeyError::Unreachable(fault) => fault.into(),
            KeyError::Erased(_) => Self::AccountDeleted,
            KeyError::Master { .. }
            | KeyError::OtherMaster
            | KeyError::Wrapped
            | KeyError::Sealed
            | KeyError::Missing(_)
            | KeyError::PictureMissing(_)
            | KeyError::PictureErased(_) => Self::ours("a key could not be had", &fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventstore::answers::AnswersFault;
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

    fn io() -> std::io::Error {
        std::io::ErrorKind::ConnectionRefused.into()
    }

    fn away() -> DatabaseFault {
        DatabaseFault::Io(io())
    }

    fn sealed() -> KeyError {
        KeyError::Sealed
    }

    /// Status, code, and when to come again, as they leave.
    fn told(problem: impl Into<Problem>) -> (u16, &'static str, Option<String>) {
        let problem = problem.into();
        let answer = problem.written(Some("id"));
        let again = answer.headers().get("retry-after");
        let again = again.map(|again| again.to_str().unwrap().to_owned());
        (answer.status().as_u16(), problem.code(), again)
    }

    #[test]
    fn whatever_does_not_answer_is_told_as_away_with_a_time_to_come_again() {
        let unread = ReadFault::Unreachable(away());
        let newer = ReadFault::Newer {
            position: 1,
            what: "ScanHalted 1".to_owned(),
        };
        let not_known = ExecuteError::<UserRefusal>::Unreachable("reset".to_owned());
        for problem in [
            Problem::from(away()),
            DatabaseFault::PoolTimedOut.into(),
            unread.into(),
            newer.into(),
            PastFault::from(away()).into(),
            KeyError::Unreachable(away()).into(),
            AnswersFault::Unreachable(away()).into(),
            AnswersFault::Key(KeyError::Unreachable(away())).into(),
            not_known.into(),
        ] {
            let again = Some("2".to_owned());
            assert_eq!(told(problem.clone()), (503, "SERVICE_UNAVAILABLE", again));
            assert!(!problem.is_final(), "another try may be answered otherwise");
            assert!(problem.message().ends_with("try again in a moment."));
        }
        for fault in [
            ObjectFault::Source(io()),
            ObjectFault::StillThere,
            KeyError::Unreachable(away()).into(),
        ] {
            let again = Some("2".to_owned());
            assert_eq!(told(fault), (502, "STORAGE_UNAVAILABLE", again));
        }
    }

    #[test]
    fn what_fails_again_when_it_is_asked_again_is_a_fault_of_ours() {
        let gap = ReadFault::Gap { position: 1 };
        let broken = ExecuteError::<UserRefusal>::Broken("its payload".to_owned());
        for problem in [
            Problem::from(DatabaseFault::RowNotFound),
            ReadFault::Unreachable(DatabaseFault::ColumnNotFound("state".to_owned())).into(),
            gap.into(),
            PastFault::TooLong.into(),
            sealed().into(),
            ObjectFault::Missing.into(),
            ObjectFault::Key(sealed()).into(),
            AnswersFault::Key(sealed()).into(),
            broken.into(),
        ] {
            assert_eq!(told(problem), (500, "INTERNAL_ERROR", None));
        }
    }

    #[test]
    fn whose_key_is_gone_is_told_that_her_account_is() {
        let erased = KeyError::Erased(domain::ids::UserId(uuid::Uuid::nil()));
        assert_eq!(told(erased), (401, "AUTH_ACCOUNT_DELETED", None));
    }

    #[tokio::test]
    async fn a_task_that_broke_is_ours_and_one_that_was_ended_with_its_process_may_be_asked_again()
    {
        let broke = tokio::spawn(async { panic!("on purpose") }).await;
        let ended = tokio::spawn(std::future::pending::<()>());
        ended.abort();
        let (broke, ended) = (broke.unwrap_err(), ended.await.unwrap_err());
        assert_eq!(Problem::broke_off("a task", &broke), Problem::Internal);
        assert_eq!(Problem::broke_off("a task", &ended), Problem::Unavailable);
    }
}
