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
