//! Who runs the servers: this user, or `nobody` for root, as whom PostgreSQL refuses to run.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::{StackError, error::at, kernel};

/// `nobody`. A number without an entry in the list of users would be refused by initdb.
const NOBODY: u32 = 65534;
/// All that the servers see of our environment, which may hold keys of others.
const PASSED_ON: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// The account that runs the servers and owns their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// The user of this process.
    Own,
    /// The powerless user, because this process belongs to root.
    Nobody,
}

/// Where the servers keep their data unless somebody says otherwise.
///
/// For an ordinary user it is `.vara` in the current folder. For root it is a folder below
/// `/var/tmp`, named after the current folder: the servers then run as `nobody`, who may seldom
/// enter the folder in which root works.
pub fn default_base() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match Account::of_this_process() {
        Account::Own => here.join(".vara"),
        Account::Nobody => Path::new("/var/tmp").join(format!("vara-{}", fingerprint(here))),
    }
}

/// Twelve digits that tell one text from another.
pub(crate) fn fingerprint(text: impl AsRef<OsStr>) -> String {
    let mut digits = hex::encode(Sha256::digest(text.as_ref().as_encoded_bytes()));
    digits.truncate(12);
    digits
}

impl Account {
    /// The account for servers that this process starts.
    pub(crate) fn of_this_process() -> Account {
        if kernel::is_root() {
            Account::Nobody
        } else {
            Account::Own
        }
    }

    /// A command that runs as this account and knows nothing of our environment.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        for name in PASSED_ON {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        if self == Account::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// The mode of a folder that holds folders of the servers beside our own.
    pub(crate) fn folder_mode(self) -> u32 {
        match self {
            Account::Own => 0o700,
            Account::Nobody => 0o711,
        }
    }

    /// Makes this account the owner of a file, or of a folder with all that is in it.
    pub(crate) fn own(self, path: &Path) -> Result<(), StackError> {
        if self == Account::Own {
            return Ok(());
        }
        let found = fs::symlink_metadata(path).map_err(at(path))?;
        if found.uid() == NOBODY {
            return Ok(());
        }
        if found.is_dir() {
            for entry in fs::read_dir(path).map_err(at(path))?.flatten() {
                self.own(&entry.path())?;
            }
        }
        // The folder itself comes last, so that a walk cut short is walked again.
        std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).map_err(at(path))
    }

    /// Tries whether this account can run `program` and stand in `folder`.
    pub(crate) fn probe(self, program: &Path, folder: &Path) -> Result<(), StackError> {
        let detail = match self
            .command(program)
            .arg("--version")
            .current_dir(folder)
            .output()
        {
            Ok(done) if done.status.success() => return Ok(()),
            Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        let closed = [program, folder]
            .into_iter()
            .find_map(|path| self.first_closed(path));
        Err(match closed {
            Some(folder) => StackError::Unreachable {
                folder,
                uid: NOBODY,
            },
            None => StackError::CannotRun {
                program: program.to_path_buf(),
                detail,
            },
        })
    }

    /// The first folder on the way to `path` that this account may not enter.
    pub(crate) fn first_closed(self, path: &Path) -> Option<PathBuf> {
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        way.into_iter()
            .filter(|_| self == Account::Nobody)
            .find(|step| fs::metadata(step).is_ok_and(|found| found.is_dir() && !open_for(&found)))
            .map(Path::to_path_buf)
    }
}

fn open_for(folder: &Metadata) -> bool {
    let bit = if folder.uid() == NOBODY { 0o100 } else { 0o001 };
    folder.permissions().mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_closed_folder_on_the_way_is_named() {
        let outer = tempfile::tempdir().unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let closed = outer.path().join("closed");
        let inner = closed.join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();

        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(Account::Nobody.first_closed(&inner), Some(closed.clone()));

        fs::set_permissions(&closed, fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(Account::Nobody.first_closed(&inner), None);
    }

    #[test]
    fn our_own_account_is_never_shut_out_of_our_own_folders() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Account::Own.first_closed(folder.path()), None);
    }

    #[test]
    fn the_servers_do_not_inherit_what_others_put_into_our_environment() {
        let asked = Account::Own.command("/usr/bin/env").output().unwrap();
        let seen = String::from_utf8(asked.stdout).unwrap();
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(!seen.contains("CARGO_MANIFEST_DIR"), "{seen}");
        assert!(seen.contains("LC_ALL=C"), "{seen}");
    }

    #[test]
    fn two_folders_do_not_share_a_default_base() {
        assert_ne!(fingerprint("/a/vara"), fingerprint("/b/vara"));
        assert_eq!(fingerprint("/a/vara").len(), 12);
    }
}
