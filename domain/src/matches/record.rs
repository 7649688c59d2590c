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
        Match::Found { last_seen_in, .. } if *last_seen_in == ask.scan_id => vec![],
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
}
