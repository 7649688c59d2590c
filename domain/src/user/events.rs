//! What can have happened to a member's account.

use super::Purpose;
use crate::{Personal, ids::UserId};
use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

/// Facts about one member; the stream's id is her id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserEvent {
    /// She came into being, once (USR-1). Later facts about her e-mail follow the identity provider.
    UserRegistered {
        /// Her id, the `sub` of her access token.
        user_id: UserId,
        /// The address she signs in with.
        email: Personal<String>,
        /// When.
        registered_at: DateTime<Utc>,
    },
    /// She agreed to one purpose (CON-2).
    ConsentGranted {
        /// Whose consent.
        user_id: UserId,
        /// What for.
        purpose: Purpose,
        /// Version of the text she was shown.
        text_version: String,
        /// When.
        granted_at: DateTime<Utc>,
    },
    /// She no longer agrees to one purpose (CON-2).
    ConsentWithdrawn {
        /// Whose consent.
        user_id: UserId,
        /// What for.
        purpose: Purpose,
        /// Version of the text she was shown.
        text_version: String,
        /// When.
        withdrawn_at: DateTime<Utc>,
    },
}

impl DomainEvent for UserEvent {
    fn event_type(&self) -> String {
        match self {
            Self::UserRegistered { .. } => "UserRegistered",
            Self::ConsentGranted { .. } => "ConsentGranted",
            Self::ConsentWithdrawn { .. } => "ConsentWithdrawn",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
