//! The system's own habits: which fact makes which policy act, and under which id.

use domain::Event;
use domain::alert::{Alert, AlertCommand};
use domain::matches::{Disposition, MatchEvent};
use domain::plan::{Plan, PlanCommand};
use domain::policies::{POLICIES, Reaction, command_id};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

use crate::answer;
use crate::golden::{catalogue, fact};

/// Every fact of the catalogue and who acts on it; a fact that is not named here fails below.
const HABITS: [(&str, &[&str]); 23] = [
    ("alert/AlertRaised", &["plan_from_alert"]),
    ("hash_case/ImageHashRegistered", &[]),
    ("hash_case/ImageHashWithdrawn", &[]),
    ("image/ImageEmbedded", &[]),
    ("image/ImageArchived", &[]),
    ("image/ImagePurged", &[]),
    ("image/ImageRestored", &[]),
    ("image/ImageUploaded", &[]),
    ("match/MatchFound", &["alert_on_match"]),
    ("match/MatchSeenAgain", &[]),
    ("plan/PlanItemAdded", &[]),
    ("plan/PlanItemUrgencyRaised", &[]),
    ("scan/ImageScanned", &[]),
    ("scan/ProviderFailed", &[]),
    ("scan/ProviderQueried", &[]),
    ("scan/ScanBegun", &[]),
    ("scan/ScanCompleted", &[]),
    ("scan/ScanFailed", &[]),
    ("scan/ScanStarted", &[]),
    ("user/ConsentGranted", &[]),
    ("user/ConsentWithdrawn", &[]),
    ("user/SubjectErased", &[]),
    ("user/UserRegistered", &["welcome_new_member"]),
];

fn reactions(event: &Event) -> Vec<(&'static str, Reaction)> {
    let asked = POLICIES.iter().map(|(name, react)| (*name, react(event)));
    asked
        .filter_map(|(name, reaction)| reaction.map(|reaction| (name, reaction)))
        .collect()
}

fn who_acts(event: &Event) -> Vec<&'static str> {
    reactions(event).into_iter().map(|(name, _)| name).collect()
}

/// What a reaction comes to when nothing was done before.
fn carried_out(reaction: Reaction) -> Vec<Event> {
    match reaction {
        Reaction::RaiseAlert(ask) => {
            let facts = answer::<Alert>(&[], AlertCommand::Raise(ask)).unwrap();
            facts.into_iter().map(Event::Alert).collect()
        }
        Reaction::AddPlanItem(ask) => {
            let facts = answer::<Plan>(&[], PlanCommand::AddItem(ask)).unwrap();
            facts.into_iter().map(Event::Plan).collect()
        }
    }
}

#[test]
fn each_fact_makes_exactly_these_policies_act() {
    let seen: BTreeSet<(String, Vec<&str>)> = catalogue()
        .iter()
        .map(|fact| (fact.name.clone(), who_acts(&fact.event())))
        .collect();
    let known: BTreeSet<(String, Vec<&str>)> = HABITS
        .iter()
        .map(|(name, policies)| ((*name).to_owned(), policies.to_vec()))
        .collect();
    assert_eq!(seen, known);
}

#[test]
fn no_policy_is_without_a_fact_to_act_on() {
    let acting: BTreeSet<&str> = HABITS.iter().flat_map(|(_, p)| p.iter().copied()).collect();
    let all: BTreeSet<&str> = POLICIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(acting, all);
}

#[test]
fn only_a_match_that_asks_for_an_alert_makes_one() {
    // MAT-2
    let found = fact("match/MatchFound");
    for (disposition, acts) in [
        (Disposition::Alert, vec!["alert_on_match"]),
        (Disposition::Review, vec![]),
        (Disposition::Record, vec![]),
    ] {
        let code = serde_json::to_value(disposition).unwrap();
        assert_eq!(who_acts(&found.with("disposition", code)), acts);
    }
}

#[test]
fn how_grave_an_alert_is_decides_how_soon_she_is_asked_to_look() {
    // 6.3
    let raised = fact("alert/AlertRaised");
    for (severity, number) in [
        ("INFO", 2),
        ("LOW", 2),
        ("MEDIUM", 2),
        ("HIGH", 1),
        ("CRITICAL", 1),
    ] {
        let event = raised.with("severity", severity.into());
        let [(_, Reaction::AddPlanItem(ask))] = &reactions(&event)[..] else {
            panic!("one plan item for {severity}")
        };
        assert_eq!(u8::from(ask.urgency), number, "{severity}");
    }
}

#[test]
fn every_chain_of_habits_comes_to_an_end() {
    // A finding makes an alert, an alert makes a plan item, and there it ends
    for fact in catalogue() {
        let (mut events, mut steps) = (vec![fact.event()], 0);
        while !events.is_empty() {
            assert!(
                steps < POLICIES.len(),
                "{} goes round in circles",
                fact.name
            );
            let caused = events.iter().flat_map(reactions);
            events = caused
                .flat_map(|(_, reaction)| carried_out(reaction))
                .collect();
            steps += 1;
        }
    }
}

#[test]
fn what_follows_is_hers_and_of_the_time_of_its_cause() {
    for fact in catalogue() {
        for (name, reaction) in reactions(&fact.event()) {
            let (owner, at) = match reaction {
                Reaction::RaiseAlert(ask) => (ask.owner, ask.raised_at),
                Reaction::AddPlanItem(ask) => (ask.owner, ask.at),
            };
            assert_eq!(owner.0, Uuid::from_u128(1), "{name}");
            assert_eq!(at.to_rfc3339(), "2026-11-23T10:15:30.123+00:00", "{name}");
        }
    }
}

#[test]
fn a_fact_delivered_twice_asks_for_the_same_twice() {
    for fact in catalogue() {
        let ask = || format!("{:?}", reactions(&fact.event()));
        assert_eq!(ask(), ask(), "{}", fact.name);
    }
}

#[test]
fn an_alert_keeps_the_page_of_its_match_to_itself() {
    // AUD-5: the reaction is logged, the page is not
    let event = fact("match/MatchFound").event();
    let Event::Match(MatchEvent::MatchFound { page, .. }) = &event else {
        panic!("a match")
    };
    let page = page.known().unwrap();
    assert!(!format!("{:?}", reactions(&event)).contains(page.as_str()));
}

proptest! {
    #[test]
    fn a_redelivered_event_finds_the_work_done(cause in any::<u128>(), at in 0..POLICIES.len()) {
        let policy = POLICIES[at].0;
        let id = command_id(policy, Uuid::from_u128(cause));
        prop_assert_eq!(id, command_id(policy, Uuid::from_u128(cause)));
        prop_assert_eq!(id.get_version_num(), 5, "computed, never drawn");
    }

    #[test]
    fn two_events_or_two_policies_are_two_commands(one in any::<u128>(), other in any::<u128>()) {
        let causes = BTreeSet::from([one, other]);
        let causes: Vec<Uuid> = causes.into_iter().map(Uuid::from_u128).collect();
        let ids: BTreeSet<Uuid> = causes
            .iter()
            .flat_map(|cause| POLICIES.map(|(policy, _)| command_id(policy, *cause)))
            .collect();
        prop_assert_eq!(ids.len(), causes.len() * POLICIES.len());
    }
}
