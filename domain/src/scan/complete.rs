//! CompleteScan -> ScanCompleted, or ScanFailed when nothing could be searched (SCN-9); once.

use super::{FailureCode, OpenScan, ScanEvent, ScanRefusal, ScanSlot, UnitOutcome, Warning};
use crate::ids::ScanId;
use chrono::{DateTime, Utc};

/// The whole scan is over.
#[derive(Debug, Clone)]
pub struct CompleteScan {
    /// The scan.
    pub scan_id: ScanId,
    /// When.
    pub completed_at: DateTime<Utc>,
}

pub(super) fn decide(slot: &ScanSlot, ask: &CompleteScan) -> Result<Vec<ScanEvent>, ScanRefusal> {
    let Some(open) = slot.open(ask.scan_id) else {
        return Ok(vec![]);
    };
    let remaining = open.remaining().count();
    if remaining > 0 {
        return Err(ScanRefusal::NotFinished { remaining });
    }
    let (scan_id, at) = (ask.scan_id, ask.completed_at);
    Ok(vec![match everything_failed_with(open) {
        Some(code) => ScanEvent::ScanFailed {
            scan_id,
            code,
            failed_at: at,
        },
        None => {
            let warnings = if open.images.is_empty() {
                vec![Warning::NoImages]
            } else {
                vec![]
            };
            ScanEvent::ScanCompleted {
                scan_id,
                warnings,
                completed_at: at,
            }
        }
    }])
}

/// The one code all pictures failed with; different codes together are "all providers failed".
fn everything_failed_with(open: &OpenScan) -> Option<FailureCode> {
    let mut codes = open.finished.values().map(|outcome| match outcome {
        UnitOutcome::Failed(code) => Some(*code),
        UnitOutcome::Done | UnitOutcome::Partial | UnitOutcome::Skipped => None,
    });
    let first = codes.next()??;
    codes.try_fold(first, |common, code| {
        code.map(|code| {
            if code == common {
                common
            } else {
                FailureCode::AllProvidersFailed
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::{ScanCommand, finish_image::tests::finished, start::tests::*};
    use super::*;
    use cqrs_es::test::{AggregateResultValidator, TestFramework};
    use uuid::Uuid;

    const DOWN: UnitOutcome = UnitOutcome::Failed(FailureCode::AllProvidersFailed);
    const BROKE: UnitOutcome = UnitOutcome::Failed(FailureCode::QuotaExhausted);

    fn completes(given: Vec<ScanEvent>) -> AggregateResultValidator<ScanSlot> {
        let scan_id = Uuid::from_u128(10).into();
        let ask = CompleteScan {
            scan_id,
            completed_at: DateTime::UNIX_EPOCH,
        };
        TestFramework::<ScanSlot>::with(())
            .given(given)
            .when(ScanCommand::Complete(ask))
    }

    fn completed(warnings: Vec<Warning>) -> ScanEvent {
        let scan_id = Uuid::from_u128(10).into();
        ScanEvent::ScanCompleted {
            scan_id,
            warnings,
            completed_at: DateTime::UNIX_EPOCH,
        }
    }

    fn failed(code: FailureCode) -> ScanEvent {
        let scan_id = Uuid::from_u128(10).into();
        ScanEvent::ScanFailed {
            scan_id,
            code,
            failed_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn one_picture_that_was_searched_for_completes_the_scan() {
        // SCN-9
        completes(vec![
            started(10),
            finished(1, DOWN),
            finished(2, UnitOutcome::Done),
        ])
        .then_expect_events(vec![completed(vec![])]);
    }

    #[test]
    fn a_scan_in_which_nothing_was_searched_has_failed() {
        // SCN-9, changed: such a scan was COMPLETED and claimed that all checks had run
        completes(vec![started(10), finished(1, BROKE), finished(2, BROKE)])
            .then_expect_events(vec![failed(FailureCode::QuotaExhausted)]);
        completes(vec![started(10), finished(1, BROKE), finished(2, DOWN)])
            .then_expect_events(vec![failed(FailureCode::AllProvidersFailed)]);
    }

    #[test]
    fn a_scan_without_pictures_completes_and_says_so() {
        // SCN-3
        let empty = StartScan {
            images: vec![],
            ..ask(10)
        };
        let started = super::super::start::decide(&ScanSlot::Empty, empty).unwrap();
        completes(started).then_expect_events(vec![completed(vec![Warning::NoImages])]);
    }

    #[test]
    fn a_scan_cannot_complete_while_a_picture_remains() {
        completes(vec![started(10), finished(1, UnitOutcome::Done)])
            .then_expect_error(ScanRefusal::NotFinished { remaining: 1 });
    }

    #[test]
    fn a_final_state_is_final() {
        completes(vec![
            started(10),
            finished(1, DOWN),
            finished(2, DOWN),
            failed(FailureCode::AllProvidersFailed),
        ])
        .then_expect_events(vec![]);
    }

    use super::super::StartScan;

    #[test]
    fn nothing_completes_where_no_such_scan_is_open() {
        // A late worker: no scan, another scan, a scan that completed already
        completes(vec![]).then_expect_events(vec![]);
        completes(vec![started(11)]).then_expect_events(vec![]);
        completes(vec![started(10), completed(vec![])]).then_expect_events(vec![]);
    }

    #[test]
    fn an_untouched_scan_cannot_complete() {
        // SCN-9: nothing is claimed before every picture was worked on
        completes(vec![started(10)]).then_expect_error(ScanRefusal::NotFinished { remaining: 2 });
    }

    #[test]
    fn pictures_skipped_for_want_of_consent_are_not_failures() {
        // CON-1: the scan completes, and its pictures carry the warning
        let skipped = |n| finished(n, UnitOutcome::Skipped);
        completes(vec![started(10), skipped(1), skipped(2)])
            .then_expect_events(vec![completed(vec![])]);
        completes(vec![started(10), skipped(1), finished(2, DOWN)])
            .then_expect_events(vec![completed(vec![])]);
    }

    #[test]
    fn a_partial_search_completes_the_scan() {
        // SCN-9
        completes(vec![
            started(10),
            finished(1, UnitOutcome::Partial),
            finished(2, BROKE),
        ])
        .then_expect_events(vec![completed(vec![])]);
    }

    #[test]
    fn a_code_that_all_pictures_share_is_the_code_of_the_scan() {
        // SCN-9: she reads why, not only that
        for code in [
            FailureCode::ImageUnreadable,
            FailureCode::AllProvidersFailed,
            FailureCode::ProviderAuth,
            FailureCode::ProviderNotConfigured,
            FailureCode::QuotaExhausted,
            FailureCode::ScanTimedOut,
        ] {
            let unit = |n| finished(n, UnitOutcome::Failed(code));
            completes(vec![started(10), unit(1), unit(2)]).then_expect_events(vec![failed(code)]);
        }
    }

    #[test]
    fn two_different_codes_are_reported_as_neither_of_them() {
        // SCN-9: "quota exhausted" would be untrue of the picture that could not be read
        let unreadable = UnitOutcome::Failed(FailureCode::ImageUnreadable);
        for (one, two) in [(unreadable, BROKE), (BROKE, unreadable)] {
            completes(vec![started(10), finished(1, one), finished(2, two)])
                .then_expect_events(vec![failed(FailureCode::AllProvidersFailed)]);
        }
    }
}
