//! The web as it stands before anybody adds to it: pictures that the project drew itself (see `web/README.md`).

use std::path::Path;

use anyhow::Context as _;
use chrono::NaiveDate;

use crate::address::Address;
use crate::pages::{self, Page, Tag};
use crate::web;

const DEMO: &[u8] = include_bytes!("../web/demo.jpg");
const DEMO_RECOMPRESSED: &[u8] = include_bytes!("../web/demo_recompressed.jpg");
const DEMO_HALF: &[u8] = include_bytes!("../web/demo_half.jpg");
const DEMO_ROTATED: &[u8] = include_bytes!("../web/demo_rotated.jpg");
const DEMO_MIRRORED: &[u8] = include_bytes!("../web/demo_mirrored.jpg");
const BALLOONS: &[u8] = include_bytes!("../web/balloons.jpg");
const DUNES: &[u8] = include_bytes!("../web/dunes.jpg");
const FOREST: &[u8] = include_bytes!("../web/forest.jpg");
const FRUIT: &[u8] = include_bytes!("../web/fruit.jpg");
const MOUNTAINS: &[u8] = include_bytes!("../web/mountains.jpg");
const NIGHT_CITY: &[u8] = include_bytes!("../web/night_city.jpg");
const STAIRS: &[u8] = include_bytes!("../web/stairs.jpg");
const TILES: &[u8] = include_bytes!("../web/tiles.jpg");

/// A page, the picture on it, the day in 2026 on which it was seen, and its tag.
type Standing = (&'static str, &'static [u8], u32, Option<Tag>);

/// Hosts under names reserved for examples and tests only (RFC 2606), so no page here is anybody's.
#[rustfmt::skip]
const PAGES: [Standing; 15] = [
    ("https://gallery.example/profiles/4711",            DEMO_RECOMPRESSED, 201, None),
    ("https://forum.example.org/threads/holiday?page=3", DEMO_RECOMPRESSED, 214, None),
    ("https://thumbs.test/p/90210",                      DEMO_HALF,         230, None),
    ("https://albums.example/12/7",                      DEMO_ROTATED,      251, None),
    ("https://postcards.test/offers/lake-evening",       DEMO_MIRRORED,     263, None),
    ("https://party.example/supplies/balloons",          BALLOONS,          110, Some(Tag::Stock)),
    ("https://travel.example/diary/dunes",               DUNES,             118, None),
    ("https://hiking.example.org/routes/31",             FOREST,            131, None),
    ("https://recipes.test/salads/fruit",                FRUIT,             140, None),
    ("https://hiking.example.org/routes/44",             MOUNTAINS,         152, None),
    ("https://travel.example/diary/mountains",           MOUNTAINS,         155, None),
    ("https://news.example/2026/09/night-of-lights",     NIGHT_CITY,        254, None),
    ("https://builders.test/catalogue/stairs",           STAIRS,            160, None),
    ("https://museum.example/collection/tiles/8",        TILES,             171, Some(Tag::Collection)),
    ("https://builders.test/catalogue/tiles",            TILES,             172, None),
];

/// The picture that a demonstration uploads; four altered copies of it stand on five pages.
#[must_use]
pub fn demo_picture() -> &'static [u8] {
    DEMO
}

/// Four pictures of the corpus of which none looks like another: whoever gives one to each of four people can tell their
/// findings apart.
#[must_use]
pub fn unlike_pictures() -> [&'static [u8]; 4] {
    [DUNES, FOREST, FRUIT, MOUNTAINS]
}

/// Lays the starting corpus into a folder. The caller holds the folder.
pub(crate) fn lay(folder: &Path) -> anyhow::Result<()> {
    let mut list = Vec::with_capacity(PAGES.len());
    for (page, picture, day, tag) in PAGES {
        list.push(Page {
            page: Address::parse(page)?,
            picture: web::keep(folder, picture)?,
            seen: NaiveDate::from_yo_opt(2026, day).context("no such day")?,
            tags: tag.into_iter().collect(),
        });
    }
    pages::write(folder, list)
}
