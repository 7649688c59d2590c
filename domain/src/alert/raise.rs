//! RaiseAlert -> AlertRaised, once for each cause (ALR-1).

use super::{Alert, AlertEvent, AlertKind, MatchFacts, severity, words};
use crate::ids::{AlertId, UserId};
use chrono::{DateTime, Utc};

/// Tell her about a finding.
#[derive(Debug, Clone)]
pub struct RaiseAlert {
    /// Who is told.
    pub owner: UserId,
    /// The alert: computed from its cause.
    pub alert_id: AlertId,
    /// The finding.
    pub about: MatchFacts,
    /// When.
    pub raised_at: DateTime<Utc>,
}

pub(super) fn decide(alert: &Alert, ask: RaiseAlert) -> Vec<AlertEvent> {
    match alert {
        Alert::New => vec![],
        Alert::Unraised => vec![AlertEvent::AlertRaised {
            owner: ask.owner,
            alert_id: ask.alert_id,
            kind: AlertKind::ImageMisuse,
            severity: severity::of_copy(ask.about.tier, ask.about.match_type),
            title: words::title(&ask.about).into(),
            description: words::description(&ask.about).into(),
            about: ask.about,
            raised_at: ask.raised_at,
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AlertCommand, words::tests::a_copy_on};
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn ask() -> RaiseAlert {
        RaiseAlert {
            owner: Uuid::from_u128(1).into(),
            alert_id: AlertId::of_cause("match:2"),
            about: a_copy_on(None),
            raised_at: DateTime::UNIX_EPOCH,
        }
    }

    fn raise() -> AlertCommand {
        AlertCommand::Raise(Box::new(ask()))
    }

    #[test]
    fn a_finding_raises_one_alert() {
        let raised = decide(&Alert::Unraised, ask());
        assert_eq!(raised.len(), 1);
        TestFramework::<Alert>::with(())
            .given_no_previous_events()
            .when(raise())
            .then_expect_events(raised);
    }

    #[test]
    fn the_same_cause_raises_no_second_alert() {
        // ALR-1, changed: each repeat scan raised all alerts again
        TestFramework::<Alert>::with(())
            .given(decide(&Alert::Unraised, ask()))
            .when(raise())
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_raised_alert_is_not_rewritten_by_other_facts_about_the_same_cause() {
        // ALR-1: a second attempt with the same key changes nothing, whatever it brings
        use crate::matches::{MatchType, Tier};
        let mut other = ask();
        other.about.match_type = MatchType::Modified;
        other.about.tier = Tier::MediumHigh;
        other.raised_at = DateTime::UNIX_EPOCH + chrono::Duration::days(1);
        TestFramework::<Alert>::with(())
            .given(decide(&Alert::Unraised, ask()))
            .when(AlertCommand::Raise(Box::new(other)))
            .then_expect_events(vec![]);
    }

    #[test]
    fn an_alert_prints_neither_its_page_nor_its_words() {
        // AUD-5: the words name the platform, the page names the place
        use crate::platform::Platform;
        let told = RaiseAlert {
            about: a_copy_on(Some(Platform::Reddit)),
            ..ask()
        };
        let printed = format!("{:?}", decide(&Alert::Unraised, told));
        for secret in ["example.test", "Your photo", "percent"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn an_alert_from_a_demonstration_says_so_and_others_do_not() {
        // GEN-4
        for is_mock in [true, false] {
            let mut told = ask();
            told.about.is_mock = is_mock;
            let [AlertEvent::AlertRaised { about, .. }] = &decide(&Alert::Unraised, told)[..]
            else {
                panic!("one alert")
            };
            assert_eq!(about.is_mock, is_mock);
        }
    }

    #[test]
    fn the_time_of_an_alert_is_the_time_that_came_with_it() {
        let at = DateTime::UNIX_EPOCH + chrono::Duration::milliseconds(1_234);
        let told = RaiseAlert {
            raised_at: at,
            ..ask()
        };
        let [AlertEvent::AlertRaised { raised_at, .. }] = &decide(&Alert::Unraised, told)[..]
        else {
            panic!("one alert")
        };
        assert_eq!(*raised_at, at);
    }
}
