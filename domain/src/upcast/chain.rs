//! How steps follow one another. The tables come in from outside, so that the laws can be tried on steps that no fact
//! ever needed.

use super::{Fields, Step};
use crate::event::Undecodable;
use crate::shape::Shape;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What is written today, and how older facts get there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain<'t> {
    /// Today's shapes, by noun.
    pub shapes: &'t [&'t [Shape]],
    /// The steps, in any order.
    pub steps: &'t [Step],
}

impl<'t> Chain<'t> {
    /// A stored fact in today's shape; borrowed, where it has that already.
    pub fn raised<'a>(
        &self,
        noun: &str,
        event_type: &str,
        version: &str,
        payload: &'a Value,
    ) -> Result<Cow<'a, Value>, Undecodable> {
        let known = self.noun(noun)?;
        let misshapen = |reason: &str| Undecodable::Misshapen {
            noun: known,
            reason: reason.to_owned(),
        };
        let version = number(version).ok_or_else(|| misshapen("its version is no number"))?;
        let way = self.way(known, event_type, version)?;
        let fields = fields(event_type, payload)
            .ok_or_else(|| misshapen("it is not the one fact that its name says"))?;
        let Some(last) = way.last() else {
            return Ok(Cow::Borrowed(payload));
        };
        let raised = way
            .iter()
            .try_fold(fields.clone(), |fields, step| (step.raise)(fields))
            .map_err(misshapen)?;
        let name = last.becomes.to_owned();
        Ok(Cow::Owned(Value::Object(Map::from_iter([(
            name,
            Value::Object(raised),
        )]))))
    }

    /// Whether a fact is written like this today, so that there is no step to take.
    pub fn is_today(&self, noun: &str, event_type: &str, version: &str) -> bool {
        number(version).is_some_and(|version| {
            self.today(noun, event_type) == Some(version)
                && self.step(noun, event_type, version).is_none()
        })
    }

    /// The steps from this version of this fact to today's, in the order in which they are taken.
    pub fn way(
        &self,
        noun: &'static str,
        event_type: &str,
        version: u32,
    ) -> Result<Vec<&'t Step>, Undecodable> {
        let mut way: Vec<&Step> = Vec::new();
        // Ends: the version grows with every step that is found, and the table is finite.
        loop {
            let (name, at) = match way.last() {
                Some(last) => (last.becomes, last.version + 1),
                None => (event_type, version),
            };
            match self.step(noun, name, at) {
                Some(step) => way.push(step),
                None if self.today(noun, name) == Some(at) => return Ok(way),
                None => return Err(self.astray(noun, name, at)),
            }
        }
    }

    /// Why there is no way on from here.
    fn astray(&self, noun: &'static str, event_type: &str, version: u32) -> Undecodable {
        let of = |step: &&Step| (step.noun, step.event_type) == (noun, event_type);
        let ever = self.steps.iter().filter(of).map(|step| step.version);
        let newest = ever.chain(self.today(noun, event_type)).max();
        let event_type = event_type.to_owned();
        // A fact without any known version is newer than this program in the same way as a newer version.
        if newest.is_some_and(|newest| version < newest) {
            Undecodable::NoStep {
                noun,
                event_type,
                version,
            }
        } else {
            Undecodable::Newer {
                noun,
                event_type,
                version,
            }
        }
    }

    fn noun(&self, noun: &str) -> Result<&'static str, Undecodable> {
        let mut all = self.shapes.iter().copied().flatten();
        all.find(|shape| shape.noun == noun)
            .map(|shape| shape.noun)
            .ok_or_else(|| Undecodable::UnknownNoun(noun.to_owned()))
    }

    fn today(&self, noun: &str, event_type: &str) -> Option<u32> {
        let mut all = self.shapes.iter().copied().flatten();
        all.find(|shape| (shape.noun, shape.event_type) == (noun, event_type))
            .map(|shape| shape.version)
    }

    fn step(&self, noun: &str, event_type: &str, version: u32) -> Option<&'t Step> {
        self.steps
            .iter()
            .find(|step| (step.noun, step.event_type, step.version) == (noun, event_type, version))
    }
}

/// A version as it is written: a decimal number without sign and without leading zeros.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|letter| letter.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// The fields of a payload that holds this fact and nothing else.
fn fields<'a>(event_type: &str, payload: &'a Value) -> Option<&'a Fields> {
    let payload = payload.as_object().filter(|map| map.len() == 1)?;
    payload.get(event_type)?.as_object()
}

#[cfg(test)]
mod tests;
