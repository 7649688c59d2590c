//! BeginScan -> ScanBegun, once for each scan; a second worker finds it begun.

use super::{ScanEvent, ScanSlot};
use crate::ids::ScanId;
use chrono::{DateTime, Utc};

/// A worker takes a scan up.
#[derive(Debug, Clone)]
pub struct BeginScan {
    /// The scan.
    pub scan_id: ScanId,
    /// When.
    pub begun_at: DateTime<Utc>,
}

pub(super) fn decide(slot: &ScanSlot, ask: &BeginScan) -> Vec<ScanEvent> {
    match slot.open(ask.scan_id) {
        Some(open) if !open.begun => {
            vec![ScanEvent::ScanBegun {
                scan_id: ask.scan_id,
                begun_at: ask.begun_at,
            }]
        }
        // Begun already, or over: the work is done, or being done.
        Some(_) | None => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ScanCommand, start::tests::started};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn begin(scan: u128) -> ScanCommand {
        let scan_id = Uuid::from_u128(scan).into();
        ScanCommand::Begin(BeginScan {
            scan_id,
            begun_at: DateTime::UNIX_EPOCH,
        })
    }

    fn begun(scan: u128) -> ScanEvent {
        let scan_id = Uuid::from_u128(scan).into();
        ScanEvent::ScanBegun {
            scan_id,
            begun_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_pending_scan_begins() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10)])
            .when(begin(10))
            .then_expect_events(vec![begun(10)]);
    }

    #[test]
    fn a_scan_that_has_begun_does_not_begin_again() {
        // SCN-8
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(10), begun(10)])
            .when(begin(10))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_late_worker_cannot_begin_a_scan_that_is_not_open() {
        TestFramework::<ScanSlot>::with(())
            .given(vec![started(11)])
            .when(begin(10))
            .then_expect_events(vec![]);
    }

    #[test]
    fn nothing_begins_where_no_scan_was_ever_started() {
        TestFramework::<ScanSlot>::with(())
            .given_no_previous_events()
            .when(begin(10))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_scan_that_is_over_does_not_begin_again() {
        // Section 8, changed: a failed attempt used to show FAILED and then RUNNING again
        let failed = ScanEvent::ScanFailed {
            scan_id: Uuid::from_u128(10).into(),
            code: super::super::FailureCode::ScanTimedOut,
            failed_at: DateTime::UNIX_EPOCH,
        };
        for history in [
            vec![started(10), begun(10), failed.clone()],
            vec![started(10), failed],
        ] {
            TestFramework::<ScanSlot>::with(())
                .given(history)
                .when(begin(10))
                .then_expect_events(vec![]);
        }
    }
}
