//! The leaves of the signed tree, by the tiles of an export: a tile counts only when it leads to the signed root.

use super::NotVerified;
use super::finding::{Finding, Wrong};
use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::export::ExportFault;
use crate::leaf::leaf_hash;
use crate::ledger::LedgerFault;
use crate::tiles::{HEIGHT, Tiles, WIDTH};
use std::cell::RefCell;
use tlog_tiles::{
    Error, HASH_SIZE, Hash, HashReader, Tile, TileHashReader, TileReader, stored_hash_index,
    tree_hash,
};

/// The signed tree, as far as the tiles go.
#[derive(Debug)]
pub(super) struct Signed {
    size: u64,
    root: Hash,
    tiles: Unproven,
    /// Number of the level-0 tile at hand, and its leaves, or why they say nothing.
    at_hand: Option<(u64, Result<Vec<u8>, Wrong>)>,
    /// What was wrong with the event before: a stretch of events is told by its first.
    before: Option<Wrong>,
}

/// The export's tiles as `tlog_tiles` reads them, whose errors have no room for ours: they wait beside.
#[derive(Debug)]
struct Unproven {
    tiles: Tiles,
    fault: RefCell<Option<LedgerFault>>,
    /// Number of the level-0 tile that is asked for, and its bytes once they are proven.
    wanted: RefCell<(u64, Vec<u8>)>,
}

impl TileReader for Unproven {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = tiles.iter().map(|tile| self.tiles.hashes(*tile)).collect();
        Result::map_err(read, |fault| {
            self.fault.replace(Some(fault));
            Error::InvalidTile
        })
    }

    /// Called with tiles that lead to the root: one is kept whole, or each of its leaves would be asked for.
    fn save_tiles(&self, tiles: &[Tile], data: &[Vec<u8>]) {
        let mut wanted = self.wanted.borrow_mut();
        let is_wanted = |tile: &Tile| (tile.level(), tile.level_index()) == (0, wanted.0);
        let found = tiles.iter().zip(data).find(|(tile, _)| is_wanted(tile));
        wanted.1 = found.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    }
}

impl Signed {
    pub(super) const fn new(tiles: Tiles, now: &Checkpoint) -> Self {
        Self {
            size: now.size,
            root: now.root,
            tiles: Unproven {
                tiles,
                fault: RefCell::new(None),
                wanted: RefCell::new((0, Vec::new())),
            },
            at_hand: None,
            before: None,
        }
    }

    /// Whether the event's leaf is the tree's leaf at its place; says nothing more about an event that has the same
    /// wrong as the one before.
    pub(super) fn check(&mut self, entry: &Entry) -> Result<Option<Finding>, NotVerified> {
        let position = entry.position;
        let wrong = self.wrong(entry)?;
        let before = std::mem::replace(&mut self.before, wrong.clone());
        let new = wrong.filter(|wrong| before.as_ref() != Some(wrong));
        Ok(new.map(|wrong| Finding { position, wrong }))
    }

    /// The root of the first `older` leaves of the signed tree.
    pub(super) fn root(&self, older: u64) -> Result<Hash, NotVerified> {
        match self.ask(|tree| tree_hash(older, tree)) {
            Ok(root) => Ok(root),
            Err(Unvouched::Fault(fault)) => Err(fault.into()),
            Err(Unvouched::Wrong(reason)) => {
                Err(ExportFault::NotComparable { older, reason }.into())
            }
        }
    }

    fn wrong(&mut self, entry: &Entry) -> Result<Option<Wrong>, NotVerified> {
        let index = entry.position.wrapping_sub(1);
        if index >= self.size {
            return Ok(Some(Wrong::NotSigned { size: self.size }));
        }
        let number = index >> HEIGHT;
        if self.at_hand.as_ref().is_none_or(|(n, _)| *n != number) {
            self.tiles.wanted.replace((number, Vec::new()));
            let first = stored_hash_index(0, number << HEIGHT);
            let leaves = match self.ask(|tree| tree.read_hashes(&[first])) {
                Ok(_) => Ok(self.tiles.wanted.take().1),
                Err(Unvouched::Wrong(reason)) => Err(Wrong::Tiles(reason)),
                Err(Unvouched::Fault(fault)) => return Err(fault.into()),
            };
            self.at_hand = Some((number, leaves));
        }
        match &self.at_hand {
            Some((_, Ok(leaves))) => {
                let place = (index % u64::from(WIDTH)) as usize;
                let signed = leaves.chunks_exact(HASH_SIZE).nth(place);
                let leaf = leaf_hash(entry)?;
                Ok((signed != Some(&leaf.0[..])).then_some(Wrong::Leaf))
            }
            Some((_, Err(wrong))) => Ok(Some(wrong.clone())),
            None => Ok(Some(Wrong::Leaf)),
        }
    }

    /// Asks the signed tree, which answers with nothing that does not lead to its root.
    fn ask<T>(
        &self,
        question: impl FnOnce(&TileHashReader<'_>) -> Result<T, Error>,
    ) -> Result<T, Unvouched> {
        let reader = TileHashReader::new(self.size, self.root, &self.tiles);
        question(&reader).map_err(|_| match self.tiles.fault.take() {
            None => {
                Unvouched::Wrong("the tiles lead to another root than the signed one".to_owned())
            }
            Some(fault @ (LedgerFault::Missing(_) | LedgerFault::Damaged(_))) => {
                Unvouched::Wrong(fault.to_string())
            }
            Some(fault) => Unvouched::Fault(ExportFault::Tree(fault)),
        })
    }
}

/// Why the tiles give no answer.
enum Unvouched {
    /// They are not what they must be.
    Wrong(String),
    /// They cannot be read.
    Fault(ExportFault),
}
