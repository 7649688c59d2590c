//! The text under which a code of the domain stands in a row: the same as in events and answers.

use serde::Serialize;
use serde_json::Value;

/// The code of a unit variant, as `MEDIUM_HIGH`.
///
/// # Errors
/// For a value that is no plain code; that is a fault of this program, told instead of guessed.
pub fn code<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    match serde_json::to_value(value) {
        Ok(Value::String(code)) => Ok(code),
        Ok(_) => Err(sqlx::Error::Encode("a value that is no plain code".into())),
        Err(fault) => Err(sqlx::Error::Encode(fault.into())),
    }
}

/// The code of a value that may be absent.
pub fn code_or_null<T: Serialize>(value: Option<&T>) -> Result<Option<String>, sqlx::Error> {
    value.map(code).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::matches::{MatchType, Tier};
    use domain::platform::Platform;
    use domain::scan::{FailureCode, UnitOutcome};
    use domain::user::Purpose;

    #[test]
    fn a_code_in_a_row_is_the_one_in_events() {
        assert_eq!(code(&Tier::MediumHigh).unwrap(), "MEDIUM_HIGH");
        assert_eq!(code(&MatchType::Exact).unwrap(), "EXACT");
        for purpose in Purpose::ALL {
            assert_eq!(code(&purpose).unwrap(), purpose.code());
        }
    }

    #[test]
    fn an_absent_value_is_null() {
        assert_eq!(code_or_null::<Platform>(None).unwrap(), None);
        let known = code_or_null(Some(&Platform::Tiktok)).unwrap();
        assert_eq!(known.as_deref(), Some("TIKTOK"));
    }

    #[test]
    fn a_value_that_is_no_plain_code_is_refused_and_not_guessed() {
        let no_code = UnitOutcome::Failed(FailureCode::ProviderAuth);
        assert!(code(&no_code).is_err());
        assert!(code(&7).is_err());
        assert!(code_or_null(Some(&no_code)).is_err());
    }
}
