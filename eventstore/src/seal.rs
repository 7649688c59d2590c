//! Replaces the personal values of a payload by ciphertext, and back.

use crate::keys::{Key, KeyError, SubjectKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use domain::personal::{ERASED, KNOWN, SEALED};
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::cell::RefCell;
use uuid::Uuid;

/// Version of the construction: XChaCha20-Poly1305, 24-byte nonce in front, place and path as associated data.
const VERSION: &str = "1.";

/// Where an event stands: its values open nowhere else (AUD-2).
pub(crate) fn place(noun: &str, stream: &str, event_id: Uuid, event_type: &str) -> String {
    format!("{noun}/{stream}/{event_id}/{event_type}")
}

/// A payload as it is written down: every personal value sealed on the way, without a second tree of it.
pub(crate) fn sealed(payload: &Value, key: &SubjectKey, place: &str) -> serde_json::Result<String> {
    let path = RefCell::new(place.to_owned());
    serde_json::to_string(&Sealing {
        value: payload,
        key,
        path: &path,
    })
}

/// A part of a payload, and the path to it while it is written.
struct Sealing<'a> {
    value: &'a Value,
    key: &'a SubjectKey,
    path: &'a RefCell<String>,
}

impl Sealing<'_> {
    /// Has an inner part written under its own path.
    fn inner<T>(&self, name: &str, value: &Value, write: impl FnOnce(&Sealing<'_>) -> T) -> T {
        let above = self.path.borrow().len();
        self.path.borrow_mut().extend(["/", name]);
        let written = write(&Sealing { value, ..*self });
        self.path.borrow_mut().truncate(above);
        written
    }

    fn ciphertext(&self, known: &Value) -> Result<String, KeyError> {
        let plain = known.to_string();
        let sealed = self.key.seal(plain.as_bytes(), &self.path.borrow())?;
        Ok(format!("{VERSION}{}", BASE64.encode(sealed)))
    }
}

impl Serialize for Sealing<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(map) => {
                let mut object = to.serialize_map(None)?;
                if let Some(known) = map.get(KNOWN) {
                    let sealed = self.ciphertext(known).map_err(S::Error::custom)?;
                    object.serialize_entry(SEALED, &sealed)?;
                    return object.end();
                }
                for (name, value) in map {
                    self.inner(name, value, |part| object.serialize_entry(name, part))?;
                }
                object.end()
            }
            Value::Array(items) => {
                let mut array = to.serialize_seq(None)?;
                for (at, value) in items.iter().enumerate() {
                    self.inner(&at.to_string(), value, |part| array.serialize_element(part))?;
                }
                array.end()
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                plain.serialize(to)
            }
        }
    }
}

/// Opens every sealed value of a payload, in place; where the key was destroyed each one reads as erased.
pub(crate) fn open(payload: &mut Value, key: &Key, path: &str) -> Result<(), KeyError> {
    match payload {
        Value::Object(map) => {
            if let Some(sealed) = map.get(SEALED) {
                *payload = opened(sealed, key, path)?;
                return Ok(());
            }
            for (name, inner) in map.iter_mut() {
                open(inner, key, &format!("{path}/{name}"))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                open(inner, key, &format!("{path}/{at}"))?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn opened(sealed: &Value, key: &Key, path: &str) -> Result<Value, KeyError> {
    let Key::Present(key) = key else {
        return Ok(json!({ ERASED: true }));
    };
    let text = sealed
        .as_str()
        .and_then(|text| text.strip_prefix(VERSION))
        .ok_or(KeyError::Sealed)?;
    let plain = key.open(&BASE64.decode(text).map_err(|_| KeyError::Sealed)?, path)?;
    let known: Value = serde_json::from_slice(&plain).map_err(|_| KeyError::Sealed)?;
    Ok(json!({ KNOWN: known }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Value {
        json!({ "MatchFound": { "page": { KNOWN: "https://x.com/p" }, "tier": "HIGH",
                "more": [{ KNOWN: { "a": 1 } }], "picture": null } })
    }

    fn sealed(key: &SubjectKey) -> Value {
        serde_json::from_str(&super::sealed(&payload(), key, "p").unwrap()).unwrap()
    }

    #[test]
    fn a_payload_comes_back_as_it_was() {
        let key = SubjectKey::generate();
        let mut sealed = sealed(&key);
        assert!(is_sealed(&sealed) && !sealed.to_string().contains("x.com"));
        assert!(!sealed.to_string().contains(KNOWN));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
        open(&mut sealed, &Key::Present(key), "p").unwrap();
        assert_eq!(sealed, payload());
    }

    #[test]
    fn without_the_key_every_personal_value_is_erased_and_the_rest_stays() {
        // AUD-2
        let mut sealed = sealed(&SubjectKey::generate());
        open(&mut sealed, &Key::Erased, "p").unwrap();
        assert_eq!(sealed["MatchFound"]["page"], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["more"][0], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
    }

    #[test]
    fn a_value_moved_to_another_event_or_field_does_not_open() {
        let key = SubjectKey::generate();
        let sealed = sealed(&key);
        let key = Key::Present(key);
        assert!(open(&mut sealed.clone(), &key, "q").is_err());
        let mut moved = json!({ "MatchFound": { "picture": sealed["MatchFound"]["page"] } });
        assert!(open(&mut moved, &key, "p").is_err());
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let key = SubjectKey::generate();
        let (one, two) = (sealed(&key), sealed(&key));
        assert_ne!(one["MatchFound"]["page"], two["MatchFound"]["page"]);
    }
}
