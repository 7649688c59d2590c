//! Passwords: the rule for new ones (LIM-8), and argon2id, two at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::refusal::Refusal;

/// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes at once: 38 MiB at most, and never all processors of a small machine.
const AT_ONCE: usize = 2;
/// A call that waits longer for its turn is told to come back, so that no queue grows.
const TURN_WAIT: Duration = Duration::from_secs(10);
/// LIM-8, in characters.
const CHARACTERS_MIN: usize = 8;
const CHARACTERS_MAX: usize = 128;

/// What somebody typed. Wiped when dropped, and without `Debug`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }
}

/// What a new password lacks, in the protocol's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    Length,
    Characters,
}

impl Weakness {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Characters => "characters",
        }
    }
}

impl Password {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// LIM-8: 8 to 128 characters, among them a capital, a small letter and a digit.
    pub(crate) fn weaknesses(&self) -> Vec<Weakness> {
        let mut found = Vec::new();
        if !(CHARACTERS_MIN..=CHARACTERS_MAX).contains(&self.0.chars().count()) {
            found.push(Weakness::Length);
        }
        let has = |kind: fn(char) -> bool| self.0.chars().any(kind);
        if !(has(char::is_uppercase) && has(char::is_lowercase) && has(|c| c.is_ascii_digit())) {
            found.push(Weakness::Characters);
        }
        found
    }
}

/// Hashes and compares passwords off the async threads, [`AT_ONCE`] at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Compared when there is no account, so that an unknown address takes as long as a known one.
    nobody: String,
}

impl Passwords {
    /// `None` when the operating system gives no memory or no chance.
    pub(crate) fn try_new() -> Option<Self> {
        let nobody = hash(&Password::from(String::from("nobody's password")))?;
        Some(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody,
        })
    }

    /// The PHC text (`$argon2id$v=19$m=…`) to keep.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Refusal> {
        self.in_turn(move || hash(&password))
            .await?
            .ok_or(Refusal::Inside)
    }

    /// Whether the password belongs to the stored hash; without one, `false` after the same work.
    pub(crate) async fn matches(
        &self,
        password: Password,
        stored: Option<&str>,
    ) -> Result<bool, Refusal> {
        let known = stored.is_some();
        let against = stored.unwrap_or(&self.nobody).to_owned();
        let same = self.in_turn(move || verify(&password, &against)).await?;
        Ok(known && same)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.turns).acquire_owned());
        let turn = waiting
            .await
            .map_err(|_| Refusal::TooBusy)?
            .map_err(|_| Refusal::Inside)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|_| Refusal::Inside)
    }
}

fn argon2id() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Password) -> Option<String> {
    let salt = SaltString::generate(&mut OsRng);
    let hashed = argon2id()?
        .hash_password(password.0.as_bytes(), &salt)
        .ok()?;
    Some(hashed.to_string())
}

fn verify(password: &Password, stored: &str) -> bool {
    let (Some(argon2), Ok(stored)) = (argon2id(), PasswordHash::new(stored)) else {
        return false;
    };
    argon2
        .verify_password(password.0.as_bytes(), &stored)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::from(text.to_owned())
    }

    #[test]
    fn a_weak_password_is_told_what_it_lacks() {
        let cases: [(&str, &[Weakness]); 6] = [
            ("Aa345678", &[]),
            ("Aa34567", &[Weakness::Length]),
            ("aa345678", &[Weakness::Characters]),
            ("Aaaaaaaa", &[Weakness::Characters]),
            ("short", &[Weakness::Length, Weakness::Characters]),
            ("Žluťoučký1", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(password(text).weaknesses(), expected, "{text}");
        }
        assert_eq!(password(&"Aa1".repeat(43)).weaknesses(), [Weakness::Length]);
        assert!(password(&"Aa12".repeat(32)).weaknesses().is_empty());
    }

    #[tokio::test]
    async fn only_the_right_password_matches_and_nobody_matches_nothing() {
        let passwords = Passwords::try_new().unwrap();
        let stored = passwords.hash(password("Aa345678")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let matches = async |text: &str, stored: Option<&str>| {
            passwords.matches(password(text), stored).await.unwrap()
        };
        assert!(matches("Aa345678", Some(&stored)).await);
        assert!(!matches("Aa345679", Some(&stored)).await);
        assert!(!matches("nobody's password", None).await);
    }
}
