//! What can have happened in a member's library of pictures.

use super::{Fingerprint, Library, Vector};
use crate::personal::OfPicture;
use crate::shape::Shape;
use crate::{
    Personal, Share,
    ids::{ImageId, UserId},
};
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one library; the stream's id is the owner's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImageEvent {
    /// She gave us a picture to look after (IMG-1). Its bytes are stored, sealed, under its id.
    ImageUploaded {
        /// Whose library.
        owner: UserId,
        /// The picture.
        image_id: ImageId,
        /// SHA-256 of the original bytes, 64 lower-case hex digits.
        #[schemars(with = "OfPicture<String>")]
        sha256: Personal<String>,
        /// `image/jpeg`, `image/png` or `image/webp`, decided by the bytes (LIM-2).
        content_type: String,
        /// Length of the original in bytes.
        size_bytes: u32,
        /// Width in pixels, upright.
        width: u32,
        /// Height in pixels, upright.
        height: u32,
        /// PDQ hash and quality; absent where the picture is too small to have one.
        #[schemars(with = "Option<OfPicture<Fingerprint>>")]
        fingerprint: Option<Personal<Fingerprint>>,
        /// An earlier picture of the same library that this one is a near copy of, and how we know.
        near_copy_of: Option<NearCopy>,
        /// When.
        uploaded_at: DateTime<Utc>,
    },
    /// A model turned the picture into a vector; vectors of different models never meet (PIP-5).
    ImageEmbedded {
        /// Whose library.
        owner: UserId,
        /// The picture.
        image_id: ImageId,
        /// Name and version of the model: the space in which the vector may be compared.
        model: String,
        /// The vector, unit length.
        #[schemars(with = "OfPicture<Vector>")]
        vector: Personal<Vector>,
        /// When.
        embedded_at: DateTime<Utc>,
    },
    /// She put the picture away (IMG-5): nobody searches for it any more, and seven days later it is purged.
    ImageArchived {
        /// Whose library.
        owner: UserId,
        /// The picture.
        image_id: ImageId,
        /// When.
        archived_at: DateTime<Utc>,
    },
    /// She took the picture back (IMG-6).
    ImageRestored {
        /// Whose library.
        owner: UserId,
        /// The picture.
        image_id: ImageId,
        /// When.
        restored_at: DateTime<Utc>,
    },
    /// The picture is gone for good (IMG-6): its bytes, hash and vectors are to be erased. Nothing undoes it.
    ImagePurged {
        /// Whose library.
        owner: UserId,
        /// The picture.
        image_id: ImageId,
        /// When.
        purged_at: DateTime<Utc>,
    },
}

/// A picture of the same library that looks the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NearCopy {
    /// The earlier picture.
    pub image_id: ImageId,
    /// How the two were compared.
    pub by: Comparison,
}

/// How two pictures were found to be alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// PDQ hashes within 31 bits over the eight turns (HSH-1).
    Hash {
        /// Differing bits, 0 to 31.
        #[schemars(range(max = 31))]
        distance_bits: u16,
    },
    /// Vectors of the same model (VEC-2).
    Vector {
        /// Name and version of the model.
        model: String,
        /// Cosine similarity.
        similarity: Share,
    },
}

impl ImageEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 5] = [
        Shape::of(Library::TYPE, "ImageUploaded", 2),
        Shape::of(Library::TYPE, "ImageEmbedded", 2),
        Shape::of(Library::TYPE, "ImageArchived", 1),
        Shape::of(Library::TYPE, "ImageRestored", 1),
        Shape::of(Library::TYPE, "ImagePurged", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::ImageUploaded { .. } => Self::SHAPES[0],
            Self::ImageEmbedded { .. } => Self::SHAPES[1],
            Self::ImageArchived { .. } => Self::SHAPES[2],
            Self::ImageRestored { .. } => Self::SHAPES[3],
            Self::ImagePurged { .. } => Self::SHAPES[4],
        }
    }
}

impl DomainEvent for ImageEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
