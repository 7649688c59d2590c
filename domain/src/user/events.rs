//! What can have happened to a member's account.

use super::{Purpose, User};
use crate::Personal;
use crate::ids::{ErasureId, UserId};
use crate::shape::Shape;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one member; the stream's id is her id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Her account ended (AUD-4): her key is destroyed after this fact, and what came before reads as erased.
    SubjectErased {
        /// Whose account.
        user_id: UserId,
        /// The erasure.
        erasure_id: ErasureId,
        /// When it was accepted; the work is done within 24 hours.
        erased_at: DateTime<Utc>,
    },
}

impl UserEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 4] = [
        Shape::of(User::TYPE, "UserRegistered", 1),
        Shape::of(User::TYPE, "ConsentGranted", 1),
        Shape::of(User::TYPE, "ConsentWithdrawn", 1),
        Shape::of(User::TYPE, "SubjectErased", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::UserRegistered { .. } => Self::SHAPES[0],
            Self::ConsentGranted { .. } => Self::SHAPES[1],
            Self::ConsentWithdrawn { .. } => Self::SHAPES[2],
            Self::SubjectErased { .. } => Self::SHAPES[3],
        }
    }
}

impl DomainEvent for UserEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
