//! A page on which a picture was found: any order of scans that report it (MAT-1, MAT-10, SCN-8).

use chrono::DateTime;
use domain::Share;
use domain::ids::ScanId;
use domain::matches::{
    Disposition, Match, MatchCommand, MatchEvent, MatchType, PageAddress, RecordMatch, Tier,
    Verdict,
};
use proptest::prelude::*;

use crate::{answer, id, state};

fn report(scan: u128, score: u16) -> MatchCommand {
    MatchCommand::Record(Box::new(RecordMatch {
        owner: id(1),
        match_id: id(2),
        image_id: id(3),
        scan_id: id(scan),
        page: PageAddress::parse("https://example.test/p").unwrap(),
        picture: None,
        engine: "tineye".to_owned(),
        similarity: Share::percent(score),
        verdict: Verdict {
            match_type: MatchType::Modified,
            tier: Tier::High,
            disposition: Disposition::Alert,
        },
        is_mock: false,
        detected_at: DateTime::UNIX_EPOCH,
    }))
}

fn found_in(fact: &MatchEvent) -> Option<ScanId> {
    match fact {
        MatchEvent::MatchFound { scan_id, .. } => Some(*scan_id),
        MatchEvent::MatchSeenAgain { .. } => None,
    }
}

proptest! {
    #[test]
    fn a_page_is_found_once_and_each_later_scan_says_so_once(
        reports in prop::collection::vec((1u128..6, 50u16..=100), 1..30),
    ) {
        let mut history: Vec<MatchEvent> = Vec::new();
        let mut scans: Vec<ScanId> = Vec::new();
        for (scan, score) in &reports {
            let facts = answer::<Match>(&history, report(*scan, *score)).unwrap();
            let said_by_first_or_last = [scans.first(), scans.last()].contains(&Some(&id(*scan)));
            prop_assert_eq!(facts.is_empty(), said_by_first_or_last);
            scans.extend(facts.iter().map(|_| id::<ScanId>(*scan)));
            history.extend(facts);
        }
        let found: Vec<ScanId> = history.iter().filter_map(found_in).collect();
        let (first, last) = (id(reports[0].0), *scans.last().unwrap());
        prop_assert_eq!(found, vec![first]);
        let seen = Match::Found { first_seen_in: first, last_seen_in: last };
        prop_assert_eq!(state::<Match>(&history), seen);
    }

    #[test]
    fn a_unit_of_work_that_is_repeated_as_a_whole_adds_nothing(
        scans in 1u128..8,
        repeats in 1usize..4,
    ) {
        // SCN-8: scans come one after another (SCN-1); each reports again after a crash
        let mut history = Vec::new();
        for scan in 1..=scans {
            for _ in 0..repeats {
                history.extend(answer::<Match>(&history, report(scan, 97)).unwrap());
            }
        }
        prop_assert_eq!(history.len(), usize::try_from(scans).unwrap());
    }
}
