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
}
