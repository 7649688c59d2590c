//! The right edge of the tree, kept in memory: the tile of each level that is not full yet.

use crate::tiles::{HEIGHT, WIDTH, edge, form, hashes};
use tlog_tiles::{EMPTY_HASH, HASH_SIZE, Hash, Tile, node_hash};

/// Bytes of a full tile.
const TILE_BYTES: usize = WIDTH as usize * HASH_SIZE;

/// One partial tile for each level, from 0 up: at most 8 KiB each.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    size: u64,
    levels: Vec<Vec<u8>>,
}

impl Edge {
    /// The edge of a tree of `size` leaves; `levels[l]` holds `(size >> 8 l) mod 256` hashes.
    pub(super) const fn new(size: u64, levels: Vec<Vec<u8>>) -> Self {
        Self { size, levels }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes one leaf; tiles that it completes are added to `full`.
    pub(super) fn push(&mut self, leaf: Hash, full: &mut Vec<(Tile, Vec<u8>)>) {
        let mut hash = leaf;
        let mut index = self.size;
        self.size += 1;
        for level in 0.. {
            index >>= HEIGHT;
            let position = usize::from(level);
            if position == self.levels.len() {
                self.levels.push(Vec::with_capacity(TILE_BYTES));
            }
            let tile = &mut self.levels[position];
            tile.extend(hash.0);
            if tile.len() < TILE_BYTES {
                return;
            }
            let bytes = std::mem::replace(tile, Vec::with_capacity(TILE_BYTES));
            hash = Tile::subtree_hash(&bytes);
            full.push((form(level, index, WIDTH), bytes));
        }
    }

    /// The partial tiles that are not those of the tree when it had `older` leaves.
    pub(super) fn partials_since(&self, older: u64) -> impl Iterator<Item = (Tile, Vec<u8>)> {
        let levels = (0..).zip(&self.levels);
        levels.filter_map(move |(level, bytes)| {
            let tile = edge(level, self.size)?;
            let changed = hashes(level, self.size) != hashes(level, older);
            changed.then(|| (tile, bytes.clone()))
        })
    }

    /// The root: the complete subtrees of each tile, the largest leftmost, joined from the right.
    pub(super) fn root(&self) -> Hash {
        let mut root = None;
        for mut bytes in self.levels.iter().map(Vec::as_slice) {
            while !bytes.is_empty() {
                let hashes = bytes.len() / HASH_SIZE;
                let smallest = (1 << hashes.trailing_zeros()) * HASH_SIZE;
                let (before, last) = bytes.split_at(bytes.len() - smallest);
                let left = Tile::subtree_hash(last);
                root = Some(root.map_or(left, |right| node_hash(left, right)));
                bytes = before;
            }
        }
        root.unwrap_or(EMPTY_HASH)
    }
}
