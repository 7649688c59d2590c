//! Replaces the personal values of a payload by ciphertext, and back.

use crate::keys::{Key, KeyError, SubjectKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use domain::personal::{ERASED, KNOWN, SEALED};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Version of the construction: XChaCha20-Poly1305, 24-byte nonce in front, place and path as associated data.
const VERSION: &str = "1.";

/// Where an event stands: its values open nowhere else (AUD-2).
pub(crate) fn place(noun: &str, stream: &str, event_id: Uuid, event_type: &str) -> String {
    format!("{noun}/{stream}/{event_id}/{event_type}")
}

/// Seals every personal value of a payload, in place.
pub(crate) fn seal(payload: &mut Value, key: &SubjectKey, place: &str) -> Result<(), KeyError> {
    walk(payload, place, &mut |map, path| {
        let Some(known) = map.remove(KNOWN) else {
            return Ok(None);
        };
        let sealed = key.seal(known.to_string().as_bytes(), path)?;
        Ok(Some(
            json!({ SEALED: format!("{VERSION}{}", BASE64.encode(sealed)) }),
        ))
    })
}

/// Opens every sealed value of a payload, in place; where the key was destroyed each one reads as erased.
pub(crate) fn open(payload: &mut Value, key: &Key, place: &str) -> Result<(), KeyError> {
    walk(payload, place, &mut |map, path| {
        let Some(sealed) = map.get(SEALED) else {
            return Ok(None);
        };
        let Key::Present(key) = key else {
            return Ok(Some(json!({ ERASED: true })));
        };
        let text = sealed
            .as_str()
            .and_then(|s| s.strip_prefix(VERSION))
            .ok_or(KeyError::Sealed)?;
        let plain = key.open(&BASE64.decode(text).map_err(|_| KeyError::Sealed)?, path)?;
        let known: Value = serde_json::from_slice(&plain).map_err(|_| KeyError::Sealed)?;
        Ok(Some(json!({ KNOWN: known })))
    })
}

/// Whether a payload holds any sealed value.
pub(crate) fn is_sealed(payload: &Value) -> bool {
    has(payload, SEALED)
}

/// Whether a payload holds any personal value that is to be sealed.
pub(crate) fn is_personal(payload: &Value) -> bool {
    has(payload, KNOWN)
}

fn has(payload: &Value, mark: &str) -> bool {
    match payload {
        Value::Object(map) => map.contains_key(mark) || map.values().any(|inner| has(inner, mark)),
        Value::Array(items) => items.iter().any(|inner| has(inner, mark)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

type Replace<'a> = dyn FnMut(&mut Map<String, Value>, &str) -> Result<Option<Value>, KeyError> + 'a;

/// Offers every object of the payload to `replace`, with the path to it; what it returns takes the object's place.
fn walk(value: &mut Value, path: &str, replace: &mut Replace<'_>) -> Result<(), KeyError> {
    match value {
        Value::Object(map) => {
            if let Some(instead) = replace(map, path)? {
                *value = instead;
                return Ok(());
            }
            for (name, inner) in map.iter_mut() {
                walk(inner, &format!("{path}/{name}"), replace)?;
            }
            Ok(())
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                walk(inner, &format!("{path}/{at}"), replace)?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Value {
        json!({ "MatchFound": { "page": { KNOWN: "https://x.com/p" }, "tier": "HIGH",
                "more": [{ KNOWN: { "a": 1 } }], "picture": null } })
    }

    #[test]
    fn a_payload_comes_back_as_it_was() {
        let key = SubjectKey::generate();
        let mut sealed = payload();
        seal(&mut sealed, &key, "p").unwrap();
        assert!(is_sealed(&sealed) && !sealed.to_string().contains("x.com"));
        assert!(!sealed.to_string().contains(KNOWN));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
        open(&mut sealed, &Key::Present(key), "p").unwrap();
        assert_eq!(sealed, payload());
    }

    #[test]
    fn without_the_key_every_personal_value_is_erased_and_the_rest_stays() {
        // AUD-2
        let mut sealed = payload();
        seal(&mut sealed, &SubjectKey::generate(), "p").unwrap();
        open(&mut sealed, &Key::Erased, "p").unwrap();
        assert_eq!(sealed["MatchFound"]["page"], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["more"][0], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
    }

    #[test]
    fn a_value_moved_to_another_event_or_field_does_not_open() {
        let key = SubjectKey::generate();
        let mut sealed = payload();
        seal(&mut sealed, &key, "p").unwrap();
        let key = Key::Present(key);
        assert!(open(&mut sealed.clone(), &key, "q").is_err());
        let mut moved = json!({ "MatchFound": { "picture": sealed["MatchFound"]["page"] } });
        assert!(open(&mut moved, &key, "p").is_err());
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let key = SubjectKey::generate();
        let (mut one, mut two) = (payload(), payload());
        seal(&mut one, &key, "p").unwrap();
        seal(&mut two, &key, "p").unwrap();
        assert_ne!(one["MatchFound"]["page"], two["MatchFound"]["page"]);
    }
}
