//! The tree's tiles in a folder, as one reads them (C2SP tlog-tiles): the log's own folder, or that of an export.
//!
//! A folder keeps one file for each tile, the widest one. A narrower one, as an older checkpoint needs it, is its
//! beginning, and is cut from it when asked for.

mod name;

pub(crate) use name::{HEIGHT, WIDTH, edge, form, hashes, parse, partials, path};

use crate::bounded;
use crate::ledger::LedgerFault;
use crate::tree::SIZE_MAX;
use std::cell::RefCell;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::{Path, PathBuf};
use tlog_tiles::{
    EMPTY_HASH, Error, HASH_SIZE, Hash, HashReader, Tile, prove_record, prove_tree, tree_hash,
};

/// How often a tile is looked for again that a writer replaces under our eyes.
const ATTEMPTS: usize = 8;
/// Most bytes of a checkpoint: a hundred cosignatures are far less.
pub(crate) const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// A folder of tiles. Trusts nothing but lengths: whoever needs more checks proofs against a signed root.
#[derive(Debug, Clone)]
pub struct Tiles {
    folder: PathBuf,
}

impl Tiles {
    /// The tiles in this folder: `<folder>/tile/<L>/<N>`.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// [`LedgerFault`], when a tile is missing or cannot be read.
    pub fn root(&self, size: u64) -> Result<Hash, LedgerFault> {
        within(size, SIZE_MAX)?;
        if size == 0 {
            return Ok(EMPTY_HASH);
        }
        self.ask(|reading| tree_hash(size, reading))
    }

    /// The hashes that lead from leaf `index` to the root of the first `size` leaves.
    ///
    /// # Errors
    /// [`LedgerFault::Beyond`] for an index that is not among them; as [`Tiles::root`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerFault> {
        within(size, SIZE_MAX)?;
        within(index.saturating_add(1), size)?;
        self.ask(|reading| prove_record(size, index, reading))
    }

    /// The hashes that show the first `old` leaves to be the beginning of the first `new`; none for an empty beginning.
    ///
    /// # Errors
    /// [`LedgerFault::Beyond`] for an older tree that is larger; as [`Tiles::root`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerFault> {
        within(new, SIZE_MAX)?;
        within(old, new)?;
        if old == 0 {
            return Ok(Vec::new());
        }
        self.ask(|reading| prove_tree(new, old, reading))
    }

    /// A static file as C2SP tlog-tiles names it, for a tree of `size` leaves: `checkpoint` or `tile/<L>/<N>[.p/<W>]`.
    ///
    /// # Errors
    /// [`LedgerFault::NoSuchPath`] for any other path, and for tiles that such a tree does not have; as
    /// [`Tiles::root`].
    pub fn read(&self, path: &str, size: u64) -> Result<Vec<u8>, LedgerFault> {
        if path == "checkpoint" {
            let file = self.folder.join(path);
            let found = bounded::read(&file, NOTE_BYTES_MAX).map_err(LedgerFault::at(&file))?;
            return found.ok_or(LedgerFault::NoSuchPath);
        }
        let tile = parse(path).ok_or(LedgerFault::NoSuchPath)?;
        let end = (tile.level_index() << HEIGHT) + u64::from(tile.width());
        if end > hashes(tile.level(), size) {
            return Err(LedgerFault::NoSuchPath);
        }
        self.hashes(tile)
    }

    /// The bytes of a tile, cut to its width.
    pub(crate) fn hashes(&self, tile: Tile) -> Result<Vec<u8>, LedgerFault> {
        let (level, index) = (tile.level(), tile.level_index());
        for _ in 0..ATTEMPTS {
            let mut found = self.file(tile)?;
            if found.is_none() {
                found = self.file(form(level, index, WIDTH))?;
            }
            if found.is_none()
                && let Some(partial) = self.widest_partial(level, index)?
                && partial.width() > tile.width()
            {
                found = self.file(partial)?;
            }
            if let Some(mut bytes) = found {
                bytes.truncate(tile.width() as usize * HASH_SIZE);
                return Ok(bytes);
            }
        }
        Err(LedgerFault::Missing(path(tile)))
    }

    /// The tile's file, whole; `None` where there is none.
    fn file(&self, tile: Tile) -> Result<Option<Vec<u8>>, LedgerFault> {
        let file = self.folder.join(path(tile));
        let wanted = u64::from(tile.width()) * HASH_SIZE as u64;
        let bytes = bounded::read(&file, wanted).map_err(LedgerFault::at(&file))?;
        if bytes.as_ref().is_some_and(|b| b.len() as u64 != wanted) {
            return Err(LedgerFault::Damaged(path(tile)));
        }
        Ok(bytes)
    }

    /// Whether the tile's own file is there, with the right length.
    pub(crate) fn has(&self, tile: Tile) -> Result<bool, LedgerFault> {
        let file = self.folder.join(path(tile));
        let wanted = u64::from(tile.width()) * HASH_SIZE as u64;
        match std::fs::metadata(&file) {
            Ok(found) => Ok(found.is_file() && found.len() == wanted),
            Err(e) if matches!(e.kind(), NotFound | NotADirectory) => Ok(false),
            Err(e) => Err(LedgerFault::at(&file)(e)),
        }
    }

    /// The widest partial form of a tile that is there, with the right length.
    pub(crate) fn widest_partial(
        &self,
        level: u8,
        index: u64,
    ) -> Result<Option<Tile>, LedgerFault> {
        let folder = self.folder.join(partials(level, index));
        let listed = match std::fs::read_dir(&folder) {
            Err(e) if matches!(e.kind(), NotFound | NotADirectory) => return Ok(None),
            listed => listed.map_err(LedgerFault::at(&folder))?,
        };
        let width = |file: std::fs::DirEntry| file.file_name().to_str()?.parse().ok();
        let widths = listed.take(WIDTH as usize).flatten().filter_map(width);
        let mut widths: Vec<u32> = widths.filter(|width| (1..WIDTH).contains(width)).collect();
        widths.sort_unstable();
        for width in widths.into_iter().rev() {
            let tile = form(level, index, width);
            if self.has(tile)? {
                return Ok(Some(tile));
            }
        }
        Ok(None)
    }

    /// Asks `tlog_tiles` something, and gives back why a tile could not be read if that is the reason.
    fn ask<T>(
        &self,
        question: impl FnOnce(&Reading<'_>) -> Result<T, Error>,
    ) -> Result<T, LedgerFault> {
        let reading = Reading {
            tiles: self,
            fault: RefCell::new(None),
        };
        question(&reading).map_err(|cause| {
            let fault = reading.fault.into_inner();
            fault.unwrap_or_else(|| LedgerFault::Damaged(cause.to_string()))
        })
    }
}

/// Reads single hashes for `tlog_tiles`, whose errors have no room for ours: they wait beside.
struct Reading<'a> {
    tiles: &'a Tiles,
    fault: RefCell<Option<LedgerFault>>,
}

impl HashReader for Reading<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hash = |&index: &u64| {
            let tile = Tile::from_index(HEIGHT, index);
            let bytes = self.tiles.hashes(tile).map_err(|fault| {
                self.fault.replace(Some(fault));
                Error::InvalidTile
            })?;
            tile.hash_at_index(&bytes, index)
        };
        indexes.iter().map(hash).collect()
    }
}

fn within(asked: u64, size: u64) -> Result<(), LedgerFault> {
    if asked > size {
        return Err(LedgerFault::Beyond { asked, size });
    }
    Ok(())
}
