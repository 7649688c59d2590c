//! The token of a link: 32 random bytes, of which only the SHA-256 is ever stored (SHR-1, SHR-2).

use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use sha2::{Digest, Sha256};

/// Whoever has it may fetch. Never printed: [`Token::text`] is for the link alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(withheld)")
    }
}

impl Token {
    /// A fresh one, from the system's own source of chance.
    pub(super) fn fresh() -> Self {
        let mut bytes = [0_u8; 32];
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads 64 lower-case hex digits; nothing else is a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let mut bytes = [0_u8; 32];
        // One spelling for one token: what is counted is what was given out.
        let is_plain = text.bytes().all(is_digit);
        (is_plain && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }

    /// As it stands in a link: 64 lower-case hex digits.
    #[must_use]
    pub fn text(&self) -> String {
        hex::encode(self.0)
    }

    /// What the database knows of it.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text_and_is_never_printed() {
        // SHR-1
        let token = Token::fresh();
        let text = token.text();
        assert_eq!(text.len(), 64);
        assert_eq!(Token::parse(&text), Some(token.clone()));
        assert!(!format!("{token:?}").contains(&text[..4]));
        assert_ne!(Token::fresh(), token);
    }

    #[test]
    fn nothing_else_is_a_token() {
        // SHR-5
        let text = "0a".repeat(32);
        assert!(Token::parse(&text).is_some());
        for wrong in [
            String::new(),
            text.to_uppercase(),
            text[1..].to_owned(),
            format!("{text}0a"),
            format!("+{}", &text[1..]),
            format!("é{}", &text[2..]),
            "../../../../etc/passwd".to_owned(),
        ] {
            assert_eq!(Token::parse(&wrong), None, "{wrong}");
        }
    }
}
