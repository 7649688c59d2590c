//! How urgent a copy of her picture is (ALR-4).

use super::Severity;
use crate::matches::{MatchType, Tier};

/// The lines of ALR-4 that speak of a copy whose face was not compared.
pub(super) const fn of_copy(tier: Tier, match_type: MatchType) -> Severity {
    match (tier, match_type) {
        (Tier::High, MatchType::Exact) => Severity::Critical,
        (Tier::High, MatchType::Similar | MatchType::Modified) => Severity::High,
        (Tier::MediumHigh | Tier::Medium, _) => Severity::Medium,
        (Tier::Low, _) => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_follow_the_golden_table() {
        // ALR-4 and table 19.3
        let table = [
            (Tier::High, MatchType::Exact, Severity::Critical),
            (Tier::High, MatchType::Similar, Severity::High),
            (Tier::High, MatchType::Modified, Severity::High),
            (Tier::MediumHigh, MatchType::Modified, Severity::Medium),
            (Tier::Medium, MatchType::Modified, Severity::Medium),
            (Tier::Low, MatchType::Exact, Severity::Low),
        ];
        for (tier, match_type, severity) in table {
            assert_eq!(
                of_copy(tier, match_type),
                severity,
                "{tier:?} {match_type:?}"
            );
        }
    }

    const TIERS: [Tier; 4] = [Tier::Low, Tier::Medium, Tier::MediumHigh, Tier::High];
    const TYPES: [MatchType; 3] = [MatchType::Exact, MatchType::Similar, MatchType::Modified];

    #[test]
    fn a_stronger_finding_is_never_less_urgent() {
        // MAT-3, ALR-4
        for match_type in TYPES {
            assert!(TIERS.is_sorted_by_key(|tier| of_copy(*tier, match_type)));
        }
    }

    #[test]
    fn only_the_picture_itself_found_for_certain_is_critical() {
        // ALR-4
        for (tier, match_type) in TIERS.iter().flat_map(|t| TYPES.map(|m| (*t, m))) {
            let certain = (tier, match_type) == (Tier::High, MatchType::Exact);
            let critical = of_copy(tier, match_type) == Severity::Critical;
            assert_eq!(critical, certain, "{tier:?} {match_type:?}");
        }
    }

    #[test]
    fn no_copy_of_her_picture_is_rated_as_mere_information() {
        // ALR-4, changed: exact copies were rated INFO because the inputs never reached the table
        for (tier, match_type) in TIERS.iter().flat_map(|t| TYPES.map(|m| (*t, m))) {
            assert!(of_copy(tier, match_type) > Severity::Info);
        }
    }
}
