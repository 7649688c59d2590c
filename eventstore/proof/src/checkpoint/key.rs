//! The log's key pair: Ed25519, in the text forms of signed notes.

use super::CheckpointFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SECRET_KEY_LENGTH;
use rand_core::{OsRng, RngCore};
use signed_note::{Signer, StandardSigner, StandardVerifier, Verifier};
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Most bytes of a key file; a key and its name take about two hundred.
const KEY_BYTES_MAX: u64 = 4096;

/// What checks the log's signatures: `<name>+<key id in hex>+<base64 of 0x01 and the public key>`.
#[derive(Clone)]
pub struct VerifierKey {
    text: String,
    pub(super) verifier: StandardVerifier,
}

impl VerifierKey {
    /// The key's name: the origin of the checkpoints that it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }
}

impl FromStr for VerifierKey {
    type Err = CheckpointFault;

    fn from_str(text: &str) -> Result<Self, CheckpointFault> {
        let text = text.trim_end_matches('\n');
        let wrong = CheckpointFault::Key("it needs a name, an id and an Ed25519 public key");
        let Ok(verifier) = StandardVerifier::new(text) else {
            return Err(wrong);
        };
        // The crate would read an id in capitals as well; a key has one text.
        let id = format!("{:08x}", verifier.key_id());
        if text.split('+').nth(1) != Some(&id) {
            return Err(wrong);
        }
        Ok(Self {
            verifier,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({})", self.text)
    }
}

/// What signs checkpoints. The file holds `PRIVATE+KEY+<name>+<key id in hex>+<base64 of 0x01 and the private key>`.
pub struct SigningKey {
    signer: StandardSigner,
    verifier: VerifierKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.text)
    }
}

impl SigningKey {
    /// Reads the key of the log with this origin, or makes the file with a fresh one (mode 0600) where there is none.
    ///
    /// # Errors
    /// [`CheckpointFault::KeyFile`] where the file can be neither read nor made, or holds something else;
    /// [`CheckpointFault::OtherOrigin`] where it holds the key of another log.
    pub fn read_or_create(path: &Path, origin: &str) -> Result<Self, CheckpointFault> {
        if !signed_note::is_key_name_valid(origin) || origin.chars().any(char::is_control) {
            return Err(CheckpointFault::Key("its name has spaces, a plus or none"));
        }
        if !path.exists() {
            create(path, origin).map_err(|e| CheckpointFault::KeyFile {
                path: path.display().to_string(),
                reason: e.to_string(),
            })?;
        }
        Self::read(path, origin)
    }

    /// Reads the key of the log with this origin; makes none.
    ///
    /// # Errors
    /// As [`Self::read_or_create`], and where there is no file.
    pub fn read(path: &Path, origin: &str) -> Result<Self, CheckpointFault> {
        let fault = |reason: String| CheckpointFault::KeyFile {
            path: path.display().to_string(),
            reason,
        };
        let text = crate::bounded::read_text(path, KEY_BYTES_MAX);
        let text = text.map_err(|e| fault(e.to_string()))?.map(Zeroizing::new);
        let text = text.ok_or_else(|| fault("there is no such file".to_owned()))?;
        let key = Self::parse(&text).ok_or_else(|| fault("it holds no signing key".to_owned()))?;
        if key.verifier.name() != origin {
            return Err(CheckpointFault::OtherOrigin {
                origin: origin.to_owned(),
                name: key.verifier.name().to_owned(),
            });
        }
        Ok(key)
    }

    /// What others check this key's signatures with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) const fn signer(&self) -> &dyn Signer {
        &self.signer
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end();
        let signer = StandardSigner::new(text).ok()?;
        // Base64 has plus signs of its own: the last of five parts, not what follows the last plus.
        let encoded = text.splitn(5, '+').nth(4)?;
        let encoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let secret = encoded.last_chunk::<SECRET_KEY_LENGTH>()?;
        let public = ed25519_dalek::SigningKey::from_bytes(secret).verifying_key();
        let verifier = signed_note::new_ed25519_verifier_key(signer.name(), &public);
        Some(Self {
            signer,
            verifier: verifier.parse().ok()?,
        })
    }
}

fn create(path: &Path, origin: &str) -> std::io::Result<()> {
    let (secret, _) = signed_note::generate_key(&mut OsRng, origin);
    let secret = Zeroizing::new(secret);
    // A name of its own: two processes that start at once must not write into one file.
    let written = path.with_extension(format!("{:016x}.new", OsRng.next_u64()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&written)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    // A link, not a rename: of two processes at once the first one's key stays.
    match fs::hard_link(&written, path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        Ok(()) | Err(_) => fs::remove_file(&written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_fresh_signing_key_is_readable_by_its_owner_only_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let first = SigningKey::read_or_create(&path, "vara/test").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = SigningKey::read_or_create(&path, "vara/test").unwrap();
        assert_eq!(first.verifier().to_string(), again.verifier().to_string());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn processes_that_start_at_once_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let keys: std::collections::BTreeSet<String> = std::thread::scope(|threads| {
            let read = || SigningKey::read_or_create(&path, "vara/test").unwrap();
            let reading: Vec<_> = (0..16).map(|_| threads.spawn(read)).collect();
            let key = |key: std::thread::ScopedJoinHandle<'_, SigningKey>| key.join().unwrap();
            reading
                .into_iter()
                .map(|k| key(k).verifier().to_string())
                .collect()
        });
        assert_eq!(keys.len(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_holds_something_else_is_refused_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        for text in [
            "",
            "not a key at all",
            "PRIVATE+KEY+vara/test+00000000+AAAA",
        ] {
            fs::write(&path, text).unwrap();
            let fault = SigningKey::read_or_create(&path, "vara/test").unwrap_err();
            let fault = fault.to_string();
            assert!(fault.contains("no signing key"), "{fault}");
            assert!(text.is_empty() || !fault.contains(text), "{fault}");
        }
        let other = folder.path().join("other.key");
        SigningKey::read_or_create(&other, "vara/other").unwrap();
        let fault = SigningKey::read_or_create(&other, "vara/test").unwrap_err();
        assert!(
            matches!(fault, CheckpointFault::OtherOrigin { .. }),
            "{fault}"
        );
    }

    #[test]
    fn neither_key_shows_its_secret_when_it_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let key = SigningKey::read_or_create(&path, "vara/test").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let secret = text.splitn(5, '+').nth(4).unwrap();
        assert!(!format!("{key:?}").contains(secret));
    }

    #[test]
    fn a_name_that_a_note_cannot_carry_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "two words", "a+b", "line\nbreak", "a\u{7}b"] {
            let made = SigningKey::read_or_create(&folder.path().join("k"), name);
            assert!(matches!(made, Err(CheckpointFault::Key(_))), "{name:?}");
        }
    }
}
