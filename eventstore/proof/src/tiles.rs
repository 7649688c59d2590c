//! The tree's tiles in a folder, as one reads them (C2SP tlog-tiles): the log's own folder, or that of an export.
//!
//! A folder keeps one file for each tile, the widest one. A narrower one, as an older checkpoint needs it, is its
//! beginning, and is cut from it when asked for.

use crate::bounded;
use crate::ledger::LedgerFault;
use crate::tree::SIZE_MAX;
use std::cell::RefCell;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::{Path, PathBuf};
use tlog_tiles::{
    EMPTY_HASH, Error, HASH_SIZE, Hash, HashReader, Tile, prove_record, prove_tree, tree_hash,
};

/// Height of every tile (C2SP tlog-tiles).
pub(crate) const HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub(crate) const WIDTH: u32 = 1 << HEIGHT;
/// Highest level that a tree of [`SIZE_MAX`] leaves reaches, and more than any tree of ours will.
const LEVEL_MAX: u8 = 6;
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
            let forms: [&dyn Fn() -> Result<Option<Tile>, LedgerFault>; 3] = [
                &|| Ok(Some(tile)),
                &|| Ok(Some(form(level, index, WIDTH))),
                &|| self.widest_partial(level, index),
            ];
            for found in forms {
                let Some(found) = found()?.filter(|found| found.width() >= tile.width()) else {
                    continue;
                };
                if let Some(mut bytes) = self.file(found)? {
                    bytes.truncate(tile.width() as usize * HASH_SIZE);
                    return Ok(bytes);
                }
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
        if !self.folder.join(partials(level, index)).is_dir() {
            return Ok(None);
        }
        for tile in (1..WIDTH).rev().map(|width| form(level, index, width)) {
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

/// A tile of ours; level and width are ours to choose, so that `Tile::new` cannot refuse them.
pub(crate) fn form(level: u8, index: u64, width: u32) -> Tile {
    Tile::new(HEIGHT, level, index, width, false)
}

/// How many hashes a tree of this size has at a level of tiles.
pub(crate) const fn hashes(level: u8, size: u64) -> u64 {
    size >> (HEIGHT * level)
}

/// The last tile of a level, where it is partial; `None` where all are full.
pub(crate) fn edge(level: u8, size: u64) -> Option<Tile> {
    let width = (hashes(level, size) % u64::from(WIDTH)) as u32;
    (width > 0).then(|| form(level, hashes(level, size) >> HEIGHT, width))
}

/// `tile/<L>/<N>[.p/<W>]`: C2SP leaves the height out that the crate's own paths carry, because it is always 8.
pub(crate) fn path(tile: Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

/// The folder of a tile's partial forms: `tile/<L>/<N>.p`.
pub(crate) fn partials(level: u8, index: u64) -> String {
    format!("{}.p", path(form(level, index, WIDTH)))
}

/// Reads a path in its one canonical form. Level and width are looked at first: the crate's own reader asserts them.
pub(crate) fn parse(text: &str) -> Option<Tile> {
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let level: u8 = level.parse().ok().filter(|level| *level <= LEVEL_MAX)?;
    if let Some((_, width)) = rest.split_once(".p/") {
        width
            .parse()
            .ok()
            .filter(|width| (1..WIDTH).contains(width))?;
    }
    let tile = Tile::from_path(&format!("tile/{HEIGHT}/{level}/{rest}")).ok()?;
    (path(tile) == text && tile.level_index() <= SIZE_MAX).then_some(tile)
}

fn within(asked: u64, size: u64) -> Result<(), LedgerFault> {
    if asked > size {
        return Err(LedgerFault::Beyond { asked, size });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_c2sp() {
        assert_eq!(path(form(0, 0, 256)), "tile/0/000");
        assert_eq!(path(form(1, 1_234_067, 256)), "tile/1/x001/x234/067");
        assert_eq!(path(form(2, 273, 112)), "tile/2/273.p/112");
        for text in ["tile/0/000", "tile/1/x001/x234/067", "tile/2/273.p/112"] {
            assert_eq!(path(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn a_path_in_any_other_form_is_no_tile() {
        for text in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile//0/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/7/000",
            "tile/64/000",
            "tile/300/000",
            "tile/8/0/000",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/1000",
            "tile/0/000.p/0",
            "tile/0/000.p/00",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/5/",
            "tile/0/000.p/5.p/0",
            "tile/0/../../etc/passwd",
            "tile/0/..%2f000",
            "../checkpoint",
            "tile/0/000\0",
            "tile/data/000",
            "tile/entries/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x018/x446/x744/x073/x709/x551/615",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
