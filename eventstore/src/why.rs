//! Who asked for something, why, and for whom: what every event carries beside its fact (AUD-1).

use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// The circumstances of one command; they become the metadata of the events it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Whose personal values the events hold, and so whose key seals them.
    pub subject: UserId,
    /// Who acted: `user:<id>`, `policy:<name>`, `worker:<name>`.
    pub actor: String,
    /// The HTTP request that began it, or a fresh id where none did.
    pub request_id: Uuid,
    /// The event or command that this follows from.
    pub cause_id: Uuid,
    /// What everything that follows from one request has in common.
    pub correlation_id: Uuid,
    /// The command. The same id again is the same command: it finds its work done.
    pub command_id: Uuid,
}

/// What an event's metadata say. On the bus an object, or null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Circumstances {
    /// Who, why, for whom.
    Known(Why),
    /// They are not what this program writes there: whoever needs the event puts it aside with its stream.
    Unreadable,
}

impl Circumstances {
    /// They, where they can be read.
    #[must_use]
    pub const fn known(&self) -> Option<&Why> {
        match self {
            Self::Known(why) => Some(why),
            Self::Unreadable => None,
        }
    }
}

impl From<Why> for Circumstances {
    fn from(why: Why) -> Self {
        Self::Known(why)
    }
}

impl Why {
    /// A member acts on what is hers.
    #[must_use]
    pub fn member(subject: UserId, request_id: Uuid, command_id: Uuid) -> Self {
        Self {
            subject,
            actor: format!("user:{subject}"),
            request_id,
            // The client chooses the request id, so nothing but a label may hang on it.
            cause_id: command_id,
            correlation_id: command_id,
            command_id,
        }
    }

    /// Something follows from an event: same request, same correlation, the event as cause.
    #[must_use]
    pub fn following(&self, event_id: Uuid, actor: &str, command_id: Uuid) -> Self {
        Self {
            actor: actor.to_owned(),
            cause_id: event_id,
            command_id,
            ..self.clone()
        }
    }

    /// Whose values a command's events hold, from the map that cqrs-es carries.
    pub(crate) fn subject_in(metadata: &HashMap<String, String>) -> Option<UserId> {
        let subject: Uuid = metadata.get("subject")?.parse().ok()?;
        Some(UserId(subject))
    }

    /// As the string map that cqrs-es carries.
    pub(crate) fn to_metadata(&self) -> HashMap<String, String> {
        HashMap::from([
            ("subject".to_owned(), self.subject.to_string()),
            ("actor".to_owned(), self.actor.clone()),
            ("request_id".to_owned(), self.request_id.to_string()),
            ("cause_id".to_owned(), self.cause_id.to_string()),
            ("correlation_id".to_owned(), self.correlation_id.to_string()),
            ("command_id".to_owned(), self.command_id.to_string()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_keeps_the_request_and_names_its_cause() {
        // AUD-1
        let id = Uuid::from_u128;
        let first = Why::member(id(1).into(), id(2), id(3));
        let then = first.following(id(4), "policy:alert_on_match", id(5));
        assert_eq!((then.request_id, then.correlation_id), (id(2), id(3)));
        assert_eq!((then.cause_id, then.command_id), (id(4), id(5)));
        assert_eq!(then.actor, "policy:alert_on_match");
    }

    #[test]
    fn circumstances_come_over_the_bus_as_they_were_and_unreadable_ones_as_null() {
        let id = Uuid::from_u128;
        for (circumstances, is_null) in [
            (Why::member(id(1).into(), id(2), id(3)).into(), false),
            (Circumstances::Unreadable, true),
        ] {
            let sent = serde_json::to_value(&circumstances).unwrap();
            assert_eq!((sent.is_null(), sent.is_object()), (is_null, !is_null));
            let come: Circumstances = serde_json::from_value(sent).unwrap();
            assert_eq!(come, circumstances);
        }
        // Neither is anything else.
        assert!(serde_json::from_str::<Circumstances>("{}").is_err());
    }
}
