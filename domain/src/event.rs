//! Every fact Vara can record, in one type: what projectors, policies and auditors read.

use crate::alert::{Alert, AlertEvent};
use crate::image::{ImageEvent, Library};
use crate::matches::{Match, MatchEvent};
use crate::plan::{Plan, PlanEvent};
use crate::scan::{ScanEvent, ScanSlot};
use crate::user::{User, UserEvent};
use cqrs_es::{Aggregate, DomainEvent};
use serde_json::Value;

/// A fact of any noun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// About a member's account.
    User(UserEvent),
    /// About a member's library.
    Image(ImageEvent),
    /// About a member's scans.
    Scan(ScanEvent),
    /// About a page on which a picture was found.
    Match(MatchEvent),
    /// About an alert.
    Alert(AlertEvent),
    /// About a protection plan.
    Plan(PlanEvent),
}

/// A recorded fact that today's types cannot read. Never skipped: whoever meets it stops and says so.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// No noun has this name.
    #[error("no noun is called {0}")]
    UnknownNoun(String),
    /// The noun is known, the fact is not of its shape.
    #[error("a fact of {noun} does not read: {reason}")]
    Misshapen {
        /// The noun.
        noun: &'static str,
        /// What the decoder said; it names fields, never values.
        reason: String,
    },
}

impl Event {
    /// Reads a fact of this noun (`user`, `image`, …) from its opened payload.
    ///
    /// # Errors
    /// [`Undecodable`], when noun or shape are unknown.
    pub fn decode(noun: &str, payload: &Value) -> Result<Self, Undecodable> {
        match noun {
            User::TYPE => read(User::TYPE, payload).map(Self::User),
            Library::TYPE => read(Library::TYPE, payload).map(Self::Image),
            ScanSlot::TYPE => read(ScanSlot::TYPE, payload).map(Self::Scan),
            Match::TYPE => read(Match::TYPE, payload).map(Self::Match),
            Alert::TYPE => read(Alert::TYPE, payload).map(Self::Alert),
            Plan::TYPE => read(Plan::TYPE, payload).map(Self::Plan),
            unknown => Err(Undecodable::UnknownNoun(unknown.to_owned())),
        }
    }
}

fn read<E: DomainEvent>(noun: &'static str, payload: &Value) -> Result<E, Undecodable> {
    E::deserialize(payload).map_err(|fault| {
        let reason = match fault.classify() {
            // serde_json quotes the offending value in its message; only its kind may be told.
            serde_json::error::Category::Data => "its fields are not those of the type",
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => "it is no JSON",
        };
        Undecodable::Misshapen {
            noun,
            reason: reason.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_of_an_unknown_noun_is_refused_and_never_skipped() {
        let fault = Event::decode("weather", &Value::Null).unwrap_err();
        assert_eq!(fault.to_string(), "no noun is called weather");
    }

    #[test]
    fn a_misshapen_fact_is_refused_without_quoting_its_values() {
        // AUD-5
        let payload = serde_json::json!({ "UserRegistered": { "user_id": "ana@example.test" } });
        let fault = Event::decode("user", &payload).unwrap_err();
        assert!(!format!("{fault:?} {fault}").contains("ana@"));
    }

    #[test]
    fn a_fact_of_one_noun_is_never_read_as_a_fact_of_another() {
        let begun = serde_json::json!({
            "ScanBegun": {
                "scan_id": "00000000-0000-0000-0000-000000000003",
                "begun_at": "2026-11-23T10:15:30.123Z",
            }
        });
        assert!(Event::decode("scan", &begun).is_ok());
        for other in ["user", "image", "match", "alert", "plan", "Scan", ""] {
            assert!(Event::decode(other, &begun).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_no_fact_is_refused() {
        let two = serde_json::json!({ "ScanBegun": {}, "ScanFailed": {} });
        for wrong in [
            Value::Null,
            serde_json::json!({}),
            serde_json::json!("ScanBegun"),
            serde_json::json!({ "ScanBegun": {} }),
            serde_json::json!({ "ScanForgotten": {} }),
            two,
        ] {
            assert!(Event::decode("scan", &wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fact_whose_personal_value_is_still_sealed_is_refused() {
        // AUD-2: a sealed address must not pass for an address
        let payload = serde_json::json!({
            "UserRegistered": {
                "user_id": "00000000-0000-0000-0000-000000000001",
                "email": { "$sealed": "AAAA" },
                "registered_at": "2026-11-23T10:15:30.123Z",
            }
        });
        assert!(Event::decode("user", &payload).is_err());
    }
}
