//! RecordAnswer -> ProviderQueried or ProviderFailed, for a picture that is still being worked on.

use super::{ProviderFault, ScanEvent, ScanSlot};
use crate::ids::{ImageId, ScanId};
use chrono::{DateTime, Utc};

/// Note what an engine said about one picture.
#[derive(Debug, Clone)]
pub struct RecordAnswer {
    /// The scan.
    pub scan_id: ScanId,
    /// The picture.
    pub image_id: ImageId,
    /// The engine.
    pub provider: String,
    /// What it said.
    pub answer: Answer,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// When it had answered, or was given up.
    pub ended_at: DateTime<Utc>,
}

/// What an engine said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// So many results; none is a good answer too.
    Results(u32),
    /// Nothing usable.
    Fault(ProviderFault),
}

pub(super) fn decide(slot: &ScanSlot, ask: RecordAnswer) -> Vec<ScanEvent> {
    let open = slot.open(ask.scan_id);
    if !open.is_some_and(|open| open.remaining().any(|image| image == ask.image_id)) {
        return vec![];
    }
    let RecordAnswer {
        scan_id,
        image_id,
        provider,
        answer,
        asked_at,
        ended_at,
    } = ask;
    vec![match answer {
        Answer::Results(results) => {
            let answered_at = ended_at;
            ScanEvent::ProviderQueried {
                scan_id,
                image_id,
                provider,
                results,
                asked_at,
                answered_at,
            }
        }
        Answer::Fault(fault) => {
            let failed_at = ended_at;
            ScanEvent::ProviderFailed {
                scan_id,
                image_id,
                provider,
                fault,
                asked_at,
                failed_at,
            }
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::super::{ScanCommand, start::tests::started};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn says(answer: Answer, image: u128) -> ScanCommand {
        ScanCommand::RecordAnswer(RecordAnswer {
            scan_id: Uuid::from_u128(10).into(),
            image_id: Uuid::from_u128(image).into(),
            provider: "tineye".to_owned(),
            answer,
            asked_at: DateTime::UNIX_EPOCH,
            ended_at: DateTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn no_results_is_an_answer() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(says(Answer::Results(0), 1))
            .then_expect_events(vec![ScanEvent::ProviderQueried {
                scan_id: Uuid::from_u128(10).into(),
                image_id: Uuid::from_u128(1).into(),
                provider: "tineye".to_owned(),
                results: 0,
                asked_at: DateTime::UNIX_EPOCH,
                answered_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn a_fault_is_a_fact_and_not_an_empty_answer() {
        // GEN-3
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(says(Answer::Fault(ProviderFault::Timeout), 1))
            .then_expect_events(vec![ScanEvent::ProviderFailed {
                scan_id: Uuid::from_u128(10).into(),
                image_id: Uuid::from_u128(1).into(),
                provider: "tineye".to_owned(),
                fault: ProviderFault::Timeout,
                asked_at: DateTime::UNIX_EPOCH,
                failed_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn an_answer_about_a_picture_outside_the_scan_is_not_recorded() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(says(Answer::Results(1), 9))
            .then_expect_events(vec![]);
    }

    fn nothing_follows(given: Vec<ScanEvent>, image: u128) {
        for answer in [
            Answer::Results(1),
            Answer::Fault(ProviderFault::InvalidImage),
        ] {
            TestFramework::<ScanSlot>::with(())
                .given(given.clone())
                .when(says(answer, image))
                .then_expect_events(vec![]);
        }
    }

    #[test]
    fn a_late_answer_changes_nothing() {
        // SCN-8: no scan, another scan, a finished picture, a scan that is over
        use super::super::{FailureCode, UnitOutcome, finish_image::tests::finished};
        let over = ScanEvent::ScanFailed {
            scan_id: Uuid::from_u128(10).into(),
            code: FailureCode::ScanTimedOut,
            failed_at: DateTime::UNIX_EPOCH,
        };
        nothing_follows(vec![], 1);
        nothing_follows(vec![started(11)], 1);
        nothing_follows(vec![started(10), finished(1, UnitOutcome::Done)], 1);
        nothing_follows(vec![started(10), over], 1);
    }

    #[test]
    fn an_answer_finishes_no_picture() {
        // SCN-9: how a picture ended is a fact of its own
        let mut slot = ScanSlot::default();
        let answered = ScanEvent::ProviderQueried {
            scan_id: Uuid::from_u128(10).into(),
            image_id: Uuid::from_u128(1).into(),
            provider: "tineye".to_owned(),
            results: 3,
            asked_at: DateTime::UNIX_EPOCH,
            answered_at: DateTime::UNIX_EPOCH,
        };
        for event in [started(10), answered] {
            cqrs_es::Aggregate::apply(&mut slot, event);
        }
        let open = slot.open(Uuid::from_u128(10).into()).unwrap();
        assert_eq!(open.remaining().count(), 2);
    }

    #[test]
    fn a_second_attempt_is_a_second_fact() {
        // SCN-8: attempts are recorded separately; a fault does not bar the answer that comes after it
        let fault = TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(says(Answer::Fault(ProviderFault::Network), 1))
            .inspect_result()
            .unwrap();
        let events = TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .and(fault)
            .when(says(Answer::Results(4), 1))
            .inspect_result()
            .unwrap();
        assert!(
            matches!(
                events.as_slice(),
                [ScanEvent::ProviderQueried { results: 4, .. }]
            ),
            "{events:?}"
        );
    }
}
