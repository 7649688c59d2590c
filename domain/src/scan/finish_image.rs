//! FinishImage -> ImageScanned, once for each picture of a scan (SCN-8, SCN-9).

use super::{ScanEvent, ScanSlot, Tally, UnitOutcome, Warning};
use crate::ids::{ImageId, ScanId};
use chrono::{DateTime, Utc};

/// The work on one picture is over.
#[derive(Debug, Clone)]
pub struct FinishImage {
    /// The scan.
    pub scan_id: ScanId,
    /// The picture.
    pub image_id: ImageId,
    /// How it ended.
    pub outcome: UnitOutcome,
    /// What was counted.
    pub tally: Tally,
    /// What she must know about the coverage.
    pub warnings: Vec<Warning>,
    /// When.
    pub scanned_at: DateTime<Utc>,
}

pub(super) fn decide(slot: &ScanSlot, ask: FinishImage) -> Vec<ScanEvent> {
    let open = slot.open(ask.scan_id);
    if !open.is_some_and(|open| open.remaining().any(|image| image == ask.image_id)) {
        return vec![];
    }
    let FinishImage {
        scan_id,
        image_id,
        outcome,
        tally,
        warnings,
        scanned_at,
    } = ask;
    vec![ScanEvent::ImageScanned {
        scan_id,
        image_id,
        outcome,
        tally,
        warnings,
        scanned_at,
    }]
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{ScanCommand, start::tests::started};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn ask(image: u128, outcome: UnitOutcome) -> FinishImage {
        FinishImage {
            scan_id: Uuid::from_u128(10).into(),
            image_id: Uuid::from_u128(image).into(),
            outcome,
            tally: Tally::default(),
            warnings: vec![],
            scanned_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in crate::scan) fn finished(image: u128, outcome: UnitOutcome) -> ScanEvent {
        let mut slot = ScanSlot::default();
        cqrs_es::Aggregate::apply(&mut slot, started(10));
        decide(&slot, ask(image, outcome)).remove(0)
    }

    #[test]
    fn a_picture_is_finished_once() {
        // SCN-8: a unit already finished in an earlier attempt is not repeated
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10), finished(1, UnitOutcome::Done)])
            .when(ScanCommand::FinishImage(ask(1, UnitOutcome::Done)))
            .then_expect_events(vec![]);
    }

    #[test]
    fn the_next_picture_is_finished_after_the_first() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10), finished(1, UnitOutcome::Done)])
            .when(ScanCommand::FinishImage(ask(2, UnitOutcome::Partial)))
            .then_expect_events(vec![finished(2, UnitOutcome::Partial)]);
    }

    #[test]
    fn a_picture_outside_the_scan_is_not_finished() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(ScanCommand::FinishImage(ask(9, UnitOutcome::Done)))
            .then_expect_events(vec![]);
    }

    fn nothing_follows(given: Vec<ScanEvent>, ask: FinishImage) {
        TestFramework::<ScanSlot>::with(())
            .given(given)
            .when(ScanCommand::FinishImage(ask))
            .then_expect_events(vec![]);
    }

    #[test]
    fn no_picture_is_finished_without_its_open_scan() {
        // SCN-8: no scan, another scan, a scan that is over
        let over = ScanEvent::ScanCompleted {
            scan_id: Uuid::from_u128(10).into(),
            warnings: vec![],
            completed_at: DateTime::UNIX_EPOCH,
        };
        nothing_follows(vec![], ask(1, UnitOutcome::Done));
        nothing_follows(vec![started(11)], ask(1, UnitOutcome::Done));
        nothing_follows(vec![started(10), over], ask(1, UnitOutcome::Done));
    }

    #[test]
    fn how_a_picture_ended_is_never_said_twice_nor_otherwise() {
        // SCN-8: a late attempt cannot turn "failed" into "done", nor the other way
        let failed = UnitOutcome::Failed(super::super::FailureCode::AllProvidersFailed);
        let endings = [
            UnitOutcome::Done,
            UnitOutcome::Partial,
            UnitOutcome::Skipped,
            failed,
        ];
        for first in endings {
            for second in endings {
                nothing_follows(vec![started(10), finished(1, first)], ask(1, second));
            }
        }
    }

    #[test]
    fn pictures_may_end_in_any_order() {
        let open_after = |events: Vec<ScanEvent>| {
            let mut slot = ScanSlot::default();
            events
                .into_iter()
                .for_each(|event| cqrs_es::Aggregate::apply(&mut slot, event));
            slot
        };
        let (one, two) = (
            finished(1, UnitOutcome::Done),
            finished(2, UnitOutcome::Skipped),
        );
        assert_eq!(
            open_after(vec![started(10), one.clone(), two.clone()]),
            open_after(vec![started(10), two, one])
        );
    }

    #[test]
    fn what_was_counted_and_what_she_must_know_stands_in_the_fact() {
        // SCN-9, SCN-12
        let tally = Tally {
            matches_found: 2,
            below_threshold: 1,
            ..Tally::default()
        };
        let partial = FinishImage {
            tally: tally.clone(),
            warnings: vec![Warning::Truncated],
            ..ask(1, UnitOutcome::Partial)
        };
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(ScanCommand::FinishImage(partial))
            .then_expect_events(vec![ScanEvent::ImageScanned {
                scan_id: Uuid::from_u128(10).into(),
                image_id: Uuid::from_u128(1).into(),
                outcome: UnitOutcome::Partial,
                tally,
                warnings: vec![Warning::Truncated],
                scanned_at: DateTime::UNIX_EPOCH,
            }]);
    }
}
