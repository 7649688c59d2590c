//! Every fact Vara can record, in one type: what projectors, policies and auditors read.

use crate::alert::{Alert, AlertEvent};
use crate::hash_case::{HashCaseEvent, HashCases};
use crate::image::{ImageEvent, Library};
use crate::matches::{Match, MatchEvent};
use crate::plan::{Plan, PlanEvent};
use crate::scan::{ScanEvent, ScanSlot};
use crate::upcast;
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
    /// About hashes that a member registered.
    HashCase(HashCaseEvent),
}

/// A recorded fact that today's types cannot read. Never skipped: whoever meets it stops and says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// A newer program wrote it: a version above today's, or a fact that this program does not know. A reader stops
    /// here and waits for that program; it never passes by, and never parks the fact as a broken one.
    #[error("a newer program wrote {event_type} of {noun} in version {version}")]
    Newer {
        /// The noun.
        noun: &'static str,
        /// The fact's name.
        event_type: String,
        /// Its version.
        version: u32,
    },
    /// An older version, and nothing that raises it to the next: a fault of this program, not of the log.
    #[error("no step raises {event_type} of {noun} from version {version}")]
    NoStep {
        /// The noun.
        noun: &'static str,
        /// The fact's name.
        event_type: String,
        /// The version that is not raised.
        version: u32,
    },
}

impl Event {
    /// Reads a stored fact: its noun (`user`, `image`, …), its name and version as they stand in the log, and its
    /// opened payload, which is raised to today's shape first.
    ///
    /// # Errors
    /// [`Undecodable`], when noun, version or shape are unknown.
    pub fn decode(
        noun: &str,
        event_type: &str,
        version: &str,
        payload: &Value,
    ) -> Result<Self, Undecodable> {
        let payload = &*upcast::raised(noun, event_type, version, payload)?;
        match noun {
            User::TYPE => read(User::TYPE, payload).map(Self::User),
            Library::TYPE => read(Library::TYPE, payload).map(Self::Image),
            ScanSlot::TYPE => read(ScanSlot::TYPE, payload).map(Self::Scan),
            Match::TYPE => read(Match::TYPE, payload).map(Self::Match),
            Alert::TYPE => read(Alert::TYPE, payload).map(Self::Alert),
            Plan::TYPE => read(Plan::TYPE, payload).map(Self::Plan),
            HashCases::TYPE => read(HashCases::TYPE, payload).map(Self::HashCase),
            unknown => Err(Undecodable::UnknownNoun(unknown.to_owned())),
        }
    }

    /// The same from the payload's text, several times faster, for a fact that stands in the log as most do: in today's
    /// shape, written without blanks, nothing sealed. Nothing for any other: [`Event::decode`] knows what it is.
    #[must_use]
    pub fn decode_plain(
        noun: &str,
        event_type: &str,
        version: &str,
        payload: &str,
    ) -> Option<Self> {
        let fields = payload.strip_prefix("{\"")?.strip_prefix(event_type)?;
        // An object: serde would take a list of the fields in their order as well, which `decode` refuses.
        if !fields.starts_with("\":{") || !upcast::is_today(noun, event_type, version) {
            return None;
        }
        match noun {
            User::TYPE => serde_json::from_str(payload).ok().map(Self::User),
            Library::TYPE => serde_json::from_str(payload).ok().map(Self::Image),
            ScanSlot::TYPE => serde_json::from_str(payload).ok().map(Self::Scan),
            Match::TYPE => serde_json::from_str(payload).ok().map(Self::Match),
            Alert::TYPE => serde_json::from_str(payload).ok().map(Self::Alert),
            Plan::TYPE => serde_json::from_str(payload).ok().map(Self::Plan),
            HashCases::TYPE => serde_json::from_str(payload).ok().map(Self::HashCase),
            _ => None,
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
    use serde_json::json;

    fn begun() -> Value {
        json!({
            "ScanBegun": {
                "scan_id": "00000000-0000-0000-0000-000000000003",
                "begun_at": "2026-11-23T10:15:30.123Z",
            }
        })
    }

    #[test]
    fn a_fact_of_an_unknown_noun_is_refused_and_never_skipped() {
        let fault = Event::decode("weather", "SunRisen", "1", &Value::Null).unwrap_err();
        assert_eq!(fault.to_string(), "no noun is called weather");
    }

    #[test]
    fn a_misshapen_fact_is_refused_without_quoting_its_values() {
        // AUD-5
        let payload = json!({ "UserRegistered": { "user_id": "ana@example.test" } });
        let fault = Event::decode("user", "UserRegistered", "1", &payload).unwrap_err();
        assert!(!format!("{fault:?} {fault}").contains("ana@"));
    }

    #[test]
    fn a_fact_of_one_noun_is_never_read_as_a_fact_of_another() {
        assert!(Event::decode("scan", "ScanBegun", "1", &begun()).is_ok());
        for other in [
            "user",
            "image",
            "match",
            "alert",
            "plan",
            "hash_case",
            "Scan",
            "",
        ] {
            let told = Event::decode(other, "ScanBegun", "1", &begun());
            assert!(told.is_err(), "{other}");
        }
    }

    #[test]
    fn a_fact_under_another_name_than_its_own_is_refused() {
        let fault = Event::decode("scan", "ScanFailed", "1", &begun()).unwrap_err();
        assert!(
            matches!(fault, Undecodable::Misshapen { noun: "scan", .. }),
            "{fault:?}"
        );
    }

    #[test]
    fn what_is_no_fact_is_refused() {
        let two = json!({ "ScanBegun": {}, "ScanFailed": {} });
        for wrong in [
            Value::Null,
            json!({}),
            json!("ScanBegun"),
            json!({ "ScanBegun": {} }),
            json!({ "ScanBegun": null }),
            json!({ "ScanForgotten": {} }),
            two,
        ] {
            let told = Event::decode("scan", "ScanBegun", "1", &wrong);
            assert!(
                matches!(told, Err(Undecodable::Misshapen { .. })),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_fact_of_a_newer_program_is_told_apart_from_a_broken_one() {
        let newer = |told: Result<Event, Undecodable>| match told {
            Err(Undecodable::Newer { version, .. }) => Some(version),
            Ok(_) | Err(_) => None,
        };
        let fact = |name, version| Event::decode("scan", name, version, &begun());
        assert_eq!(newer(fact("ScanBegun", "2")), Some(2));
        assert_eq!(newer(fact("ScanForgotten", "1")), Some(1));
        assert_eq!(newer(fact("ScanBegun", "1")), None);
        for no_number in ["", "one", "1.0", "+1", "01", "-1", " 1", "99999999999"] {
            let fault = fact("ScanBegun", no_number).unwrap_err();
            let told = "a fact of scan does not read: its version is no number";
            assert_eq!(fault.to_string(), told, "{no_number}");
        }
    }

    #[test]
    fn a_version_before_the_first_has_no_way_to_today() {
        let fault = Event::decode("scan", "ScanBegun", "0", &begun()).unwrap_err();
        let told = "no step raises ScanBegun of scan from version 0";
        assert_eq!(fault.to_string(), told);
    }

    #[test]
    fn a_fact_whose_personal_value_is_still_sealed_is_refused() {
        // AUD-2: a sealed address must not pass for an address
        let payload = json!({
            "UserRegistered": {
                "user_id": "00000000-0000-0000-0000-000000000001",
                "email": { "$sealed": "AAAA" },
                "registered_at": "2026-11-23T10:15:30.123Z",
            }
        });
        assert!(Event::decode("user", "UserRegistered", "1", &payload).is_err());
    }
}
