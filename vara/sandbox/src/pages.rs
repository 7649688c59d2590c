//! The list of pages in a folder (`pages.json`): reading it, and adding to it so that no reader sees a half.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// What a picture can be marked as; TinEye knows these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// From a seller of pictures.
    Stock,
    /// From a public collection.
    Collection,
}

/// One page and the picture on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// The page's address.
    pub(crate) page: Address,
    /// The picture's file below `pictures/`, named after its SHA-256.
    pub(crate) picture: String,
    /// The day on which the page was added.
    pub(crate) seen: NaiveDate,
    /// What the picture is marked as.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Listed {
    pages: Vec<Page>,
}

impl Page {
    /// Where the picture itself would be fetched: on the page's own host, under its file name.
    pub(crate) fn picture_address(&self) -> String {
        self.page.beside(&format!("/pictures/{}", self.picture))
    }
}

/// Where the list of a folder lies.
pub(crate) fn list_in(folder: &Path) -> PathBuf {
    folder.join("pages.json")
}

/// Where the pictures of a folder lie.
pub(crate) fn pictures_in(folder: &Path) -> PathBuf {
    folder.join("pictures")
}

/// The pages of a folder, in the order in which they were added.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Page>> {
    let text = fs::read(list_in(folder)).context("pages.json could not be read")?;
    let listed: Listed = serde_json::from_slice(&text).context("pages.json makes no sense")?;
    Ok(listed.pages)
}

/// Holds other writers off until it is dropped, in this process and in others.
pub(crate) fn hold(folder: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(pictures_in(folder)).context("the folder could not be made")?;
    let lock = File::create(folder.join(".lock")).context("the folder cannot be written to")?;
    lock.lock().context("the folder could not be locked")?;
    Ok(lock)
}

/// Puts the list in place, whole or not at all. The caller holds the folder.
pub(crate) fn write(folder: &Path, pages: Vec<Page>) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(&Listed { pages })?;
    put(&list_in(folder), &text).context("pages.json could not be written")
}

/// Puts a file in place, whole or not at all.
pub(crate) fn put(place: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = place.with_extension("part");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, place)
}
