//! StartScan -> ScanStarted, while no other scan of the kind is open (SCN-1).

use super::{ScanEvent, ScanKind, ScanRefusal, ScanSlot};
use crate::ids::{ImageId, ScanId, UserId};
use chrono::{DateTime, Utc};

/// Accept a new scan.
#[derive(Debug, Clone)]
pub struct StartScan {
    /// Whose scan.
    pub owner: UserId,
    /// The new scan.
    pub scan_id: ScanId,
    /// Which kind.
    pub kind: ScanKind,
    /// The one picture she asked for, if she named one.
    pub target: Option<ImageId>,
    /// The pictures to search for, as of the trigger (SCN-3).
    pub images: Vec<ImageId>,
    /// When.
    pub started_at: DateTime<Utc>,
}

pub(super) fn decide(slot: &ScanSlot, ask: StartScan) -> Result<Vec<ScanEvent>, ScanRefusal> {
    match slot {
        ScanSlot::Open(open) => Err(ScanRefusal::AlreadyRunning {
            scan_id: open.scan_id,
        }),
        ScanSlot::Empty | ScanSlot::Closed { .. } => {
            let StartScan {
                owner,
                scan_id,
                kind,
                target,
                images,
                started_at,
            } = ask;
            Ok(vec![ScanEvent::ScanStarted {
                owner,
                scan_id,
                kind,
                target,
                images,
                started_at,
            }])
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::ScanCommand;
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    /// A scan of two pictures, numbers 1 and 2.
    pub(in crate::scan) fn ask(scan: u128) -> StartScan {
        StartScan {
            owner: Uuid::from_u128(1).into(),
            scan_id: Uuid::from_u128(scan).into(),
            kind: ScanKind::ImageScan,
            target: None,
            images: vec![Uuid::from_u128(1).into(), Uuid::from_u128(2).into()],
            started_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in crate::scan) fn started(scan: u128) -> ScanEvent {
        decide(&ScanSlot::Empty, ask(scan)).unwrap().remove(0)
    }

    #[test]
    fn a_scan_starts_when_none_is_open() {
        TestFramework::<ScanSlot>::with(())
            .given_no_previous_events()
            .when(ScanCommand::Start(ask(10)))
            .then_expect_events(vec![started(10)]);
    }

    #[test]
    fn a_second_scan_is_refused_and_the_open_one_named() {
        // SCN-1
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(ScanCommand::Start(ask(11)))
            .then_expect_error(ScanRefusal::AlreadyRunning {
                scan_id: Uuid::from_u128(10).into(),
            });
    }

    #[test]
    fn a_scan_starts_again_after_the_last_one_ended() {
        let failed = ScanEvent::ScanFailed {
            scan_id: Uuid::from_u128(10).into(),
            code: super::super::FailureCode::AllProvidersFailed,
            failed_at: DateTime::UNIX_EPOCH,
        };
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10), failed])
            .when(ScanCommand::Start(ask(11)))
            .then_expect_events(vec![started(11)]);
    }
}
