//! The master key (KEK): 32 bytes in a file of the operator's, or told by a command of hers.
//!
//! A file holds one key a line, 64 hex digits each: the first one wraps, the others still unwrap what they wrapped
//! before a rotation. It is read again when a key turns up that is not known, so running processes follow a rotation.

use super::{KeyError, KeyWrap};
use crate::keys::subject::{decrypt, encrypt};
use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use futures::future::BoxFuture;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Most keys in one file: the one that wraps and those that a few rotations left.
const KEYS_MAX: usize = 16;

/// How long a process may not know of a rotation where nothing is wrapped or unwrapped: links of another process that knows
/// it do not open here until then.
const LOOKED_AT_FOR: Duration = Duration::from_secs(10);

/// Wraps subject keys; it never meets an event.
#[derive(Clone)]
pub struct MasterKey {
    from: Arc<From>,
    ring: Arc<RwLock<Vec<One>>>,
    looked: Arc<Mutex<Option<Instant>>>,
}

/// Where the keys are read.
enum From {
    File(PathBuf),
    Command(String),
}

#[derive(Clone)]
struct One {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

impl From {
    fn fault(&self, reason: &str) -> KeyError {
        let path = match self {
            Self::File(path) => path.display().to_string(),
            Self::Command(command) => format!("the command `{command}`"),
        };
        KeyError::Master {
            path,
            reason: reason.to_owned(),
        }
    }

    fn read(&self) -> Result<Vec<One>, KeyError> {
        let text = match self {
            Self::File(path) => std::fs::read_to_string(path),
            Self::Command(command) => told_by(command),
        };
        let text = Zeroizing::new(text.map_err(|fault| self.fault(&fault.to_string()))?);
        let ring = text
            .split_whitespace()
            .map(One::parse)
            .collect::<Option<Vec<_>>>();
        ring.filter(|ring| (1..=KEYS_MAX).contains(&ring.len()))
            .ok_or_else(|| self.fault("it does not hold 64 hex digits on each line"))
    }
}

/// What a command says on its standard output, if it ends well. What it says on standard error is not repeated.
fn told_by(command: &str) -> std::io::Result<String> {
    let done = Command::new("sh").arg("-c").arg(command).output()?;
    if !done.status.success() {
        return Err(std::io::Error::other(format!(
            "it ended with {}",
            done.status
        )));
    }
    let text = String::from_utf8(done.stdout);
    text.map_err(|_| std::io::Error::other("it did not tell text"))
}

impl One {
    fn parse(hex: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(hex, bytes.as_mut_slice()).ok()?;
        let id = hex::encode(&Sha256::digest(bytes.as_slice())[..8]);
        Some(Self { id, bytes })
    }
}

impl MasterKey {
    /// Reads the key from a file of 64 hex digits a line.
    ///
    /// # Errors
    /// [`KeyError::Master`] where the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::of(From::File(path.to_owned()))
    }

    /// Asks a command for the key; it says on standard output what a file would hold.
    ///
    /// # Errors
    /// [`KeyError::Master`] where it fails or says something else.
    pub fn told_by(command: &str) -> Result<Self, KeyError> {
        Self::of(From::Command(command.to_owned()))
    }

    /// Reads the key, or makes the file with a fresh one (mode 0600) where there is none.
    ///
    /// # Errors
    /// [`KeyError::Master`] where the file can be neither read nor made.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        if !path.exists() {
            create(path, &fresh())
                .map_err(|e| From::File(path.to_owned()).fault(&e.to_string()))?;
        }
        Self::read(path)
    }

    /// The key of a file that is not there yet, for whoever only looks: nothing opens, and nothing can be wrapped,
    /// until somebody else has made the file.
    #[must_use]
    pub fn awaited(path: &Path) -> Self {
        Self::with(From::File(path.to_owned()), Vec::new())
    }

    fn of(from: From) -> Result<Self, KeyError> {
        let ring = from.read()?;
        Ok(Self::with(from, ring))
    }

    fn with(from: From, ring: Vec<One>) -> Self {
        Self {
            from: Arc::new(from),
            ring: Arc::new(RwLock::new(ring)),
            looked: Arc::default(),
        }
    }

    /// First 16 hex digits of the SHA-256 of the key that wraps: says which master key wrapped a row, and nothing else.
    #[must_use]
    pub fn id(&self) -> String {
        self.known(None).map(|one| one.id).unwrap_or_default()
    }

    /// Puts a fresh key in front of the file. Keys that none of these ids names are left out: they wrapped nothing.
    ///
    /// # Errors
    /// [`KeyError::Master`] where the key is told by a command, or the file cannot be replaced.
    pub fn turn(&self, still_used: &[String]) -> Result<(), KeyError> {
        let From::File(path) = self.from.as_ref() else {
            return Err(self.from.fault(
                "where a command tells the key, the command has to tell the new one first",
            ));
        };
        let mut text = fresh();
        for (n, one) in self.from.read()?.iter().enumerate() {
            // The one in front stays in any case: another process may be wrapping with it at this moment.
            if n == 0 || still_used.contains(&one.id) {
                text.push('\n');
                text.push_str(&hex::encode(one.bytes.as_slice()));
            }
        }
        replace(path, &text).map_err(|fault| self.from.fault(&fault.to_string()))?;
        self.reread()
    }

    fn reread(&self) -> Result<(), KeyError> {
        let read = self.from.read()?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Follows a rotation of the file now and then. A command is not run for this: it is asked when something is wrapped.
    fn look(&self) {
        let From::File(_) = self.from.as_ref() else {
            return;
        };
        let now = Instant::now();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_some_and(|then| now.duration_since(then) < LOOKED_AT_FOR) {
            return;
        }
        *looked = Some(now);
        drop(looked);
        if let Err(fault) = self.reread() {
            tracing::warn!(%fault, "the master key could not be looked at; the one that was read before is used");
        }
    }

    /// The key with this id, or the one that wraps.
    fn known(&self, id: Option<&str>) -> Option<One> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        match id {
            Some(id) => ring.iter().find(|one| one.id == id).cloned(),
            None => ring.first().cloned(),
        }
    }
}

impl KeyWrap for MasterKey {
    fn ids(&self) -> Vec<String> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.iter().map(|one| one.id.clone()).collect()
    }

    fn derived(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.look();
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let derive = |one: &One| {
            let mut derived = Zeroizing::new([0_u8; 32]);
            Hkdf::<Sha256>::new(None, one.bytes.as_slice())
                .expand(purpose.as_bytes(), derived.as_mut_slice())
                .ok()?;
            Some(derived)
        };
        ring.iter().filter_map(derive).collect()
    }

    fn wrap<'a>(
        &'a self,
        plain: &'a [u8],
        place: &'a str,
    ) -> BoxFuture<'a, Result<(String, Vec<u8>), KeyError>> {
        Box::pin(async move {
            // A subject's key is made once, so the file is asked each time: after a rotation nothing is wrapped by the
            // old key.
            self.reread()?;
            let one = self.known(None).ok_or(KeyError::Wrapped)?;
            Ok((one.id, encrypt(&one.bytes, plain, place)?))
        })
    }

    fn unwrap<'a>(
        &'a self,
        wrapped: &'a [u8],
        master: &'a str,
        place: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, KeyError>> {
        Box::pin(async move {
            if self.known(Some(master)).is_none() {
                self.reread()?;
            }
            let one = self.known(Some(master)).ok_or(KeyError::Wrapped)?;
            let plain = decrypt(&one.bytes, wrapped, place).map_err(|_| KeyError::Wrapped)?;
            Ok(Zeroizing::new(plain))
        })
    }
}

fn fresh() -> String {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    OsRng.fill_bytes(bytes.as_mut_slice());
    hex::encode(bytes.as_slice())
}

/// Writes a file of a name of its own beside the path: two processes that start at once must not write into one.
fn beside(path: &Path, text: &str) -> std::io::Result<PathBuf> {
    let name = format!("{}.new", crate::edge::fresh_id().simple());
    let written = path.with_extension(name);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&written)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(written)
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let written = beside(path, text)?;
    // A link, not a rename: of two processes at once the first one's key stays.
    match std::fs::hard_link(&written, path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        Ok(()) | Err(_) => std::fs::remove_file(&written),
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let written = beside(path, text)?;
    std::fs::rename(&written, path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
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

    #[test]
    fn a_turned_key_is_in_front_and_the_ones_still_used_stay() {
        let path = folder("turn").join("master.key");
        let key = MasterKey::read_or_create(&path).unwrap();
        let first = key.id();
        key.turn(&[]).unwrap();
        let second = key.id();
        assert_eq!(key.ids(), [second.clone(), first.clone()]);
        key.turn(std::slice::from_ref(&first)).unwrap();
        assert_eq!(key.ids()[1..], [second.clone(), first]);
        key.turn(&[]).unwrap();
        assert_eq!(key.ids().len(), 2, "the one before, and the new one");
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_key_that_is_awaited_wraps_nothing_makes_no_file_and_is_there_once_somebody_made_it() {
        let path = folder("awaited").join("master.key");
        let awaited = MasterKey::awaited(&path);
        let wrap = || futures::executor::block_on(awaited.wrap(&[7; 32], "place"));
        assert!(matches!(wrap(), Err(KeyError::Master { .. })));
        assert!(awaited.ids().is_empty() && !path.exists());
        let made = MasterKey::read_or_create(&path).unwrap();
        let (id, wrapped) = wrap().unwrap();
        assert_eq!(id, made.id());
        let opened = futures::executor::block_on(made.unwrap(&wrapped, &id, "place")).unwrap();
        assert_eq!(opened.as_slice(), [7; 32]);
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_command_tells_the_key_or_its_failure_is_told() {
        let hex = "ab".repeat(32);
        let told = MasterKey::told_by(&format!("echo {hex}")).unwrap();
        assert_eq!(told.ids().len(), 1);
        for wrong in ["exit 3", "echo no key", "true"] {
            let fault = MasterKey::told_by(wrong).unwrap_err().to_string();
            assert!(fault.contains(wrong), "{fault}");
        }
        assert!(told.turn(&[]).is_err());
    }
}
