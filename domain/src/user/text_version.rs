//! Which version of a text she was shown (CON-2).

/// Name of a version of a consent text, as `settings-1`: 1 to 50 letters, digits, dots, hyphens and underlines.
///
/// It stands in the log in the clear, so nothing that a person could have written about herself fits in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextVersion(String);

/// A text that names no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a text version")]
pub struct NotATextVersion;

impl TextVersion {
    /// Longest name, in characters.
    const LENGTH_MAX: usize = 50;

    /// Reads a name.
    ///
    /// # Errors
    /// [`NotATextVersion`] for another length or another character.
    pub fn parse(text: &str) -> Result<Self, NotATextVersion> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if (1..=Self::LENGTH_MAX).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotATextVersion)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_plain_name_and_nothing_else() {
        for name in ["signup-1", "settings_2.1", "A"] {
            assert_eq!(TextVersion::parse(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(51);
        for text in [
            "",
            "\u{0}",
            "ana@example.test",
            "two words",
            "zoë",
            long.as_str(),
        ] {
            assert_eq!(TextVersion::parse(text), Err(NotATextVersion), "{text}");
        }
    }
}
