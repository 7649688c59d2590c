//! Replaces the personal values of a payload by ciphertext, and back.

use crate::keys::{Key, KeyError, SubjectKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use cqrs_es::Aggregate;
use domain::ids::ImageId;
use domain::image::Library;
use domain::personal::{ERASED, KNOWN, SEALED};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Version of the construction: XChaCha20-Poly1305, 24-byte nonce in front, place and path as associated data, under the
/// subject's key.
const SUBJECTS: &str = "1.";
/// The same under the key of a picture that the fact names (IMG-6).
const PICTURES: &str = "2.";

/// The key that the values of one fact are sealed with, and the version that says whose it is.
#[derive(Debug)]
pub(crate) struct Under {
    version: &'static str,
    key: SubjectKey,
}

impl Under {
    pub(crate) const fn subject(key: SubjectKey) -> Self {
        let version = SUBJECTS;
        Self { version, key }
    }

    pub(crate) const fn picture(key: SubjectKey) -> Self {
        let version = PICTURES;
        Self { version, key }
    }
}

/// The keys that may open the values of one fact.
#[derive(Debug)]
pub(crate) struct Openers {
    pub subject: Key,
    /// Of the picture that the fact names, where [`picture_to_open`] tells one.
    pub picture: Option<Key>,
}

/// Where an event stands: its values open nowhere else (AUD-2).
pub(crate) fn place(noun: &str, stream: &str, event_id: Uuid, event_type: &str) -> String {
    format!("{noun}/{stream}/{event_id}/{event_type}")
}

/// A payload as it is written down: every personal value sealed on the way, without a second tree of it.
pub(crate) fn sealed(payload: &Value, under: &Under, place: &str) -> serde_json::Result<String> {
    let path = RefCell::new(place.to_owned());
    serde_json::to_string(&Sealing {
        value: payload,
        under,
        path: &path,
    })
}

/// A part of a payload, and the path to it while it is written.
struct Sealing<'a> {
    value: &'a Value,
    under: &'a Under,
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
        let Under { version, key } = self.under;
        let sealed = key.seal(plain.as_bytes(), &self.path.borrow())?;
        Ok(format!("{version}{}", BASE64.encode(sealed)))
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

/// Opens every sealed value of a payload, in place; where its key was destroyed it reads as erased.
pub(crate) fn open(payload: &mut Value, keys: &Openers, path: &str) -> Result<(), KeyError> {
    match payload {
        Value::Object(map) => {
            if let Some(sealed) = map.get(SEALED) {
                *payload = opened(sealed, keys, path)?;
                return Ok(());
            }
            for (name, inner) in map.iter_mut() {
                open(inner, keys, &format!("{path}/{name}"))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                open(inner, keys, &format!("{path}/{at}"))?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn opened(sealed: &Value, keys: &Openers, path: &str) -> Result<Value, KeyError> {
    let erased = json!({ ERASED: true });
    let Key::Present(subject) = &keys.subject else {
        return Ok(erased);
    };
    let text = sealed.as_str().unwrap_or_default();
    let (key, text) = match (text.strip_prefix(PICTURES), &keys.picture) {
        (Some(_), Some(Key::Erased)) => return Ok(erased),
        (Some(text), Some(Key::Present(picture))) => (picture, text),
        (Some(_), None) => return Err(KeyError::Sealed),
        (None, _) => (
            subject,
            text.strip_prefix(SUBJECTS).ok_or(KeyError::Sealed)?,
        ),
    };
    let plain = key.open(&BASE64.decode(text).map_err(|_| KeyError::Sealed)?, path)?;
    let known: Value = serde_json::from_slice(&plain).map_err(|_| KeyError::Sealed)?;
    Ok(json!({ KNOWN: known }))
}

/// Whether a payload holds any sealed value.
pub(crate) fn is_sealed(payload: &Value) -> bool {
    has(payload, &|map| map.contains_key(SEALED))
}

/// Whether a payload holds any personal value that is to be sealed.
pub(crate) fn is_personal(payload: &Value) -> bool {
    has(payload, &|map| map.contains_key(KNOWN))
}

/// The picture under whose key a fact's values are to be sealed: of a library, the one that it names. What other nouns tell
/// of a picture stays when it goes (IMG-6).
pub(crate) fn picture_to_seal(noun: &str, payload: &Value) -> Option<ImageId> {
    (noun == Library::TYPE).then(|| named(payload)).flatten()
}

/// The picture whose key is needed to open a payload, if any.
pub(crate) fn picture_to_open(payload: &Value) -> Option<ImageId> {
    let is_ours = |sealed: &Value| sealed.as_str().is_some_and(|it| it.starts_with(PICTURES));
    let is_needed = has(payload, &|map| map.get(SEALED).is_some_and(is_ours));
    is_needed.then(|| named(payload)).flatten()
}

/// The same of a payload that was not read yet, written as this program writes it; none of one that was not.
pub(crate) fn picture_in_text(payload: &str) -> Option<ImageId> {
    let is_needed = payload.contains(r#""$sealed":"2."#);
    let mut payload = serde_json::Deserializer::from_str(payload);
    is_needed.then(|| named(&mut payload)).flatten()
}

/// The picture that the one fact of a payload names.
fn named<'p>(payload: impl Deserializer<'p>) -> Option<ImageId> {
    #[derive(serde::Deserialize)]
    struct Fact {
        image_id: ImageId,
    }
    let facts = BTreeMap::<String, Fact>::deserialize(payload).ok()?;
    facts.into_values().next().map(|fact| fact.image_id)
}

fn has(payload: &Value, is_so: &impl Fn(&Map<String, Value>) -> bool) -> bool {
    match payload {
        Value::Object(map) => is_so(map) || map.values().any(|inner| has(inner, is_so)),
        Value::Array(items) => items.iter().any(|inner| has(inner, is_so)),
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
        let under = Under::subject(key.clone());
        serde_json::from_str(&super::sealed(&payload(), &under, "p").unwrap()).unwrap()
    }

    fn hers(subject: Key) -> Openers {
        let picture = None;
        Openers { subject, picture }
    }

    #[test]
    fn a_payload_comes_back_as_it_was() {
        let key = SubjectKey::generate();
        let mut sealed = sealed(&key);
        assert!(is_sealed(&sealed) && !sealed.to_string().contains("x.com"));
        assert!(!sealed.to_string().contains(KNOWN));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
        open(&mut sealed, &hers(Key::Present(key)), "p").unwrap();
        assert_eq!(sealed, payload());
    }

    #[test]
    fn without_the_key_every_personal_value_is_erased_and_the_rest_stays() {
        // AUD-2
        let mut sealed = sealed(&SubjectKey::generate());
        open(&mut sealed, &hers(Key::Erased), "p").unwrap();
        assert_eq!(sealed["MatchFound"]["page"], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["more"][0], json!({ ERASED: true }));
        assert_eq!(sealed["MatchFound"]["tier"], "HIGH");
    }

    #[test]
    fn a_value_moved_to_another_event_or_field_does_not_open() {
        let key = SubjectKey::generate();
        let sealed = sealed(&key);
        let key = hers(Key::Present(key));
        assert!(open(&mut sealed.clone(), &key, "q").is_err());
        let mut moved = json!({ "MatchFound": { "picture": sealed["MatchFound"]["page"] } });
        assert!(open(&mut moved, &key, "p").is_err());
    }

    /// A fact of a library with one value.
    fn uploaded(image: ImageId) -> Value {
        json!({ "ImageUploaded": { "image_id": image, "near_copy_of": { "image_id": "x" }, "sha256": { KNOWN: "ab" } } })
    }

    #[test]
    fn what_was_sealed_for_a_picture_opens_under_its_key_and_is_erased_without_it() {
        // IMG-6
        let (image, key) = (ImageId(Uuid::from_u128(7)), SubjectKey::generate());
        let payload = uploaded(image);
        assert_eq!(picture_to_seal("image", &payload), Some(image));
        assert_eq!(
            picture_to_seal("match", &payload),
            None,
            "IMG-6: history stays"
        );
        let text = super::sealed(&payload, &Under::picture(key.clone()), "p").unwrap();
        let sealed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(picture_to_open(&sealed), Some(image));
        assert_eq!(picture_in_text(&text), Some(image));
        let opened = |subject, picture| {
            let mut payload = sealed.clone();
            open(&mut payload, &Openers { subject, picture }, "p").map(|()| payload)
        };
        let subject = Key::Present(SubjectKey::generate());
        let there = opened(subject.clone(), Some(Key::Present(key.clone())));
        assert_eq!(there.unwrap(), payload);
        let gone = opened(subject.clone(), Some(Key::Erased)).unwrap();
        assert_eq!(gone["ImageUploaded"]["sha256"], json!({ ERASED: true }));
        assert!(opened(subject.clone(), None).is_err());
        assert!(
            opened(Key::Present(key), Some(subject)).is_err(),
            "under her own"
        );
    }

    #[test]
    fn what_was_sealed_before_pictures_had_keys_needs_none() {
        let under = Under::subject(SubjectKey::generate());
        let payload = uploaded(ImageId(Uuid::from_u128(7)));
        let text = super::sealed(&payload, &under, "p").unwrap();
        assert_eq!(picture_in_text(&text), None);
        let mut sealed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(picture_to_open(&sealed), None);
        open(&mut sealed, &hers(Key::Present(under.key)), "p").unwrap();
        assert_eq!(sealed, payload);
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let key = SubjectKey::generate();
        let (one, two) = (sealed(&key), sealed(&key));
        assert_ne!(one["MatchFound"]["page"], two["MatchFound"]["page"]);
    }
}
