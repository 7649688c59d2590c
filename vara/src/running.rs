//! A note in the data folder that tells other subcommands where the running Vara is.

use crate::settings::Folder;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Addresses of a running Vara. The database address holds a password, so only its owner may read the note.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    pub api: String,
    pub sandbox: String,
    pub database_url: String,
    pub nats_url: String,
}

impl Running {
    fn path(folder: &Folder) -> PathBuf {
        folder.path().join("running.json")
    }

    /// Leaves the note.
    pub fn write(&self, folder: &Folder) -> anyhow::Result<()> {
        write_whole(&Self::path(folder), &serde_json::to_vec(self)?, 0o600)
    }

    /// Reads the note, if there is one.
    pub fn read(folder: &Folder) -> anyhow::Result<Option<Self>> {
        let path = Self::path(folder);
        match std::fs::read(&path) {
            Ok(note) => serde_json::from_slice(&note)
                .map(Some)
                .with_context(|| format!("{} makes no sense; remove it", path.display())),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Takes the note away.
    pub fn remove(folder: &Folder) {
        drop(std::fs::remove_file(Self::path(folder)));
    }
}

/// Writes a file that is there whole or not at all.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&fresh)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}
