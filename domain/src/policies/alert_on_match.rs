//! When MatchFound asks for an alert, RaiseAlert.

use super::Reaction;
use crate::alert::{MatchFacts, RaiseAlert};
use crate::event::Event;
use crate::ids::AlertId;
use crate::matches::{Disposition, MatchEvent};

pub(super) fn react(event: &Event) -> Option<Reaction> {
    let Event::Match(MatchEvent::MatchFound {
        owner,
        match_id,
        image_id,
        scan_id,
        page,
        platform,
        similarity,
        match_type,
        tier,
        disposition: Disposition::Alert,
        is_mock,
        detected_at,
        ..
    }) = event
    else {
        return None;
    };
    Some(Reaction::RaiseAlert(Box::new(RaiseAlert {
        owner: *owner,
        alert_id: AlertId::of_cause(&format!("match:{match_id}")),
        about: MatchFacts {
            match_id: *match_id,
            image_id: *image_id,
            scan_id: *scan_id,
            page: page.clone(),
            platform: *platform,
            similarity: *similarity,
            match_type: *match_type,
            tier: *tier,
            is_mock: *is_mock,
        },
        raised_at: *detected_at,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Share,
        matches::{MatchType, Tier},
    };
    use chrono::DateTime;
    use uuid::Uuid;

    fn found(disposition: Disposition) -> Event {
        Event::Match(MatchEvent::MatchFound {
            owner: Uuid::from_u128(1).into(),
            match_id: Uuid::from_u128(2).into(),
            image_id: Uuid::from_u128(3).into(),
            scan_id: Uuid::from_u128(4).into(),
            page: "https://example.test/".to_owned().into(),
            picture: None,
            platform: None,
            engine: "tineye".to_owned(),
            similarity: Share::percent(97),
            match_type: MatchType::Exact,
            tier: Tier::High,
            disposition,
            is_mock: false,
            detected_at: DateTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_match_that_asks_for_an_alert_raises_one_named_by_its_match() {
        // ALR-1: the cause key of a match alert is match:<matchId>
        let Some(Reaction::RaiseAlert(ask)) = react(&found(Disposition::Alert)) else {
            panic!("an alert")
        };
        let cause = format!("match:{}", Uuid::from_u128(2));
        assert_eq!(ask.alert_id, AlertId::of_cause(&cause));
        assert_eq!(ask.raised_at, DateTime::UNIX_EPOCH);
    }

    #[test]
    fn a_match_for_review_or_for_the_record_raises_nothing() {
        // MAT-2
        assert!(react(&found(Disposition::Review)).is_none());
        assert!(react(&found(Disposition::Record)).is_none());
    }

    #[test]
    fn a_match_seen_again_raises_nothing() {
        // MAT-10
        let again = Event::Match(MatchEvent::MatchSeenAgain {
            match_id: Uuid::from_u128(2).into(),
            scan_id: Uuid::from_u128(5).into(),
            similarity: Share::ONE,
            seen_at: DateTime::UNIX_EPOCH,
        });
        assert!(react(&again).is_none());
    }

    #[test]
    fn what_was_found_is_told_as_it_was_found() {
        // ALR-6, GEN-4: a finding of a demonstration stays marked
        for is_mock_now in [true, false] {
            let mut event = found(Disposition::Alert);
            if let Event::Match(MatchEvent::MatchFound { is_mock, tier, .. }) = &mut event {
                *is_mock = is_mock_now;
                *tier = Tier::MediumHigh;
            }
            let Some(Reaction::RaiseAlert(ask)) = react(&event) else {
                panic!("an alert")
            };
            assert_eq!(ask.owner, Uuid::from_u128(1).into());
            assert_eq!(ask.about.is_mock, is_mock_now);
            assert_eq!(ask.about.tier, Tier::MediumHigh);
            assert_eq!(
                ask.about.page,
                crate::Personal::Known("https://example.test/".to_owned())
            );
        }
    }

    #[test]
    fn two_pages_of_one_scan_raise_two_alerts() {
        // EXAMPLES, section 5: an id made of the scan alone would swallow the second match
        let alert = |n| {
            let mut event = found(Disposition::Alert);
            if let Event::Match(MatchEvent::MatchFound { match_id, .. }) = &mut event {
                *match_id = Uuid::from_u128(n).into();
            }
            let Some(Reaction::RaiseAlert(ask)) = react(&event) else {
                panic!("an alert")
            };
            ask.alert_id
        };
        assert_ne!(alert(2), alert(3));
    }
}
