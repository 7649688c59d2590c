//! The words of an alert (ALR-5): what was seen, how sure Vara is, one next step. Calm, plain (GEN-2).

use super::MatchFacts;
use crate::matches::MatchType;

pub(super) fn title(about: &MatchFacts) -> String {
    let what = match about.match_type {
        MatchType::Exact => "Your photo was found",
        MatchType::Similar => "A picture close to yours was found",
        MatchType::Modified => "A changed copy of your photo was found",
    };
    format!("{what}{}", on_platform(about))
}

pub(super) fn description(about: &MatchFacts) -> String {
    let what = match about.match_type {
        MatchType::Exact => "A picture that looks the same as yours",
        MatchType::Similar => "A picture very close to yours",
        MatchType::Modified => "A picture that looks like a changed copy of yours",
    };
    format!(
        "{what} is on a public page{}. The two agree by {} percent. \
         You can open the details here first; nothing is sent to anyone unless you decide to.",
        on_platform(about),
        about.similarity.as_percent(),
    )
}

fn on_platform(about: &MatchFacts) -> String {
    about
        .platform
        .map(|p| format!(" on {}", p.display_name()))
        .unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::matches::Tier;
    use crate::{Share, platform::Platform};
    use uuid::Uuid;

    pub(in crate::alert) fn a_copy_on(platform: Option<Platform>) -> MatchFacts {
        MatchFacts {
            match_id: Uuid::from_u128(2).into(),
            image_id: Uuid::from_u128(3).into(),
            scan_id: Uuid::from_u128(4).into(),
            page: "https://example.test/p".to_owned().into(),
            platform,
            similarity: Share::percent(97),
            match_type: MatchType::Exact,
            tier: Tier::High,
            is_mock: false,
        }
    }

    #[test]
    fn the_title_names_the_platform_where_there_is_one() {
        // ALR-5
        assert_eq!(title(&a_copy_on(None)), "Your photo was found");
        assert_eq!(
            title(&a_copy_on(Some(Platform::Twitter))),
            "Your photo was found on X (Twitter)"
        );
    }

    #[test]
    fn the_description_says_how_sure_vara_is_and_never_the_address() {
        // ALR-5, GEN-2
        let text = description(&a_copy_on(Some(Platform::Reddit)));
        assert!(text.contains("97 percent") && text.contains("on Reddit"));
        assert!(!text.contains("example.test") && !text.contains('!'));
    }

    #[test]
    fn a_changed_copy_is_called_a_changed_copy() {
        let changed = MatchFacts {
            match_type: MatchType::Modified,
            ..a_copy_on(None)
        };
        assert_eq!(title(&changed), "A changed copy of your photo was found");
        let similar = MatchFacts {
            match_type: MatchType::Similar,
            ..a_copy_on(None)
        };
        assert_eq!(title(&similar), "A picture close to yours was found");
    }
}
