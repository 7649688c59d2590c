//! Reads an export, one event at a time.

use super::{
    CHECKPOINT, EVENTS, ExportFault, FORMAT, LINE_BYTES_MAX, MANIFEST, Manifest, VERIFIER_KEY,
};
use crate::bounded;
use crate::checkpoint::VerifierKey;
use crate::entry::Entry;
use crate::tiles::{NOTE_BYTES_MAX, Tiles};
use crate::tree::SIZE_MAX;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Most bytes of `export.json` and of `verifier.key`.
const SMALL_BYTES_MAX: u64 = 4096;

/// An export whose small files were read.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its checkpoint, unverified.
    pub note: String,
}

impl Export {
    /// Reads `export.json` and the text of the checkpoint.
    ///
    /// # Errors
    /// [`ExportFault`]: a file is missing, too large, or says what it cannot say.
    pub fn open(folder: &Path) -> Result<Self, ExportFault> {
        let manifest = text(folder, MANIFEST, SMALL_BYTES_MAX)?;
        let manifest: Manifest = serde_json::from_str(&manifest)
            .map_err(|fault| ExportFault::Manifest(fault.to_string()))?;
        check(&manifest).map_err(|reason| ExportFault::Manifest(reason.to_owned()))?;
        Ok(Self {
            note: text(folder, CHECKPOINT, NOTE_BYTES_MAX)?,
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// The key that the export brings along. Whoever changed the export could have changed it as well.
    ///
    /// # Errors
    /// [`ExportFault`]: it is missing or no key.
    pub fn key(&self) -> Result<VerifierKey, ExportFault> {
        Ok(text(&self.folder, VERIFIER_KEY, SMALL_BYTES_MAX)?.parse()?)
    }

    /// The events, from the first line on.
    ///
    /// # Errors
    /// [`ExportFault`]: there is no such file.
    pub fn entries(&self) -> Result<Entries<BufReader<File>>, ExportFault> {
        let path = self.folder.join(EVENTS);
        let file = bounded::open(&path).map_err(ExportFault::at(&path))?;
        let file = file.ok_or(ExportFault::Missing(EVENTS))?;
        Ok(Entries::new(BufReader::with_capacity(1 << 20, file)))
    }

    /// The tiles that the export brings along, unverified.
    #[must_use]
    pub fn tiles(&self) -> Tiles {
        Tiles::at(&self.folder)
    }
}

fn text(folder: &Path, name: &'static str, bytes_max: u64) -> Result<String, ExportFault> {
    let path = folder.join(name);
    let text = bounded::read_text(&path, bytes_max).map_err(ExportFault::at(&path))?;
    text.ok_or(ExportFault::Missing(name))
}

fn check(manifest: &Manifest) -> Result<(), &'static str> {
    if manifest.format != FORMAT {
        return Err("its format is not vara.export.v1");
    }
    if manifest.from == 0 {
        return Err("positions begin with 1");
    }
    if manifest.to > SIZE_MAX {
        return Err("no record is that long");
    }
    if manifest.from.checked_add(manifest.count) != Some(manifest.to + 1) {
        return Err("from, to and count contradict each other");
    }
    Ok(())
}

/// Events from lines of JSON; holds one line at a time, of at most 16 MiB. Ends after its first fault.
#[derive(Debug)]
pub struct Entries<R> {
    reader: R,
    line: u64,
    bytes: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Entries<R> {
    /// Events from these lines.
    pub const fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            bytes: Vec::new(),
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<Entry>, ExportFault> {
        self.bytes.clear();
        self.line += 1;
        let line = self.line;
        let most = LINE_BYTES_MAX as u64 + 1;
        let read = self
            .reader
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.bytes);
        read.map_err(ExportFault::at(Path::new(EVENTS)))?;
        match self.bytes.split_last() {
            None => Ok(None),
            Some((b'\n', event)) => {
                let not_an_event = |fault: serde_json::Error| ExportFault::NotAnEvent {
                    line,
                    reason: reason(&fault),
                };
                serde_json::from_slice(event)
                    .map(Some)
                    .map_err(not_an_event)
            }
            Some(_) if self.bytes.len() > LINE_BYTES_MAX => Err(ExportFault::LineTooLong { line }),
            Some(_) => Err(ExportFault::LineCutOff { line }),
        }
    }
}

/// What is wrong with a line, without quoting it.
fn reason(fault: &serde_json::Error) -> String {
    let what = match fault.classify() {
        serde_json::error::Category::Data => {
            "a field is missing, unknown, twice or of another type"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "it is not JSON",
        serde_json::error::Category::Io => "it cannot be read",
    };
    format!("{what} (column {})", fault.column())
}

impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, ExportFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let entry = self.read().transpose();
        self.ended = !matches!(entry, Some(Ok(_)));
        entry
    }
}
