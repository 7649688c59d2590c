//! One event as auditors get it: all that its leaf commits to, and nothing else.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One event of the record; also one line of an export (`events.jsonl`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Place in the one gapless log, from 1. Its leaf has index `position - 1`.
    pub position: u64,
    /// The noun, as `image`.
    pub noun: String,
    /// The stream within the noun.
    pub stream: String,
    /// Place in the stream, from 1.
    pub sequence: u64,
    /// The fact's name, as `MatchFound`.
    pub event_type: String,
    /// Version of the fact's shape.
    pub event_version: String,
    /// When it was recorded: microseconds since the Unix epoch.
    pub recorded_at_us: i64,
    /// The event's id.
    pub event_id: Id,
    /// The command's id, where one is known.
    pub command_id: Option<Id>,
    /// The fact, text exactly as stored: personal values are ciphertext.
    pub payload: String,
    /// Its circumstances, text exactly as stored.
    pub metadata: String,
}

/// The 16 bytes of a UUID (RFC 9562). As text only in the canonical form: lower case, with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

/// A text that is no canonical UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id must be a UUID in lower case with hyphens")]
pub struct NotAnId;

/// Where the hyphens stand in the 36 characters.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = hex::encode(self.0);
        for at in HYPHENS {
            text.insert(at, '-');
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let text = text.as_bytes();
        let is_canonical = text.len() == 36
            && HYPHENS.iter().all(|at| text[*at] == b'-')
            && !text.iter().any(u8::is_ascii_uppercase);
        if !is_canonical {
            return Err(NotAnId);
        }
        let mut bytes = [0; 16];
        let mut rest = bytes.as_mut_slice();
        for digits in [
            &text[..8],
            &text[9..13],
            &text[14..18],
            &text[19..23],
            &text[24..],
        ] {
            let (now, later) = rest.split_at_mut(digits.len() / 2);
            hex::decode_to_slice(digits, now).map_err(|_| NotAnId)?;
            rest = later;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Reads an id where its text stands, without a copy: an export has two for each event.
struct Text;

impl Visitor<'_> for Text {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&NotAnId, f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_in_its_canonical_form_only() {
        let text = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";
        let id: Id = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            text.replacen("-2b", "2-b", 1),
            text.replacen("2b3c", "2b-c", 1),
            text.replacen("2b3c", "2b3g", 1),
            format!("{text} "),
            String::new(),
            "é".repeat(18),
        ] {
            assert_eq!(other.parse::<Id>(), Err(NotAnId), "{other}");
        }
    }
}
