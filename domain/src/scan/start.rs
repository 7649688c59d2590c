//! StartScan -> ScanStarted, while no scan of the kind is open (SCN-1); a scan that ended never starts again.

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
        // The same trigger again, after its scan ended: a final state is final.
        ScanSlot::Closed { last } if *last == ask.scan_id => Ok(vec![]),
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

    fn completed(scan: u128) -> ScanEvent {
        ScanEvent::ScanCompleted {
            scan_id: Uuid::from_u128(scan).into(),
            warnings: vec![],
            completed_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_scan_that_has_begun_or_was_worked_on_still_blocks_a_second_one() {
        // SCN-1: PENDING and RUNNING are both open, up to the last picture
        use super::super::{UnitOutcome, finish_image::tests::finished};
        let begun = ScanEvent::ScanBegun {
            scan_id: Uuid::from_u128(10).into(),
            begun_at: DateTime::UNIX_EPOCH,
        };
        let worked_on = vec![
            finished(1, UnitOutcome::Done),
            finished(2, UnitOutcome::Done),
        ];
        for later in [vec![begun.clone()], [vec![begun], worked_on].concat()] {
            TestFramework::<ScanSlot>::with(())
                .given(vec![started(10)])
                .and(later)
                .when(ScanCommand::Start(ask(11)))
                .then_expect_error(ScanRefusal::AlreadyRunning {
                    scan_id: Uuid::from_u128(10).into(),
                });
        }
    }

    #[test]
    fn a_scan_that_ended_never_starts_again() {
        // Section 8: COMPLETED and FAILED are final; the same trigger, delivered late, changes nothing
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10), completed(10)])
            .when(ScanCommand::Start(ask(10)))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_new_scan_remembers_nothing_of_the_last_one() {
        // SCN-8: a unit is finished within its own scan only
        let mut slot = ScanSlot::default();
        for event in [started(10), completed(10), started(11)] {
            cqrs_es::Aggregate::apply(&mut slot, event);
        }
        let open = slot.open(Uuid::from_u128(11).into()).unwrap();
        assert_eq!(open.remaining().count(), 2);
        assert!(!open.begun);
        assert_eq!(slot.open(Uuid::from_u128(10).into()), None);
    }

    #[test]
    fn each_member_has_a_slot_of_her_own() {
        // SCN-1: per user and type
        let slot = |owner| ScanSlot::id(Uuid::from_u128(owner).into(), ScanKind::ImageScan);
        assert_eq!(slot(1), slot(1));
        assert_ne!(slot(1), slot(2));
    }
}
