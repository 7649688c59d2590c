//! A key to a paid service, which no log and no error text may show (PRV-3).

use reqwest::header::HeaderValue;
use std::fmt;

/// Length up to which a key is masked whole: its last four characters would be half of it.
const MASKED_WHOLE: usize = 8;

/// An API key. Its text leaves it only into a request header.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes the key as configured; an empty one is no key.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The value of the header that carries it, marked so that HTTP libraries do not log it either.
    /// `None` when the key holds characters that no header can carry.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The value of `Authorization` that carries it as a bearer token, marked alike.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .0
            .char_indices()
            .rev()
            .nth(3)
            .filter(|_| self.0.chars().count() > MASKED_WHOLE)
            .map_or("", |(at, _)| &self.0[at..]);
        write!(f, "****{shown}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_last_four_characters_at_most() {
        // PRV-3
        let shown = |text| format!("{:?}", ApiKey::new(text).unwrap());
        assert_eq!(shown("abcdefgh-secret-1234"), "****1234");
        assert_eq!(shown("sandbox"), "****");
        assert_eq!(shown("é"), "****");
        let header = ApiKey::new("abcdefgh-secret-1234").unwrap().header();
        assert!(!format!("{header:?}").contains("secret"));
        let bearer = ApiKey::new("abcdefgh-secret-1234").unwrap().bearer();
        assert!(!format!("{bearer:?}").contains("secret"));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(ApiKey::new("  ").is_none());
        assert!(ApiKey::new("a\nb").unwrap().header().is_none());
    }
}
