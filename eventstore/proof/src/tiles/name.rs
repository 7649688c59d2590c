//! How tiles are numbered and named (C2SP tlog-tiles).

use crate::tree::SIZE_MAX;
use tlog_tiles::Tile;

/// Height of every tile (C2SP tlog-tiles).
pub(crate) const HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub(crate) const WIDTH: u32 = 1 << HEIGHT;
/// Highest level that a tree of [`SIZE_MAX`] leaves reaches, and more than any tree of ours will.
const LEVEL_MAX: u8 = 6;

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
