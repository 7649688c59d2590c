//! ImageUploaded 1 -> 2: its values stand under the picture's own key (IMG-6); those of version 1 under the owner's.
//! The fields are the same. The new version has older programs wait for their successor instead of putting aside what they
//! cannot open.

use super::Step;
use crate::image::Library;
use cqrs_es::Aggregate;

pub(super) const STEP: Step = Step {
    noun: Library::TYPE,
    event_type: "ImageUploaded",
    version: 1,
    becomes: "ImageUploaded",
    raise: Ok,
};
