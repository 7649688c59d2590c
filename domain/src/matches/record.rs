//! RecordMatch -> MatchFound, once for each page; MatchSeenAgain, once for each later scan (MAT-10).

use super::{Match, MatchEvent, PageAddress, Verdict};
use crate::Share;
use crate::ids::{ImageId, MatchId, ScanId, UserId};
use chrono::{DateTime, Utc};

/// Note that a picture was found on a page.
#[derive(Debug, Clone)]
pub struct RecordMatch {
    /// Whose picture.
    pub owner: UserId,
    /// The match: computed from the picture and the page under the owner's key.
    pub match_id: MatchId,
    /// Which picture.
    pub image_id: ImageId,
    /// In which scan.
    pub scan_id: ScanId,
    /// The page.
    pub page: PageAddress,
    /// The found picture itself, where the engine names it.
    pub picture: Option<PageAddress>,
    /// The engine that found it.
    pub engine: String,
    /// How alike, by the engine's score.
    pub similarity: Share,
    /// What it means (MAT-2).
    pub verdict: Verdict,
    /// Found by a stand-in of the engine, in a demonstration (GEN-4).
    pub is_mock: bool,
    /// When.
    pub detected_at: DateTime<Utc>,
}

pub(super) fn decide(known: &Match, ask: RecordMatch) -> Vec<MatchEvent> {
    match known {
        Match::Unknown => vec![found(ask)],
        Match::Found {
            first_seen_in,
            last_seen_in,
        } if [first_seen_in, last_seen_in].contains(&&ask.scan_id) => vec![],
        Match::Found { .. } => vec![MatchEvent::MatchSeenAgain {
            match_id: ask.match_id,
            scan_id: ask.scan_id,
            similarity: ask.similarity,
            seen_at: ask.detected_at,
        }],
    }
}

fn found(ask: RecordMatch) -> MatchEvent {
    MatchEvent::MatchFound {
        owner: ask.owner,
        match_id: ask.match_id,
        image_id: ask.image_id,
        scan_id: ask.scan_id,
        platform: ask.page.platform(),
        page: ask.page.as_str().to_owned().into(),
        picture: ask
            .picture
            .map(|picture| picture.as_str().to_owned().into()),
        engine: ask.engine,
        similarity: ask.similarity,
        match_type: ask.verdict.match_type,
        tier: ask.verdict.tier,
        disposition: ask.verdict.disposition,
        is_mock: ask.is_mock,
        detected_at: ask.detected_at,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Disposition, MatchCommand, MatchType, Tier};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn seen_in(scan: u128) -> RecordMatch {
        RecordMatch {
            owner: Uuid::from_u128(1).into(),
            match_id: Uuid::from_u128(2).into(),
            image_id: Uuid::from_u128(3).into(),
            scan_id: Uuid::from_u128(scan).into(),
            page: PageAddress::parse("https://x.com/p").unwrap(),
            picture: None,
            engine: "tineye".to_owned(),
            similarity: Share::percent(97),
            verdict: Verdict {
                match_type: MatchType::Exact,
                tier: Tier::High,
                disposition: Disposition::Alert,
            },
            is_mock: false,
            detected_at: DateTime::UNIX_EPOCH,
        }
    }

    fn records(ask: RecordMatch) -> MatchCommand {
        MatchCommand::Record(Box::new(ask))
    }

    #[test]
    fn a_page_is_found_once() {
        // MAT-1
        TestFramework::<Match>::with(())
            .given_no_previous_events()
            .when(records(seen_in(10)))
            .then_expect_events(vec![found(seen_in(10))]);
    }

    #[test]
    fn the_same_scan_reporting_again_changes_nothing() {
        // SCN-8: re-delivery never doubles a match
        TestFramework::<Match>::with(())
            .given(vec![found(seen_in(10))])
            .when(records(seen_in(10)))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_later_scan_only_notes_that_it_is_still_there() {
        // MAT-10
        TestFramework::<Match>::with(())
            .given(vec![found(seen_in(10))])
            .when(records(seen_in(11)))
            .then_expect_events(vec![MatchEvent::MatchSeenAgain {
                match_id: Uuid::from_u128(2).into(),
                scan_id: Uuid::from_u128(11).into(),
                similarity: Share::percent(97),
                seen_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn the_page_is_a_personal_value_and_its_platform_is_not() {
        // AUD-2
        let MatchEvent::MatchFound { page, platform, .. } = found(seen_in(10)) else {
            panic!("a first finding")
        };
        assert_eq!(format!("{page:?}"), "Personal(withheld)");
        assert_eq!(platform, Some(crate::platform::Platform::Twitter));
    }

    fn state(scans: &[u128]) -> Match {
        let mut known = Match::default();
        for scan in scans {
            for event in decide(&known, seen_in(*scan)) {
                cqrs_es::Aggregate::apply(&mut known, event);
            }
        }
        known
    }

    #[test]
    fn the_scan_that_found_it_first_stays_the_first() {
        // MAT-8, MAT-10
        let seen = Match::Found {
            first_seen_in: Uuid::from_u128(10).into(),
            last_seen_in: Uuid::from_u128(12).into(),
        };
        assert_eq!(state(&[10, 11, 12]), seen);
    }

    #[test]
    fn an_earlier_scan_that_reports_late_changes_nothing() {
        // SCN-8: the scan that found it has nothing new to say after a later one saw it again
        assert_eq!(decide(&state(&[10, 11]), seen_in(10)), vec![]);
        assert_eq!(decide(&state(&[10, 11]), seen_in(11)), vec![]);
        assert_eq!(decide(&state(&[10, 11]), seen_in(12)).len(), 1);
    }

    #[test]
    fn a_page_seen_again_is_not_judged_anew() {
        // MAT-10: lastSeenAt, scan and similarity change, nothing else
        let weaker = RecordMatch {
            similarity: Share::percent(51),
            verdict: Verdict {
                match_type: MatchType::Modified,
                tier: Tier::MediumHigh,
                disposition: Disposition::Alert,
            },
            ..seen_in(11)
        };
        let again = decide(&state(&[10]), weaker);
        assert_eq!(
            again,
            vec![MatchEvent::MatchSeenAgain {
                match_id: Uuid::from_u128(2).into(),
                scan_id: Uuid::from_u128(11).into(),
                similarity: Share::percent(51),
                seen_at: DateTime::UNIX_EPOCH,
            }]
        );
    }

    #[test]
    fn every_verdict_is_recorded_whatever_follows_from_it() {
        // MAT-2, MAT-11: a stock photograph is recorded too
        for disposition in [Disposition::Alert, Disposition::Review, Disposition::Record] {
            let mut ask = seen_in(10);
            ask.verdict.disposition = disposition;
            let events = decide(&Match::Unknown, ask);
            let [
                MatchEvent::MatchFound {
                    disposition: held, ..
                },
            ] = events.as_slice()
            else {
                panic!("a first finding: {events:?}")
            };
            assert_eq!(*held, disposition);
        }
    }

    #[test]
    fn a_finding_of_a_demonstration_is_marked_as_one_and_others_are_not() {
        // GEN-4
        for is_mock in [true, false] {
            let ask = RecordMatch {
                is_mock,
                ..seen_in(10)
            };
            let MatchEvent::MatchFound { is_mock: held, .. } = found(ask) else {
                panic!("a first finding")
            };
            assert_eq!(held, is_mock);
        }
    }

    #[test]
    fn a_sighting_of_what_was_never_found_is_no_finding() {
        let mut known = Match::Unknown;
        let again = decide(&state(&[10]), seen_in(11)).remove(0);
        cqrs_es::Aggregate::apply(&mut known, again);
        assert_eq!(known, Match::Unknown);
    }
}
