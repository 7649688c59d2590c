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
}
