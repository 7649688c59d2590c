//! A value about a person: it cannot be printed, is sealed before it is stored, and can be erased.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// The JSON key under which a known value stands until `eventstore` seals it.
pub const KNOWN: &str = "$personal";
/// The JSON key that says that the value can no longer be read by anybody.
pub const ERASED: &str = "$erased";
/// The JSON key under which ciphertext stands in the log: `{"$sealed": "1.<base64 of nonce and ciphertext>"}`; `2.` where it
/// stands under the key of one picture.
pub const SEALED: &str = "$sealed";
/// In the schema of a sealed value: the key of the schema of the value itself.
pub const OPENED: &str = "x-opened";

/// A personal value inside an event (AUD-2): e-mail, page address, hash of a picture.
///
/// Serialises to `{"$personal": value}`, a marker that the event store replaces by ciphertext under
/// the subject's own key, or that of her picture, before anything leaves the process. When that key
/// is destroyed the value reads as [`Personal::Erased`] for ever.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal<T> {
    /// The value, readable because its key still exists.
    Known(T),
    /// Its key was destroyed, with the subject or with the picture; the value is gone.
    Erased,
}

impl<T> Personal<T> {
    /// The value, if it can still be read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// The value by move, if it can still be read.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> std::fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Personal(withheld)",
            Self::Erased => "Personal(erased)",
        })
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Known(value) => map.serialize_entry(KNOWN, value)?,
            Self::Erased => map.serialize_entry(ERASED, &true)?,
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Marker(PhantomData))
    }
}

/// What stands in the log, and so on the bus: ciphertext. [`KNOWN`] and [`ERASED`] exist in memory only and are no part
/// of the schema; what the ciphertext opens to is told beside it, under [`OPENED`].
impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Personal_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("domain::Personal<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        sealed::<Sealed, T>(generator)
    }
}

/// A [`Personal`] value of a picture, for the schema only: the event store seals it under the picture's own key (IMG-6).
pub(crate) struct OfPicture<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OfPicture<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OfPicture_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("domain::OfPicture<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        sealed::<SealedForPicture, T>(generator)
    }
}

fn sealed<S: JsonSchema, T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": { SEALED: generator.subschema_for::<S>() },
        "required": [SEALED],
        "additionalProperties": false,
        OPENED: generator.subschema_for::<T>()
    })
}

/// The text under [`SEALED`], for the schema only: sealing is the event store's.
struct Sealed;

impl JsonSchema for Sealed {
    fn schema_name() -> Cow<'static, str> {
        "Sealed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A personal value as ciphertext under the key of the person whom it is about; when that \
                            key is destroyed nobody can read it any more. `1.` and the base64 (RFC 4648, section 4, \
                            without padding) of nonce and ciphertext. The schema of the value itself stands beside \
                            it as `x-opened`.",
            "type": "string",
            "pattern": "^1\\.[A-Za-z0-9+/]+$"
        })
    }
}

/// The same under a picture's key, for the schema only.
struct SealedForPicture;

impl JsonSchema for SealedForPicture {
    fn schema_name() -> Cow<'static, str> {
        "SealedForPicture".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A personal value as ciphertext under the key of the picture that the fact names by \
                            `image_id`; when the picture is purged, or its owner erased, that key is destroyed and \
                            nobody can read it any more. `2.` and the base64 (RFC 4648, section 4, without padding) of \
                            nonce and ciphertext. The schema of the value itself stands beside it as `x-opened`.",
            "type": "string",
            "pattern": "^2\\.[A-Za-z0-9+/]+$"
        })
    }
}

struct Marker<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Marker<T> {
    type Value = Personal<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a map with the one key {KNOWN} or {ERASED}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let value = match map.next_key::<String>()?.as_deref() {
            Some(KNOWN) => Personal::Known(map.next_value()?),
            Some(ERASED) => {
                map.next_value::<IgnoredAny>()?;
                Personal::Erased
            }
            // A sealed value that reached the domain unopened is a fault of the caller, never a default.
            Some(_) | None => return Err(A::Error::custom("a personal value that was not opened")),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("a personal value with a second key")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_value_cannot_be_printed() {
        let email = Personal::from("ana@example.test".to_owned());
        assert_eq!(format!("{email:?}"), "Personal(withheld)");
    }

    #[test]
    fn a_personal_value_comes_back_from_its_marker() {
        let email = Personal::from("ana@example.test".to_owned());
        let json = serde_json::to_value(&email).unwrap();
        assert_eq!(json, serde_json::json!({ "$personal": "ana@example.test" }));
        assert_eq!(
            serde_json::from_value::<Personal<String>>(json).unwrap(),
            email
        );
    }

    #[test]
    fn an_erased_value_reads_as_erased() {
        let json = serde_json::json!({ "$erased": true });
        let value: Personal<String> = serde_json::from_value(json).unwrap();
        assert_eq!(value, Personal::Erased);
        assert_eq!(value.known(), None);
    }

    #[test]
    fn a_value_that_is_still_sealed_is_refused() {
        for json in [
            serde_json::json!({ "$sealed": "AAAA" }),
            serde_json::json!({}),
            serde_json::json!("ana"),
        ] {
            assert!(serde_json::from_value::<Personal<String>>(json).is_err());
        }
    }

    #[test]
    fn a_value_with_a_second_key_is_refused() {
        // Neither half can be trusted when a value is said to be known and erased at once
        for json in [
            "{\"$personal\":\"ana\",\"$erased\":true}",
            "{\"$erased\":true,\"$personal\":\"ana\"}",
            "{\"$personal\":\"ana\",\"$personal\":\"eva\"}",
            "{\"$personal\":\"ana\",\"note\":1}",
        ] {
            assert!(
                serde_json::from_str::<Personal<String>>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_value_of_another_shape_is_refused_and_never_taken_as_erased() {
        let json = serde_json::json!({ "$personal": 7 });
        assert!(serde_json::from_value::<Personal<String>>(json).is_err());
    }

    #[test]
    fn an_erased_value_gives_nothing_back_in_any_way() {
        let value: Personal<String> = Personal::Erased;
        assert_eq!(format!("{value:?}"), "Personal(erased)");
        assert_eq!(value.known(), None);
        assert_eq!(value.into_known(), None);
        assert_ne!(Personal::Erased, Personal::Known(String::new()));
    }
}
