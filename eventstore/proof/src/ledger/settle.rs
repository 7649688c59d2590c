//! Opens the tree: whatever a kill or a power cut left in the folder, an earlier tree comes out of it that is whole.
//!
//! There is no other way of opening one, so that this way is taken every day.

use super::LedgerFault;
use super::edge::Edge;
use super::folder::Folder;
use crate::tiles::{HEIGHT, Tiles, WIDTH, edge, form, hashes};
use tlog_tiles::{HASH_SIZE, Tile};

/// Finds how far level 0 goes, and makes the folder hold the tiles of that tree and no others.
pub(super) fn settle(folder: &Folder, tiles: &Tiles) -> Result<Edge, LedgerFault> {
    let mut full = 0;
    while tiles.has(form(0, full, WIDTH))? {
        full += 1;
    }
    let partial = tiles.widest_partial(0, full)?;
    let size = (full << HEIGHT) + partial.map_or(0, |tile| u64::from(tile.width()));
    folder.sweep(size)?;
    let mut levels = vec![partial.map_or(Ok(Vec::new()), |tile| tiles.hashes(tile))?];
    for level in (1..).take_while(|level| hashes(*level, size) > 0) {
        for index in 0..hashes(level, size) >> HEIGHT {
            let tile = form(level, index, WIDTH);
            if !tiles.has(tile)? {
                folder.put(&[(tile, above(tiles, tile)?)])?;
            }
        }
        let mut bytes = Vec::new();
        if let Some(tile) = edge(level, size) {
            // Computed anew each time: it is the one tile that an append puts in the place of another.
            bytes = above(tiles, tile)?;
            if !tiles.has(tile)? || tiles.hashes(tile)? != bytes {
                folder.put(&[(tile, bytes.clone())])?;
            }
        }
        levels.push(bytes);
    }
    Ok(Edge::new(size, levels))
}

/// A tile's bytes, computed from the full tiles of the level below.
fn above(tiles: &Tiles, tile: Tile) -> Result<Vec<u8>, LedgerFault> {
    let first = tile.level_index() << HEIGHT;
    let mut bytes = Vec::with_capacity(tile.width() as usize * HASH_SIZE);
    for below in first..first + u64::from(tile.width()) {
        let below = tiles.hashes(form(tile.level() - 1, below, WIDTH))?;
        bytes.extend(Tile::subtree_hash(&below).0);
    }
    Ok(bytes)
}
