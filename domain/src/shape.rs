//! The facts that are written today, and the version of each one's shape. Each noun lists its own, beside the facts.

use crate::alert::AlertEvent;
use crate::hash_case::HashCaseEvent;
use crate::image::ImageEvent;
use crate::matches::MatchEvent;
use crate::plan::PlanEvent;
use crate::scan::ScanEvent;
use crate::user::UserEvent;

/// One fact as it is written today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// The noun: `user`, `image`, `scan`, `match`, `alert`, `plan`, `hash_case`.
    pub noun: &'static str,
    /// The fact's name, as `MatchFound`.
    pub event_type: &'static str,
    /// Version of its fields, counted from 1; one more with every step of [`crate::upcast`].
    pub version: u32,
}

impl Shape {
    pub(crate) const fn of(noun: &'static str, event_type: &'static str, version: u32) -> Self {
        Self {
            noun,
            event_type,
            version,
        }
    }
}

/// Every fact that this program writes and reads, by noun.
pub const SHAPES: [&[Shape]; 7] = [
    &UserEvent::SHAPES,
    &ImageEvent::SHAPES,
    &ScanEvent::SHAPES,
    &MatchEvent::SHAPES,
    &AlertEvent::SHAPES,
    &PlanEvent::SHAPES,
    &HashCaseEvent::SHAPES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_fact_has_one_shape_today_and_versions_count_from_one() {
        let all: Vec<Shape> = SHAPES.concat();
        let names: BTreeSet<_> = all.iter().map(|s| (s.noun, s.event_type)).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|shape| shape.version >= 1));
    }

    #[test]
    fn each_noun_lists_its_own_facts_and_no_others() {
        let nouns = SHAPES.map(|facts| {
            let nouns: BTreeSet<&str> = facts.iter().map(|shape| shape.noun).collect();
            nouns.into_iter().collect::<Vec<_>>().join("+")
        });
        assert_eq!(
            nouns,
            [
                "user",
                "image",
                "scan",
                "match",
                "alert",
                "plan",
                "hash_case"
            ]
        );
    }
}
