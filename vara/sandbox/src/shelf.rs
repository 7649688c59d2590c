//! The web that is searched right now, read anew when its list of pages has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::pages;
use crate::web::Web;

/// By what a changed list is recognised: when it was written, and its length.
type Stamp = (SystemTime, u64);

/// The newest readable state of a folder.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    current: Mutex<(Option<Stamp>, Arc<Web>)>,
}

impl Shelf {
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        // The stamp is older than the web or as old, so a change in between is not missed.
        let laid = Web::open(&folder)?;
        let stamp = stamp(&folder);
        let web = Web::read(&folder, Some(&laid))?;
        Ok(Self {
            folder,
            current: Mutex::new((stamp, Arc::new(web))),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The web as its folder stands now. Blocking. While the folder cannot be read, the web stays as it was.
    pub(crate) fn web(&self) -> Arc<Web> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.folder);
        if stamp.is_some() && stamp != current.0 {
            match Web::read(&self.folder, Some(&current.1)) {
                Ok(web) => *current = (stamp, Arc::new(web)),
                Err(error) => {
                    let why = error.to_string();
                    tracing::warn!(why, "the sandbox's web changed but cannot be read");
                }
            }
        }
        Arc::clone(&current.1)
    }
}

fn stamp(folder: &Path) -> Option<Stamp> {
    let list = fs::metadata(pages::list_in(folder)).ok()?;
    Some((list.modified().ok()?, list.len()))
}
