//! What can have happened to the hashes that a member registered.

use super::HashCases;
use crate::Personal;
use crate::ids::{HashCaseId, UserId};
use crate::image::Fingerprint;
use crate::shape::Shape;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about the registered hashes of one member; the stream's id is the owner's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HashCaseEvent {
    /// She registered the hash of a picture that never left her device.
    ImageHashRegistered {
        /// Whose case.
        owner: UserId,
        /// The case: the same for the same hash of the same member.
        case_id: HashCaseId,
        /// The PDQ hash of the picture and its quality, as her device computed them. Whoever has it has a rough picture.
        fingerprint: Personal<Fingerprint>,
        /// Version of the statement that she confirmed.
        attested: String,
        /// When.
        registered_at: DateTime<Utc>,
    },
    /// She took it back: whoever was given the hash is to drop it.
    ImageHashWithdrawn {
        /// Whose case.
        owner: UserId,
        /// The case.
        case_id: HashCaseId,
        /// When.
        withdrawn_at: DateTime<Utc>,
    },
}

impl HashCaseEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 2] = [
        Shape::of(HashCases::TYPE, "ImageHashRegistered", 1),
        Shape::of(HashCases::TYPE, "ImageHashWithdrawn", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::ImageHashRegistered { .. } => Self::SHAPES[0],
            Self::ImageHashWithdrawn { .. } => Self::SHAPES[1],
        }
    }
}

impl DomainEvent for HashCaseEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
