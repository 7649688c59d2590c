//! A share of one in ten-thousandths, because events hold no floats.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A share between 0 and 1 (similarity, confidence), counted in ten-thousandths: 9730 is 0.973.
///
/// Provider scores of 0 to 100 are kept as the same share: 71.3 of 100 is 7130.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Share(u16);

/// A number that is no share of one: below 0, above 1, or no number at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a share between 0 and 1")]
pub struct NotAShare;

impl Share {
    /// Nothing of it.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ONE: Self = Self(10_000);

    /// From whole percent; more than 100 is taken as 100.
    #[must_use]
    pub const fn percent(percent: u16) -> Self {
        Self(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// From a number between 0 and 100, as search engines report scores.
    ///
    /// # Errors
    /// [`NotAShare`] below 0, above 100, or for not-a-number.
    pub fn try_from_score(score: f64) -> Result<Self, NotAShare> {
        Self::try_from_unit(score / 100.0)
    }

    /// From a number between 0 and 1.
    ///
    /// # Errors
    /// [`NotAShare`] below 0, above 1, or for not-a-number.
    pub fn try_from_unit(unit: f64) -> Result<Self, NotAShare> {
        if !(0.0..=1.0).contains(&unit) {
            return Err(NotAShare);
        }
        // Floor, not round: a score of 79.999 must not reach a bound of 80 (bounds are exact).
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0..=10000 was just checked"
        )]
        let ten_thousandths = (unit * 10_000.0 + 1e-6).floor() as u16;
        Ok(Self(ten_thousandths.min(10_000)))
    }

    /// As a number between 0 and 1, for people and for JSON answers.
    #[must_use]
    pub fn as_unit(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Rounded to whole percent, for sentences.
    #[must_use]
    pub const fn as_percent(self) -> u16 {
        (self.0 + 50) / 100
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share between 0 and 1, in ten-thousandths: 9730 is 0.973.",
            "type": "integer",
            "minimum": 0,
            "maximum": Self::ONE.0
        })
    }
}

impl TryFrom<u16> for Share {
    type Error = NotAShare;

    fn try_from(ten_thousandths: u16) -> Result<Self, NotAShare> {
        if ten_thousandths > 10_000 {
            Err(NotAShare)
        } else {
            Ok(Self(ten_thousandths))
        }
    }
}

impl From<Share> for u16 {
    fn from(share: Share) -> u16 {
        share.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_just_below_a_bound_stays_below_it() {
        assert!(Share::try_from_score(79.999).unwrap() < Share::percent(80));
        assert_eq!(Share::try_from_score(80.0).unwrap(), Share::percent(80));
        assert_eq!(
            Share::try_from_score(22.4).unwrap(),
            Share::try_from(2240).unwrap()
        );
    }

    #[test]
    fn numbers_that_are_no_share_are_refused() {
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::try_from_unit(wrong), Err(NotAShare));
        }
        assert!(serde_json::from_str::<Share>("10001").is_err());
    }

    #[test]
    fn every_ten_thousandth_survives_the_way_through_a_float() {
        for n in 0..=10_000 {
            let share = Share::try_from(n).unwrap();
            assert_eq!(Share::try_from_unit(share.as_unit()).unwrap(), share);
        }
    }
}
