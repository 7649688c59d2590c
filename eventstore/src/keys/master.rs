//! The master key (KEK): 32 bytes in a file of the operator's, read once at start.

use super::KeyError;
use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Wraps subject keys; it never meets an event.
#[derive(Clone)]
pub struct MasterKey {
    pub(super) bytes: Zeroizing<[u8; 32]>,
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// Reads the key from a file of 64 hex digits.
    ///
    /// # Errors
    /// [`KeyError::Master`] where the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fault = |reason: String| KeyError::Master {
            path: path.display().to_string(),
            reason,
        };
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))?);
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| fault("it does not hold 64 hex digits".to_owned()))?;
        Ok(Self::from_bytes(bytes))
    }

    /// Reads the key, or makes the file with a fresh one (mode 0600) where there is none.
    ///
    /// # Errors
    /// [`KeyError::Master`] where the file can be neither read nor made.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        if !path.exists() {
            Self::create(path).map_err(|e| KeyError::Master {
                path: path.display().to_string(),
                reason: e.to_string(),
            })?;
        }
        Self::read(path)
    }

    fn create(path: &Path) -> std::io::Result<()> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        OsRng.fill_bytes(bytes.as_mut_slice());
        // A name of its own: two processes that start at once must not write into one file.
        let name = format!("{}.new", crate::edge::fresh_id().simple());
        let written = path.with_extension(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&written)?;
        file.write_all(Zeroizing::new(hex::encode(bytes.as_slice())).as_bytes())?;
        file.sync_all()?;
        // A link, not a rename: of two processes at once the first one's key stays.
        match std::fs::hard_link(&written, path) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
            Ok(()) | Err(_) => std::fs::remove_file(&written),
        }
    }

    fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        let id = hex::encode(&Sha256::digest(bytes.as_slice())[..8]);
        Self { bytes, id }
    }

    /// First 16 hex digits of the key's SHA-256: says which master key wrapped a row, and nothing else.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder =
            std::env::temp_dir().join(format!("vara-master-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_fresh_master_key_is_readable_by_its_owner_only_and_stays_the_same() {
        let path = folder("fresh").join("master.key");
        let first = MasterKey::read_or_create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(MasterKey::read_or_create(&path).unwrap().id(), first.id());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_holds_something_else_is_refused_without_quoting_it() {
        let path = folder("wrong").join("master.key");
        std::fs::write(&path, "not a key at all").unwrap();
        let fault = MasterKey::read(&path).unwrap_err().to_string();
        assert!(fault.contains("64 hex digits") && !fault.contains("not a key at all"));
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    #[test]
    fn processes_that_start_at_once_share_one_key() {
        let path = folder("race").join("master.key");
        let ids: std::collections::BTreeSet<String> = std::thread::scope(|threads| {
            let read = || MasterKey::read_or_create(&path).unwrap().id().to_owned();
            let reading: Vec<_> = (0..16).map(|_| threads.spawn(read)).collect();
            reading.into_iter().map(|id| id.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
