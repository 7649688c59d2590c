//! A member: that she exists, what she agreed to, and that she is gone.

mod change_consent;
mod erase;
mod events;
mod register;
mod text_version;

pub use change_consent::ChangeConsent;
pub use erase::EraseSubject;
pub use events::UserEvent;
pub use register::RegisterUser;
pub use text_version::{NotATextVersion, TextVersion};

use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What her pictures, face and address may be used for (section 4 of the rules).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Copy search and visual search of her pictures with outside engines.
    WebImageSearch,
    /// Sending a face to a face search engine; storing face vectors.
    FaceSearch,
    /// Looking up her e-mail in breach collections.
    BreachLookup,
    /// Reading linked social accounts.
    AccountMonitoring,
}

impl Purpose {
    /// Every purpose, in the order of the rules.
    pub const ALL: [Self; 4] = [
        Self::WebImageSearch,
        Self::FaceSearch,
        Self::BreachLookup,
        Self::AccountMonitoring,
    ];

    /// The code that events, answers and warnings carry.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WebImageSearch => "WEB_IMAGE_SEARCH",
            Self::FaceSearch => "FACE_SEARCH",
            Self::BreachLookup => "BREACH_LOOKUP",
            Self::AccountMonitoring => "ACCOUNT_MONITORING",
        }
    }
}

/// Where an account stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    /// Nobody with this id yet.
    #[default]
    Unknown,
    /// A member and the purposes she agrees to now.
    Member {
        /// Granted and not withdrawn, each with the version of the text she agreed to last.
        consents: BTreeMap<Purpose, String>,
    },
    /// She was a member and ended her account; she never comes back under this id (USR-5).
    Erased,
}

impl User {
    /// Whether she agrees to this purpose now; asked again before every outside call (CON-1).
    #[must_use]
    pub fn agrees_to(&self, purpose: Purpose) -> bool {
        match self {
            Self::Unknown | Self::Erased => false,
            Self::Member { consents } => consents.contains_key(&purpose),
        }
    }
}

/// What can be asked of an account.
#[derive(Debug, Clone)]
pub enum UserCommand {
    /// Let her come into being.
    Register(RegisterUser),
    /// Grant or withdraw one purpose.
    ChangeConsent(ChangeConsent),
    /// End the account.
    Erase(EraseSubject),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// There is no such account.
    #[error("we do not know this account")]
    Unknown,
    /// The account ended (USR-5).
    #[error("this account was deleted")]
    Erased,
}

impl Aggregate for User {
    const TYPE: &'static str = "user";
    type Command = UserCommand;
    type Event = UserEvent;
    type Error = UserRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: UserCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), UserRefusal> {
        let events = match command {
            UserCommand::Register(ask) => register::decide(self, ask)?,
            UserCommand::ChangeConsent(ask) => change_consent::decide(self, ask)?,
            UserCommand::Erase(ask) => erase::decide(self, ask)?,
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: UserEvent) {
        match event {
            UserEvent::UserRegistered { .. } => match self {
                // Whatever the log may hold behind it, an erasure is the end (USR-5).
                Self::Erased => {}
                Self::Unknown | Self::Member { .. } => {
                    *self = Self::Member {
                        consents: BTreeMap::new(),
                    };
                }
            },
            UserEvent::ConsentGranted {
                purpose,
                text_version,
                ..
            } => {
                if let Self::Member { consents } = self {
                    consents.insert(purpose, text_version);
                }
            }
            UserEvent::ConsentWithdrawn { purpose, .. } => {
                if let Self::Member { consents } = self {
                    consents.remove(&purpose);
                }
            }
            UserEvent::SubjectErased { .. } => *self = Self::Erased,
        }
    }
}
