//! The tree of the log as it grows: append-only, in a folder of tiles (C2SP tlog-tiles), by one writer at a time.
//!
//! The tiles of level 0 are the tree: whatever leaves stand in them without a gap are in it, and everything above is
//! computed from them. A tile is written beside, made durable, and only then given its name; level 0 comes last and
//! in order. So whoever is killed in the middle leaves a smaller tree behind that is whole, and [`Ledger::open`]
//! puts right what stands above it. Nothing shortens a tree.

mod edge;
mod fault;
mod folder;
mod settle;

pub use fault::LedgerFault;

use crate::checkpoint::Checkpoint;
use crate::leaf::LeafHash;
use crate::tiles::{HEIGHT, Tiles, WIDTH, form};
use crate::tree::SIZE_MAX;
use edge::Edge;
use folder::Folder;
use settle::settle;
use std::path::Path;
use tlog_tiles::{HASH_SIZE, Hash};

/// Leaves that are written together at most: those under one hash of level 2, so that large batches write every tile
/// of the levels below once, and 2 MiB are held at a time.
const TOGETHER_MAX: u64 = 1 << (2 * HEIGHT);

/// The growing tree. Dropping it lets go of the folder.
#[derive(Debug)]
pub struct Ledger {
    folder: Folder,
    tiles: Tiles,
    edge: Edge,
    /// Whether an append failed half-way, so that memory and folder may differ.
    unsettled: bool,
}

impl Ledger {
    /// Opens the tree in this folder, or begins an empty one; repairs what a kill or a power cut left behind.
    ///
    /// The size is then what the tiles say: at least that of the last append that returned, as long as nobody damaged
    /// the folder. Ask [`Ledger::extends`] about the last checkpoint before signing another one.
    ///
    /// # Errors
    /// [`LedgerFault::Busy`] while another process has it open; [`LedgerFault::Io`].
    pub fn open(folder: &Path) -> Result<Self, LedgerFault> {
        let at = Folder::open(folder)?;
        let tiles = Tiles::at(folder);
        let edge = settle(&at, &tiles)?;
        Ok(Self {
            folder: at,
            tiles,
            edge,
            unsettled: false,
        })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root of all leaves (RFC 6962, section 2.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// Appends leaves. When this returns they are durable; when it fails, some of them may be.
    ///
    /// # Errors
    /// [`LedgerFault::Io`], after which the ledger is [`LedgerFault::Unsettled`] until it is opened again;
    /// [`LedgerFault::Full`].
    pub fn append(&mut self, leaves: &[LeafHash]) -> Result<(), LedgerFault> {
        if self.unsettled {
            return Err(LedgerFault::Unsettled);
        }
        if leaves.len() as u64 > SIZE_MAX - self.size() {
            return Err(LedgerFault::Full);
        }
        let mut rest = leaves;
        while !rest.is_empty() {
            let room = TOGETHER_MAX - self.size() % TOGETHER_MAX;
            let count = usize::try_from(room).map_or(rest.len(), |room| room.min(rest.len()));
            let (now, later) = rest.split_at(count);
            self.append_together(now)?;
            rest = later;
        }
        Ok(())
    }

    /// Appends leaves of which the first has this index; those that are in the tree already are compared instead.
    ///
    /// # Errors
    /// [`LedgerFault::Beyond`] when leaves before the first are missing; [`LedgerFault::Differs`] when another leaf
    /// stands where one of these should, and then nothing is appended; as [`Ledger::append`].
    pub fn append_from(&mut self, index: u64, leaves: &[LeafHash]) -> Result<(), LedgerFault> {
        let size = self.size();
        let Some(known) = size.checked_sub(index) else {
            return Err(LedgerFault::Beyond { asked: index, size });
        };
        let known = usize::try_from(known).map_or(leaves.len(), |known| known.min(leaves.len()));
        let (known, new) = leaves.split_at(known);
        for (index, leaf) in (index..).zip(known) {
            if self.leaf(index)? != *leaf {
                return Err(LedgerFault::Differs { index });
            }
        }
        self.append(new)
    }

    /// The leaf at this index.
    ///
    /// # Errors
    /// [`LedgerFault::Beyond`]; [`LedgerFault`], when its tile cannot be read.
    pub fn leaf(&self, index: u64) -> Result<LeafHash, LedgerFault> {
        let size = self.size();
        if index >= size {
            return Err(LedgerFault::Beyond { asked: index, size });
        }
        // The remainder of a division by 256 fits every type.
        let width = (index % u64::from(WIDTH)) as u32 + 1;
        let bytes = self.tiles.hashes(form(0, index >> HEIGHT, width))?;
        let last = bytes.last_chunk::<HASH_SIZE>();
        last.map(|hash| Hash(*hash))
            .ok_or_else(|| LedgerFault::Damaged(format!("the tile of leaf {index}")))
    }

    /// The hashes that lead from leaf `index` to the root of the first `size` leaves.
    ///
    /// # Errors
    /// [`LedgerFault::Beyond`], when the tree has no such size or index; [`LedgerFault`], when a tile cannot be read.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerFault> {
        self.has(size)?;
        self.tiles.inclusion(index, size)
    }

    /// The hashes that show the first `old` leaves to be the beginning of the first `new`.
    ///
    /// # Errors
    /// As [`Ledger::inclusion`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerFault> {
        self.has(new)?;
        self.tiles.consistency(old, new)
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// As [`Ledger::inclusion`].
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerFault> {
        self.has(size)?;
        self.tiles.root(size)
    }

    /// Whether this tree begins with that of an older checkpoint. A log must not sign a tree that does not
    /// (C2SP tlog-checkpoint, "Signatures").
    ///
    /// # Errors
    /// [`LedgerFault`], when a tile cannot be read.
    pub fn extends(&self, older: &Checkpoint) -> Result<bool, LedgerFault> {
        Ok(older.size <= self.size() && self.root_at(older.size)? == older.root)
    }

    /// Puts a signed checkpoint where `checkpoint` is read from, in the place of the one before.
    ///
    /// # Errors
    /// [`LedgerFault::Io`].
    pub fn publish(&self, note: &str) -> Result<(), LedgerFault> {
        self.folder.put_checkpoint(note)
    }

    /// A static file as C2SP tlog-tiles names it: `checkpoint` or `tile/<L>/<N>[.p/<W>]`.
    ///
    /// # Errors
    /// [`LedgerFault::NoSuchPath`] for any other path, and for tiles that the tree does not have.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, LedgerFault> {
        self.tiles.read(path, self.size())
    }

    /// The tiles, for whoever only reads.
    #[must_use]
    pub const fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    fn has(&self, size: u64) -> Result<(), LedgerFault> {
        let asked = size;
        let size = self.size();
        if asked > size {
            return Err(LedgerFault::Beyond { asked, size });
        }
        Ok(())
    }

    fn append_together(&mut self, leaves: &[LeafHash]) -> Result<(), LedgerFault> {
        let mut edge = self.edge.clone();
        let mut changed = Vec::new();
        for leaf in leaves {
            edge.push(*leaf, &mut changed);
        }
        changed.extend(edge.partials_since(self.size()));
        // Level 0 last and in order: its tiles say how far the tree goes.
        changed.sort_by_key(|(tile, _)| (std::cmp::Reverse(tile.level()), tile.level_index()));
        if let Err(fault) = self.folder.put(&changed) {
            self.unsettled = true;
            return Err(fault);
        }
        self.edge = edge;
        Ok(())
    }
}
