//! From what a copy search reports to what it means (MAT-2, MAT-7; golden table 19.3).

use super::{Disposition, MatchType, Tier};
use crate::Share;
use serde::{Deserialize, Serialize};

/// One result of a copy search for her own picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFinding {
    /// The engine's score.
    pub score: Share,
    /// Share of her picture that was found again, where the engine says it.
    pub query_share: Option<Share>,
    /// Cosine similarity of the two pictures' vectors, where both could be made (MAT-5).
    pub vector_similarity: Option<Share>,
    /// Tagged as a stock photograph: recorded, no alert (MAT-11).
    pub stock: bool,
}

/// What a finding is, when it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What kind of copy.
    pub match_type: MatchType,
    /// How strong.
    pub tier: Tier,
    /// What follows.
    pub disposition: Disposition,
}

/// Why a result is no finding; counted by reason in the scan's breakdown (MAT-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Discarded {
    /// Too little of her picture, or too low a score.
    BelowThreshold,
    /// The vectors say that it is another picture.
    ClipMismatch,
    /// No page to point to.
    BadUrl,
}

/// Classifies one result for a picture without a face vector, or before faces are known.
///
/// A weak result (score below 50) needs the vectors to agree; where the found picture could not be
/// compared it waits for her review instead of being dropped or shown as certain (MAT-6).
///
/// # Errors
/// [`Discarded`] with the reason, when the result is no finding.
pub fn classify_copy(finding: CopyFinding) -> Result<Verdict, Discarded> {
    let enough = match finding.query_share {
        Some(share) => share >= Share::percent(5),
        None => finding.score >= Share::percent(20),
    };
    if !enough {
        return Err(Discarded::BelowThreshold);
    }
    let (tier, disposition) = if finding.score >= Share::percent(80) {
        (Tier::High, Disposition::Alert)
    } else if finding.score >= Share::percent(50) {
        (Tier::MediumHigh, Disposition::Alert)
    } else {
        match finding.vector_similarity {
            Some(similarity) if similarity < Share::percent(80) => {
                return Err(Discarded::ClipMismatch);
            }
            Some(_) | None => (Tier::Low, Disposition::Review),
        }
    };
    let disposition = if finding.stock {
        Disposition::Record
    } else {
        disposition
    };
    Ok(Verdict {
        match_type: match_type(finding.score),
        tier,
        disposition,
    })
}

fn match_type(similarity: Share) -> MatchType {
    if similarity >= Share::percent(95) {
        MatchType::Exact
    } else if similarity >= Share::percent(85) {
        MatchType::Similar
    } else {
        MatchType::Modified
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(score: f64, share: Option<f64>) -> CopyFinding {
        CopyFinding {
            score: Share::try_from_score(score).unwrap(),
            query_share: share.map(|s| Share::try_from_score(s).unwrap()),
            vector_similarity: None,
            stock: false,
        }
    }

    #[test]
    fn copy_search_results_are_classified_as_the_golden_table_says() {
        // Table 19.3
        use Disposition::{Alert, Review};
        use MatchType::{Exact, Modified, Similar};
        use Tier::{High, Low, MediumHigh};
        let table = [
            (97.0, Some(80.0), Ok((Exact, High, Alert))),
            (90.0, Some(80.0), Ok((Similar, High, Alert))),
            (80.0, Some(60.0), Ok((Modified, High, Alert))),
            (79.9, Some(60.0), Ok((Modified, MediumHigh, Alert))),
            (50.0, Some(30.0), Ok((Modified, MediumHigh, Alert))),
            (49.9, Some(30.0), Ok((Modified, Low, Review))),
            (22.4, Some(12.0), Ok((Modified, Low, Review))),
            (51.4, Some(3.0), Err(Discarded::BelowThreshold)),
            (19.9, None, Err(Discarded::BelowThreshold)),
            (20.0, None, Ok((Modified, Low, Review))),
        ];
        for (score, share, expected) in table {
            let verdict = classify_copy(finding(score, share));
            let seen = verdict.map(|v| (v.match_type, v.tier, v.disposition));
            assert_eq!(seen, expected, "score {score}, share {share:?}");
        }
    }

    #[test]
    fn a_weak_result_whose_vectors_disagree_is_another_picture() {
        // MAT-5: 0.80 passes, less does not
        let weak = |unit| CopyFinding {
            vector_similarity: Some(Share::try_from_unit(unit).unwrap()),
            ..finding(30.0, Some(12.0))
        };
        assert_eq!(classify_copy(weak(0.7999)), Err(Discarded::ClipMismatch));
        assert_eq!(
            classify_copy(weak(0.80)).unwrap().disposition,
            Disposition::Review
        );
    }

    #[test]
    fn a_stock_photograph_is_recorded_and_alarms_nobody() {
        // MAT-11
        let stock = CopyFinding {
            stock: true,
            ..finding(97.0, Some(80.0))
        };
        assert_eq!(
            classify_copy(stock).unwrap().disposition,
            Disposition::Record
        );
    }

    #[test]
    fn a_strong_result_needs_no_vectors_and_is_not_dropped_by_them() {
        // MAT-2: verification by vector is for scores below 50
        for score in [50.0, 79.9, 80.0, 97.0] {
            let far = CopyFinding {
                vector_similarity: Some(Share::ZERO),
                ..finding(score, Some(30.0))
            };
            assert_eq!(
                classify_copy(far),
                classify_copy(finding(score, Some(30.0)))
            );
        }
    }

    #[test]
    fn a_stock_photograph_is_not_kept_against_the_vectors_or_below_the_bounds() {
        // MAT-11 comes after MAT-2 and MAT-6: stock rescues nothing
        let stock = |finding| CopyFinding {
            stock: true,
            ..finding
        };
        let other = CopyFinding {
            vector_similarity: Some(Share::ZERO),
            ..finding(30.0, Some(12.0))
        };
        assert_eq!(classify_copy(stock(other)), Err(Discarded::ClipMismatch));
        assert_eq!(
            classify_copy(stock(finding(97.0, Some(4.99)))),
            Err(Discarded::BelowThreshold)
        );
    }

    #[test]
    fn a_share_of_her_picture_counts_only_where_it_is_known() {
        // MAT-2: known and below 5, or unknown and score below 20
        let table = [
            (0.0, Some(5.0), true),
            (19.9, Some(5.0), true),
            (100.0, Some(4.99), false),
            (100.0, Some(0.0), false),
            (19.99, None, false),
            (20.0, None, true),
        ];
        for (score, share, kept) in table {
            let verdict = classify_copy(finding(score, share));
            assert_eq!(verdict.is_ok(), kept, "score {score}, share {share:?}");
        }
    }

    #[test]
    fn kinds_of_copies_begin_at_their_bounds() {
        // MAT-7: 0.95 EXACT, 0.85 SIMILAR
        let table = [
            (95.0, MatchType::Exact),
            (94.99, MatchType::Similar),
            (85.0, MatchType::Similar),
            (84.99, MatchType::Modified),
        ];
        for (score, kind) in table {
            let verdict = classify_copy(finding(score, Some(50.0))).unwrap();
            assert_eq!(verdict.match_type, kind, "score {score}");
        }
    }
}
