//! What results of a copy search mean (MAT-2, MAT-5, MAT-7, MAT-11; table 19.3).

use domain::Share;
use domain::alert::{Alert, AlertCommand, AlertEvent, MatchFacts, RaiseAlert, Severity};
use domain::ids::AlertId;
use domain::matches::{CopyFinding, Discarded, Disposition, MatchType, Tier, classify_copy};
use proptest::prelude::*;

use crate::{answer, id};

fn share() -> impl Strategy<Value = Share> {
    // Bounds of the rules are tried as often as the whole range between them.
    let bounds = prop::sample::select(vec![
        0, 499, 500, 1_999, 2_000, 4_999, 5_000, 7_999, 8_000, 8_499, 8_500, 9_499, 9_500, 10_000,
    ]);
    prop_oneof![bounds, 0u16..=10_000].prop_map(|n| Share::try_from(n).unwrap())
}

fn finding() -> impl Strategy<Value = CopyFinding> {
    let vectors = prop::option::of(share());
    (share(), prop::option::of(share()), vectors, any::<bool>()).prop_map(
        |(score, query_share, vector_similarity, stock)| CopyFinding {
            score,
            query_share,
            vector_similarity,
            stock,
        },
    )
}

/// The rank of what became of a result: left out, then the tiers.
fn rank(finding: CopyFinding) -> u8 {
    match classify_copy(finding).map(|verdict| verdict.tier) {
        Err(Discarded::BelowThreshold | Discarded::ClipMismatch | Discarded::BadUrl) => 0,
        Ok(Tier::Low) => 1,
        Ok(Tier::Medium) => 2,
        Ok(Tier::MediumHigh) => 3,
        Ok(Tier::High) => 4,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_sliver_of_her_picture_never_alarms_her(finding in finding(), sliver in 0u16..500) {
        // MAT-2: a share that is known and below 5 is a logo or a text
        let sliver = CopyFinding { query_share: Some(Share::try_from(sliver).unwrap()), ..finding };
        prop_assert_eq!(classify_copy(sliver), Err(Discarded::BelowThreshold));
    }

    #[test]
    fn a_stock_photograph_never_alarms_her(finding in finding()) {
        // MAT-11: recorded, and asked about by nobody
        if let Ok(verdict) = classify_copy(CopyFinding { stock: true, ..finding }) {
            prop_assert_eq!(verdict.disposition, Disposition::Record);
        }
    }

    #[test]
    fn being_a_stock_photograph_changes_what_follows_and_nothing_else(finding in finding()) {
        // MAT-11
        let seen = |stock| {
            classify_copy(CopyFinding { stock, ..finding }).map(|v| (v.match_type, v.tier))
        };
        prop_assert_eq!(seen(true), seen(false));
    }

    #[test]
    fn a_higher_score_is_never_a_weaker_finding(finding in finding(), other in share()) {
        // MAT-3
        let (low, high) = (finding.score.min(other), finding.score.max(other));
        let ranked = |score| rank(CopyFinding { score, ..finding });
        prop_assert!(ranked(low) <= ranked(high));
    }

    #[test]
    fn a_weak_result_that_could_not_be_compared_waits_for_her(
        finding in finding(),
        score in 0u16..5_000,
    ) {
        // MAT-6: neither dropped nor shown as certain
        let weak = CopyFinding {
            score: Share::try_from(score).unwrap(),
            vector_similarity: None,
            stock: false,
            ..finding
        };
        match classify_copy(weak) {
            Ok(verdict) => {
                let seen = (verdict.tier, verdict.disposition);
                prop_assert_eq!(seen, (Tier::Low, Disposition::Review));
            }
            Err(reason) => prop_assert_eq!(reason, Discarded::BelowThreshold),
        }
    }

    #[test]
    fn a_weak_tier_never_alarms_her(finding in finding()) {
        // MAT-2, table 19.3: LOW is for the review queue
        if let Ok(verdict) = classify_copy(finding) {
            let told = verdict.disposition == Disposition::Alert;
            prop_assert_eq!(told, verdict.tier > Tier::Low && !finding.stock);
            // MEDIUM is for expansion and web detection.
            prop_assert_ne!(verdict.tier, Tier::Medium);
        }
    }

    #[test]
    fn vectors_decide_about_weak_results_only(
        finding in finding(),
        one in share(),
        two in share(),
    ) {
        // MAT-5
        let with = |similarity| {
            let vector_similarity = Some(similarity);
            classify_copy(CopyFinding { vector_similarity, ..finding })
        };
        if finding.score >= Share::percent(50) {
            prop_assert_eq!(with(one), with(two));
        }
        if classify_copy(finding) == Err(Discarded::ClipMismatch) {
            prop_assert!(finding.score < Share::percent(50));
        }
    }

    #[test]
    fn the_kind_of_copy_follows_from_the_score_alone(one in finding(), two in finding()) {
        // MAT-7
        let two = CopyFinding { score: one.score, ..two };
        if let (Ok(one), Ok(two)) = (classify_copy(one), classify_copy(two)) {
            prop_assert_eq!(one.match_type, two.match_type);
        }
    }
}

fn severity_of(score: Share, match_type: MatchType, tier: Tier) -> Severity {
    let ask = RaiseAlert {
        owner: id(1),
        alert_id: AlertId::of_cause("match:2"),
        about: MatchFacts {
            match_id: id(2),
            image_id: id(3),
            scan_id: id(4),
            page: "https://example.test/p".to_owned().into(),
            platform: None,
            similarity: score,
            match_type,
            tier,
            is_mock: false,
        },
        raised_at: chrono::DateTime::UNIX_EPOCH,
    };
    let events = answer::<Alert>(&[], AlertCommand::Raise(Box::new(ask))).unwrap();
    let [AlertEvent::AlertRaised { severity, .. }] = events.as_slice() else {
        panic!("one alert: {events:?}")
    };
    *severity
}

#[test]
fn results_become_alerts_of_the_severity_that_the_golden_table_names() {
    // Table 19.3, row by row, from the score to the severity
    use Disposition::{Alert, Review};
    use MatchType::{Exact, Modified, Similar};
    use Tier::{High, Low, MediumHigh};
    let table = [
        (
            (97.0, Some(80.0)),
            (Exact, High, Alert),
            Some(Severity::Critical),
        ),
        (
            (90.0, Some(80.0)),
            (Similar, High, Alert),
            Some(Severity::High),
        ),
        (
            (80.0, Some(60.0)),
            (Modified, High, Alert),
            Some(Severity::High),
        ),
        (
            (79.9, Some(60.0)),
            (Modified, MediumHigh, Alert),
            Some(Severity::Medium),
        ),
        (
            (50.0, Some(30.0)),
            (Modified, MediumHigh, Alert),
            Some(Severity::Medium),
        ),
        ((49.9, Some(30.0)), (Modified, Low, Review), None),
        ((22.4, Some(12.0)), (Modified, Low, Review), None),
        ((20.0, None), (Modified, Low, Review), None),
    ];
    for ((score, share), expected, severity) in table {
        let score = Share::try_from_score(score).unwrap();
        let verdict = classify_copy(CopyFinding {
            score,
            query_share: share.map(|s| Share::try_from_score(s).unwrap()),
            vector_similarity: None,
            stock: false,
        })
        .unwrap();
        let seen = (verdict.match_type, verdict.tier, verdict.disposition);
        assert_eq!(seen, expected, "{score:?}");
        if let Some(severity) = severity {
            assert_eq!(severity_of(score, seen.0, seen.1), severity, "{score:?}");
        }
    }
}

#[test]
fn the_discarded_rows_of_the_golden_table_are_discarded() {
    // Table 19.3: (51.4, share 3), (19.9, unknown), and weak rows whose vectors disagree
    let result = |score, share: Option<f64>, vectors: Option<f64>| {
        classify_copy(CopyFinding {
            score: Share::try_from_score(score).unwrap(),
            query_share: share.map(|s| Share::try_from_score(s).unwrap()),
            vector_similarity: vectors.map(|v| Share::try_from_unit(v).unwrap()),
            stock: false,
        })
    };
    assert_eq!(
        result(51.4, Some(3.0), None),
        Err(Discarded::BelowThreshold)
    );
    assert_eq!(result(19.9, None, None), Err(Discarded::BelowThreshold));
    for (score, share) in [(49.9, Some(30.0)), (22.4, Some(12.0)), (20.0, None)] {
        assert_eq!(
            result(score, share, Some(0.79)),
            Err(Discarded::ClipMismatch)
        );
        assert!(result(score, share, Some(0.80)).is_ok(), "{score}");
    }
}
