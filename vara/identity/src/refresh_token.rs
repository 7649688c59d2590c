//! A refresh token: 22 letters and digits that are given out once and kept only as a hash.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::edge;
use crate::keys::Keys;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^22 is just over 2^128, so 22 letters hold 16 bytes.
const LENGTH: usize = 22;

/// The token as the client holds it. Wiped when dropped, and without `Debug`.
pub(crate) struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    /// The first token of a session.
    pub(crate) fn fresh() -> Self {
        Self::spelled(edge::fresh_bytes())
    }

    /// Something a client sent; whether it was ever issued, the database knows.
    pub(crate) fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The token that follows this one.
    ///
    /// Computed, not drawn: when a client lost the answer and shows the old token again, it must
    /// get the very token that was issued then, and the database keeps only hashes. A second line
    /// of good tokens would let a thief live on unnoticed beside her.
    pub(crate) fn successor(&self, keys: &Keys) -> Self {
        let mut mac = Hmac::<Sha256>::new((&*keys.rotation).into());
        mac.update(self.0.as_bytes());
        let mut first_half = [0; 16];
        first_half.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Self::spelled(first_half)
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// For the one answer that gives it to the client.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    fn spelled(bytes: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(bytes);
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        for _ in 0..LENGTH {
            text.push(char::from(LETTERS[(rest % 62) as usize]));
            rest /= 62;
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn a_token_is_22_letters_and_digits_and_never_twice_the_same() {
        let (one, two) = (RefreshToken::fresh(), RefreshToken::fresh());
        for token in [&one, &two] {
            assert_eq!(token.reveal().len(), 22);
            assert!(token.reveal().chars().all(|c| c.is_ascii_alphanumeric()));
        }
        assert_ne!(one.hash(), two.hash());
        assert_ne!(
            RefreshToken::spelled([0; 16]).reveal(),
            RefreshToken::spelled([255; 16]).reveal()
        );
    }

    #[test]
    fn a_token_shown_twice_has_one_successor_that_nobody_else_can_compute() {
        let (keys, token) = (keys::for_tests(), RefreshToken::fresh());
        let again = RefreshToken::presented(token.reveal());
        assert_eq!(token.successor(&keys).hash(), again.successor(&keys).hash());
        assert_ne!(
            token.successor(&keys).hash(),
            token.successor(&keys::for_tests()).hash()
        );
        assert_ne!(token.successor(&keys).hash(), token.hash());
    }
}
