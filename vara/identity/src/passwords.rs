//! Passwords: the rule for new ones (LIM-8), and argon2id, two at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
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

/// What one hash works in: [`MEMORY_KIB`], kept from one to the next. Asked of the allocator each time on whichever thread is
/// free, the memory of two hashes at once came to 1 GB after a hundred of them: glibc keeps what each thread gave back.
type Memory = Vec<Block>;

/// Hashes and compares passwords off the async threads, [`AT_ONCE`] at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// The memory of those whose turn it is not.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// Compared when there is no account, so that an unknown address takes as long as a known one.
    nobody: String,
}

impl Passwords {
    /// `None` when the operating system gives no memory or no chance.
    pub(crate) fn try_new() -> Option<Self> {
        let mut memory = Memory::new();
        let nobody = Password::from(String::from("nobody's password"));
        let nobody = hash(&nobody, &mut memory)?;
        Some(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            memories: Arc::new(Mutex::new(vec![memory])),
            nobody,
        })
    }

    /// The PHC text (`$argon2id$v=19$m=…`) to keep.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Refusal> {
        self.in_turn(move |memory| hash(&password, memory))
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
        let same = self.in_turn(move |memory| verify(&password, &against, memory));
        Ok(same.await?.unwrap_or(false) && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.turns).acquire_owned());
        let turn = waiting
            .await
            .map_err(|_| Refusal::TooBusy)?
            .map_err(|_| Refusal::Inside)?;
        let memories = Arc::clone(&self.memories);
        let done = tokio::task::spawn_blocking(move || {
            let kept = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = kept().pop().unwrap_or_default();
            let result = work(&mut memory);
            kept().push(memory);
            drop(turn);
            result
        });
        done.await.map_err(|_| Refusal::Inside)
    }
}

/// The bytes of a password, by argon2id with these parameters.
fn derived(
    password: &Password,
    salt: Salt<'_>,
    params: Params,
    memory: &mut Memory,
) -> Option<Output> {
    let mut bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut bytes).ok()?;
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Output::init_with(Params::DEFAULT_OUTPUT_LEN, |out| {
        let done = argon2.hash_password_into_with_memory(password.0.as_bytes(), salt, out, memory);
        Ok(done?)
    })
    .ok()
}

fn hash(password: &Password, memory: &mut Memory) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    let salt = SaltString::generate(&mut OsRng);
    let hashed = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).ok()?,
        salt: Some(salt.as_salt()),
        hash: Some(derived(password, salt.as_salt(), params, memory)?),
    };
    Some(hashed.to_string())
}

/// Compared in constant time; `None` for a text that is no hash.
fn verify(password: &Password, stored: &str, memory: &mut Memory) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&stored).ok()?;
    Some(derived(password, stored.salt?, params, memory)? == stored.hash?)
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_hundred_at_once_work_in_the_memory_of_two() {
        let passwords = Arc::new(Passwords::try_new().unwrap());
        let hash = |number: u32| {
            let passwords = passwords.clone();
            async move { passwords.hash(password(&format!("Aa34567{number}"))).await }
        };
        let all: Vec<_> = (0..100).map(|number| tokio::spawn(hash(number))).collect();
        for hashed in all {
            hashed.await.unwrap().unwrap();
        }
        let memories = passwords.memories.lock().unwrap();
        assert!((1..=AT_ONCE).contains(&memories.len()));
        let of_one = usize::try_from(MEMORY_KIB).unwrap();
        assert!(memories.iter().all(|memory| memory.len() == of_one));
    }

    #[test]
    fn a_hash_that_another_program_made_is_known() {
        // phc-winner-argon2's reference: `argon2 somesalt -id -t 2 -m 16 -p 1` of "password" (its test vectors, version 0x13).
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let memory = &mut Memory::new();
        let mut says = |text: &str, stored: &str| verify(&password(text), stored, memory);
        assert_eq!(says("password", stored), Some(true));
        assert_eq!(says("passwore", stored), Some(false));
        assert_eq!(says("password", "$argon2id$v=19$"), None);
    }
}
