//! Writes an export, one event at a time.

use super::{
    CHECKPOINT, EVENTS, ExportFault, FORMAT, LINE_BYTES_MAX, MANIFEST, Manifest, VERIFIER_KEY,
};
use crate::checkpoint::VerifierKey;
use crate::entry::Entry;
use crate::tiles::{Tiles, WIDTH, form, hashes, path};
use crate::tree::SIZE_MAX;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tlog_tiles::Tile;

/// An export that is being written. Without [`Writer::finish`] it stays without `export.json`, and nobody takes it for
/// one.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    lines: BufWriter<File>,
    from: u64,
    next: u64,
    line: Vec<u8>,
}

impl Writer {
    /// Begins an export in a folder of its own, with the event at position `from`.
    ///
    /// # Errors
    /// [`ExportFault::NotEmpty`]; [`ExportFault::OutOfOrder`] for a position before the first;
    /// [`ExportFault::Io`].
    pub fn create(folder: &Path, from: u64) -> Result<Self, ExportFault> {
        if !(1..=SIZE_MAX).contains(&from) {
            return Err(ExportFault::OutOfOrder {
                expected: 1,
                found: from,
            });
        }
        let fault = ExportFault::at;
        fs::create_dir_all(folder).map_err(fault(folder))?;
        if fs::read_dir(folder)
            .map_err(fault(folder))?
            .next()
            .is_some()
        {
            return Err(ExportFault::NotEmpty(folder.to_owned()));
        }
        let events = folder.join(EVENTS);
        let file = File::create_new(&events).map_err(fault(&events))?;
        Ok(Self {
            folder: folder.to_owned(),
            lines: BufWriter::with_capacity(1 << 20, file),
            from,
            next: from,
            line: Vec::new(),
        })
    }

    /// Writes the next event.
    ///
    /// # Errors
    /// [`ExportFault::OutOfOrder`]; [`ExportFault::LineTooLong`], for no reader would take it; [`ExportFault::Io`].
    pub fn write(&mut self, entry: &Entry) -> Result<(), ExportFault> {
        let (expected, found) = (self.next, entry.position);
        if expected != found {
            return Err(ExportFault::OutOfOrder { expected, found });
        }
        self.line.clear();
        let at = ExportFault::at(&self.folder);
        let written = serde_json::to_writer(&mut self.line, entry).map_err(std::io::Error::from);
        if self.line.len() > LINE_BYTES_MAX {
            let line = found - self.from + 1;
            return Err(ExportFault::LineTooLong { line });
        }
        self.line.push(b'\n');
        written
            .and_then(|()| self.lines.write_all(&self.line))
            .map_err(at)?;
        self.next += 1;
        Ok(())
    }

    /// Adds checkpoint, key and tiles, and ends the export with `export.json`.
    ///
    /// `older` are sizes of checkpoints that the reader is known to hold: a partial export then carries what it takes
    /// to compare with them. A whole export can be compared with any.
    ///
    /// # Errors
    /// [`ExportFault::Checkpoint`], when the checkpoint is not signed by this key; [`ExportFault::NotCovered`];
    /// [`ExportFault::Tree`]; [`ExportFault::Io`].
    pub fn finish(
        mut self,
        tiles: &Tiles,
        note: &str,
        key: &VerifierKey,
        older: &[u64],
    ) -> Result<Manifest, ExportFault> {
        let checkpoint = key.open(note)?;
        let (size, to) = (checkpoint.size, self.next - 1);
        if to > size {
            return Err(ExportFault::NotCovered { size, to });
        }
        let events = self.folder.join(EVENTS);
        self.lines.flush().map_err(ExportFault::at(&events))?;
        self.lines
            .get_ref()
            .sync_all()
            .map_err(ExportFault::at(&events))?;
        for tile in needed(size, self.from..self.next, older) {
            self.put(&path(tile), &tiles.hashes(tile)?)?;
        }
        self.put(CHECKPOINT, note.as_bytes())?;
        self.put(VERIFIER_KEY, format!("{key}\n").as_bytes())?;
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            from: self.from,
            to,
            count: self.next - self.from,
            origin: checkpoint.origin,
        };
        let text = serde_json::to_string(&manifest);
        let text = text.map_err(|fault| ExportFault::Manifest(fault.to_string()))?;
        self.put(MANIFEST, format!("{text}\n").as_bytes())?;
        Ok(manifest)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ExportFault> {
        let path = self.folder.join(name);
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(ExportFault::at(parent))?;
        fs::write(&path, bytes).map_err(ExportFault::at(&path))
    }
}

/// The tiles of a tree of this size by which the events of these positions, and roots of these older sizes, are led to
/// the signed root: all above level 0 (an eight-thousandth of the events' bytes), and at level 0 those that hold one
/// of the leaves, the end of an older tree, or the end of this one.
fn needed(size: u64, positions: std::ops::Range<u64>, older: &[u64]) -> Vec<Tile> {
    let width = u64::from(WIDTH);
    let mut tiles = Vec::new();
    for level in 0..=6_u8 {
        let hashes = hashes(level, size);
        let all = 0..hashes.div_ceil(width);
        let indexes: BTreeSet<u64> = if level > 0 {
            all.collect()
        } else {
            let leaves = positions.start - 1..positions.end - 1;
            let first = leaves.start / width;
            let of_events = if leaves.is_empty() {
                first..first
            } else {
                first..leaves.end.div_ceil(width)
            };
            let ends = older.iter().chain([&size]).filter(|end| *end % width != 0);
            let ends = ends.map(|end| end / width).filter(|end| all.contains(end));
            of_events.chain(ends).collect()
        };
        let tile = |index| form(level, index, (hashes - index * width).min(width) as u32);
        tiles.extend(indexes.into_iter().map(tile));
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(size: u64, positions: std::ops::Range<u64>, older: &[u64]) -> Vec<String> {
        needed(size, positions, older)
            .into_iter()
            .map(path)
            .collect()
    }

    #[test]
    fn an_export_carries_the_tiles_of_its_events_and_of_the_ends_of_trees() {
        assert_eq!(paths(0, 1..1, &[]), Vec::<String>::new());
        assert_eq!(paths(1, 1..2, &[]), ["tile/0/000.p/1"]);
        assert_eq!(paths(256, 1..257, &[]), ["tile/0/000", "tile/1/000.p/1"]);
        // C2SP's own example: 70,000 leaves have 273 full tiles and one of 112 at level 0.
        let whole = paths(70_000, 1..70_001, &[]);
        assert_eq!(whole.len(), 274 + 2 + 1);
        let above = ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"];
        let part = paths(70_000, 257..258, &[1, 300, 512, 80_000]);
        let leaves = ["tile/0/000", "tile/0/001", "tile/0/273.p/112"];
        assert_eq!(part, [leaves, above].concat());
    }
}
