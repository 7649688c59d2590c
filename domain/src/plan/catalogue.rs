//! The items a plan can hold: code, category, words (6.1 and 6.3 of the rules).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The stable code of an item; its words may be edited, its code never.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemCode {
    /// Answer the eight questions.
    CompleteAssessment,
    /// Look at the alerts that are NEW or VIEWED.
    ReviewAlerts,
}

/// The part of her safety that an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// What is watched for her.
    MonitoringSetup,
}

/// How soon, most urgent first (6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Urgency {
    /// 1: within 3 days.
    First,
    /// 2: within 14 days.
    Second,
    /// 3: within 30 days.
    Third,
}

impl Urgency {
    /// Days until an item should be done, at a risk level below CRITICAL (PLN-9).
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::First => 3,
            Self::Second => 14,
            Self::Third => 30,
        }
    }
}

impl JsonSchema for Urgency {
    fn schema_name() -> Cow<'static, str> {
        "Urgency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How soon, most urgent first: 1 within 3 days, 2 within 14 days, 3 within 30 days.",
            "type": "integer",
            "enum": [u8::from(Self::First), u8::from(Self::Second), u8::from(Self::Third)]
        })
    }
}

impl TryFrom<u8> for Urgency {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            3 => Ok(Self::Third),
            _ => Err(format!("{number} is no urgency")),
        }
    }
}

impl From<Urgency> for u8 {
    fn from(urgency: Urgency) -> u8 {
        match urgency {
            Urgency::First => 1,
            Urgency::Second => 2,
            Urgency::Third => 3,
        }
    }
}

impl Category {
    /// The label that people read (6.1).
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::MonitoringSetup => "Monitoring Setup",
        }
    }
}

impl ItemCode {
    /// The code that events, answers and ids carry.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CompleteAssessment => "COMPLETE_ASSESSMENT",
            Self::ReviewAlerts => "REVIEW_ALERTS",
        }
    }

    /// The category of 6.3.
    #[must_use]
    pub const fn category(self) -> Category {
        match self {
            Self::CompleteAssessment | Self::ReviewAlerts => Category::MonitoringSetup,
        }
    }

    /// What she reads first.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::CompleteAssessment => "Tell us what matters to you",
            Self::ReviewAlerts => "Look at what we found",
        }
    }

    /// What she reads next.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::CompleteAssessment => {
                "Eight short questions help us make this list yours. You can stop at any time."
            }
            Self::ReviewAlerts => {
                "There are findings you have not decided about yet. Take them one at a time, \
                 when it suits you and where nobody looks over your shoulder."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_calm() {
        // GEN-2
        for code in [ItemCode::CompleteAssessment, ItemCode::ReviewAlerts] {
            assert!(!code.title().contains('!') && !code.description().contains('!'));
        }
    }

    #[test]
    fn an_urgency_is_its_number_in_events() {
        // 6.1: 1 is the most urgent
        for (urgency, number, days) in [
            (Urgency::First, 1, 3),
            (Urgency::Second, 2, 14),
            (Urgency::Third, 3, 30),
        ] {
            assert_eq!(serde_json::to_value(urgency).unwrap(), number);
            assert_eq!(Urgency::try_from(number), Ok(urgency));
            assert_eq!(urgency.days(), days);
        }
        assert!(serde_json::from_str::<Urgency>("4").is_err());
    }
}
