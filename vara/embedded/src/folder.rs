//! The data folder: who uses it, where its parts lie, and what only its owner may read.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{StackError, account::Account, error::at, kernel};

/// Beyond this size a log begins anew; its predecessor is kept once.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
const PASSWORD_BYTES: usize = 24;

/// A data folder that no other process can use while this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    account: Account,
    _lock: Held,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it for this process.
    pub(crate) fn open(path: &Path, account: Account) -> Result<Folder, StackError> {
        make(path, account.folder_mode())?;
        let path = path.canonicalize().map_err(at(path))?;
        refuse_a_stranger(&path)?;
        let lock = lock(&path)?;
        let folder = Folder {
            path,
            account,
            _lock: lock,
        };
        make_with_mode(&folder.path.join("logs"), 0o700)?;
        make_with_mode(&folder.path.join("secrets"), account.folder_mode())?;
        Ok(folder)
    }

    /// The folder itself, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who runs the servers on this folder.
    pub(crate) fn account(&self) -> Account {
        self.account
    }

    /// The log of one server; we alone may read it.
    pub(crate) fn log(&self, server: &str) -> PathBuf {
        self.path.join("logs").join(format!("{server}.log"))
    }

    /// The password of both servers, made at the first start.
    pub(crate) fn password(&self) -> Result<String, StackError> {
        let path = self.path.join("secrets/password");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() == 2 * PASSWORD_BYTES => Ok(text.trim().to_owned()),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(&path)(e)),
            Ok(_) | Err(_) => {
                let password = random_digits()?;
                self.write_secret("password", &password, Account::Own)?;
                Ok(password)
            }
        }
    }

    /// Writes a file that nobody but `reader` (and root) may read. It is there whole or not at all.
    pub(crate) fn write_secret(
        &self,
        name: &str,
        text: &str,
        reader: Account,
    ) -> Result<PathBuf, StackError> {
        let path = self.path.join("secrets").join(name);
        write_whole(&path, text, reader)?;
        Ok(path)
    }
}

/// A folder of a server: its own, and closed to everybody else.
pub(crate) fn make_for(account: Account, path: &Path) -> Result<(), StackError> {
    make_with_mode(path, 0o700)?;
    account.own(path)
}

/// Replaces a file in one step, readable by `reader` alone.
pub(crate) fn write_whole(path: &Path, text: &str, reader: Account) -> Result<(), StackError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(at(path))?;
    draft.write_all(text.as_bytes()).map_err(at(path))?;
    draft.as_file().sync_all().map_err(at(path))?;
    reader.own(draft.path())?;
    draft
        .persist(path)
        .map_err(|refusal| at(path)(refusal.error))?;
    Ok(())
}

/// Opens a log for appending, to be handed to a server.
pub(crate) fn open_log(path: &Path) -> Result<File, StackError> {
    cap_log(path).map_err(at(path))?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))
}

/// Keeps a log from filling the disk, even while a server writes to it.
pub(crate) fn cap_log(path: &Path) -> io::Result<()> {
    if !fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        return Ok(());
    }
    // The server holds the file open and appends to it, so it is emptied and not renamed.
    fs::copy(path, path.with_extension("log.1"))?;
    OpenOptions::new().write(true).open(path)?.set_len(0)
}

/// The last line of a log that tells why a server ended.
pub(crate) fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned();
    let telling = |line: &&str| {
        ["FATAL", "PANIC", "[FTL]", "[ERR]"]
            .iter()
            .any(|w| line.contains(w))
    };
    let lines = || {
        text.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let said = lines().find(telling).or_else(|| lines().next());
    said.unwrap_or("it wrote nothing to its log").to_owned()
}

/// Makes a folder with its parents. One that is there already keeps its mode.
pub(crate) fn make(path: &Path, mode: u32) -> Result<(), StackError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    match fs::DirBuilder::new().mode(mode).create(path) {
        // Somebody else was quicker.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(e) => Err(at(path)(e)),
        // The mask of this process may have closed more than was asked.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path)),
    }
}

fn make_with_mode(path: &Path, mode: u32) -> Result<(), StackError> {
    make(path, mode)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))
}

/// In a place where everybody may write, a folder could have been put in our way by somebody else.
pub(crate) fn refuse_a_stranger(path: &Path) -> Result<(), StackError> {
    let found = fs::metadata(path).map_err(at(path))?;
    let shared = path.parent().and_then(|parent| fs::metadata(parent).ok());
    let shared = shared.is_some_and(|parent| parent.permissions().mode() & 0o002 != 0);
    if shared && found.uid() != 0 && found.uid() != kernel::user() {
        let refusal = io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it belongs to another user",
        );
        return Err(at(path)(refusal));
    }
    Ok(())
}

/// The lock, let go when this value goes. To close the file is not enough: a process that was being started by another
/// thread just then holds a copy of every open file until it becomes its program, and the lock with it.
#[derive(Debug)]
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Nothing is lost when it fails: the lock then goes with the last copy of the file.
        let _ = self.0.unlock();
    }
}

fn lock(folder: &Path) -> Result<Held, StackError> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(StackError::InUse {
            folder: folder.to_path_buf(),
        }),
        Err(TryLockError::Error(refusal)) => Err(at(&path)(refusal)),
    }
}

/// The kernel's chance, because a password must not be guessed from the time of the first start.
fn random_digits() -> Result<String, StackError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; PASSWORD_BYTES];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(at(source))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_password_is_made_once_and_is_for_its_owner_alone() {
        let base = tempfile::tempdir().unwrap();
        let folder = Folder::open(base.path(), Account::Own).unwrap();
        let password = folder.password().unwrap();
        assert_eq!(password.len(), 48);
        assert_eq!(folder.password().unwrap(), password);
        assert_eq!(mode(&base.path().join("secrets/password")), 0o600);
        assert_eq!(mode(&base.path().join("secrets")), 0o700);
    }

    #[test]
    fn a_second_user_of_the_folder_is_refused_until_the_first_is_gone() {
        let base = tempfile::tempdir().unwrap();
        let first = Folder::open(base.path(), Account::Own).unwrap();
        let second = Folder::open(base.path(), Account::Own).unwrap_err();
        assert!(matches!(second, StackError::InUse { .. }), "{second}");
        drop(first);
        Folder::open(base.path(), Account::Own).unwrap();
    }

    #[test]
    fn a_folder_is_free_at_once_though_a_process_just_being_started_holds_a_copy_of_its_lock() {
        let base = tempfile::tempdir().unwrap();
        let first = lock(base.path()).unwrap();
        let _copy = first.0.try_clone().unwrap();
        drop(first);
        lock(base.path()).unwrap();
    }

    #[test]
    fn a_log_beyond_the_limit_begins_anew_and_keeps_its_predecessor() {
        let base = tempfile::tempdir().unwrap();
        let log = base.path().join("nats.log");
        File::create(&log)
            .unwrap()
            .set_len(LOG_BYTES_MAX + 1)
            .unwrap();
        open_log(&log).unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"new");
        assert!(base.path().join("nats.log.1").exists());
    }

    #[test]
    fn the_last_words_are_the_reason_and_not_the_farewell() {
        let base = tempfile::tempdir().unwrap();
        let log = base.path().join("postgres.log");
        assert_eq!(last_words(&log), "it wrote nothing to its log");
        fs::write(
            &log,
            "FATAL: no room\nLOG: database system is shut down\n\n",
        )
        .unwrap();
        assert_eq!(last_words(&log), "FATAL: no room");
    }
}
