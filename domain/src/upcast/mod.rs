//! From every shape that a fact ever had to today's: old facts stay in the log as they were written, and are raised
//! while they are read, one version at a time.
//!
//! To change a shape: raise its version in the noun's `SHAPES`, add a file here with one [`Step`] (named
//! `<event>_v1_to_v2.rs`), name it in [`STEPS`], and add the golden file and schema of the new version. Golden files
//! of older versions stay.
//!
//! Open before you raise: a sealed value opens only under the name and the path at which it was sealed.

mod chain;
mod image_embedded_v1_to_v2;
mod image_uploaded_v1_to_v2;

use crate::event::Undecodable;
use crate::shape::SHAPES;
use chain::Chain;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The fields of one fact, by name: what stands under its name in the payload.
pub type Fields = Map<String, Value>;

/// One change of one fact's shape: from a version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The noun.
    pub noun: &'static str,
    /// The fact's name before.
    pub event_type: &'static str,
    /// The version that is raised, to the one after it.
    pub version: u32,
    /// The fact's name afterwards: the same, unless it was renamed.
    pub becomes: &'static str,
    /// What happens to its fields. Pure. A personal value is met known, erased or sealed
    /// ([`crate::personal`]), and may be moved whole; what is made of an erased one is erased.
    ///
    /// # Errors
    /// Which field is not as that version had it; the text names fields, never values (AUD-5).
    pub raise: fn(Fields) -> Result<Fields, &'static str>,
}

/// Every change that a shape went through since its first release, in any order.
pub const STEPS: [Step; 2] = [image_uploaded_v1_to_v2::STEP, image_embedded_v1_to_v2::STEP];

const HOUSE: Chain<'static> = Chain {
    shapes: &SHAPES,
    steps: &STEPS,
};

/// Brings a stored fact to today's shape, in place. One that has it already stays as it is.
///
/// `noun`, `event_type` and `version` are those of the stored event, `payload` is `{"<event_type>": {…}}`. Where the
/// fact was renamed since, the payload carries today's name afterwards.
///
/// # Errors
/// [`Undecodable`]; the payload is then as it was.
pub fn to_today(
    noun: &str,
    event_type: &str,
    version: &str,
    payload: &mut Value,
) -> Result<(), Undecodable> {
    let raised = match raised(noun, event_type, version, payload)? {
        Cow::Borrowed(_) => return Ok(()),
        Cow::Owned(raised) => raised,
    };
    *payload = raised;
    Ok(())
}

/// As [`to_today`], without touching what was given.
pub(crate) fn raised<'a>(
    noun: &str,
    event_type: &str,
    version: &str,
    payload: &'a Value,
) -> Result<Cow<'a, Value>, Undecodable> {
    HOUSE.raised(noun, event_type, version, payload)
}

/// Whether a stored fact has today's shape, so that nothing needs raising.
pub(crate) fn is_today(noun: &str, event_type: &str, version: &str) -> bool {
    HOUSE.is_today(noun, event_type, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_version_is_raised_in_two_ways() {
        let from: BTreeSet<_> = STEPS
            .iter()
            .map(|step| (step.noun, step.event_type, step.version))
            .collect();
        assert_eq!(from.len(), STEPS.len());
    }

    #[test]
    fn every_version_below_todays_has_its_step() {
        for shape in SHAPES.concat() {
            for below in 1..shape.version {
                let raises = |step: &&Step| {
                    (step.noun, step.becomes, step.version) == (shape.noun, shape.event_type, below)
                };
                assert!(STEPS.iter().any(|step| raises(&step)), "{shape:?} {below}");
            }
        }
    }

    #[test]
    fn every_step_leads_to_a_shape_of_today() {
        for step in STEPS {
            let way = HOUSE.way(step.noun, step.event_type, step.version);
            assert!(way.is_ok(), "{step:?}");
        }
    }
}
