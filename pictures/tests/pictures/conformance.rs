//! The perceptual hash against Meta's own program, bit for bit: `pdqhash` 0.2.8 on the same pixels.

use std::collections::BTreeMap;

use crate::shelf;
use pictures::Picture;
use pictures::pdq::{self, Hash};
use serde::Deserialize;

/// What the program says of one picture of `testdata/images`.
#[derive(Deserialize)]
pub struct File {
    mode: Option<String>,
    size: Option<(u32, u32)>,
    orientation: Option<u16>,
    pdq_upright: Option<String>,
    pdq_quality: Option<u8>,
}

impl File {
    /// Whether the program was asked about it.
    pub fn is_hashed(&self) -> bool {
        self.pdq_upright.is_some()
    }

    fn upright_size(&self) -> Option<(u32, u32)> {
        let (width, height) = self.size?;
        let lies = matches!(self.orientation, Some(5..=8));
        Some(if lies {
            (height, width)
        } else {
            (width, height)
        })
    }
}

/// The pictures that are kept with this crate and taken, by name.
pub fn expected() -> BTreeMap<String, File> {
    #[derive(Deserialize)]
    struct Expected {
        files: BTreeMap<String, File>,
    }
    let expected: Expected = serde_json::from_slice(&shelf::bytes("expected.json")).unwrap();
    let taken = |name: &String| pictures::look(&shelf::bytes(name)).is_ok();
    expected
        .files
        .into_iter()
        .filter(|(name, _)| taken(name))
        .collect()
}

fn hash(text: &str) -> Hash {
    Hash::parse(text).unwrap()
}

/// The picture that `testdata/README.md` describes: whole numbers only, so it is the same anywhere.
fn made(width: u32, height: u32, faint: u64) -> Picture {
    let (w, h) = (u64::from(width), u64::from(height));
    let mut rgb = Vec::new();
    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
        let red = x * x * 700 / (w * w) + y * 300 / h;
        let green = x * y * 1_100 / (w * h);
        let blue = (x * 7 + y * 13) % 64 + y * 190 / h;
        rgb.extend([red, green, blue].map(|value| (value % 256 / faint) as u8));
    }
    Picture::from_rgb(width, height, rgb).unwrap()
}

// PIP-3, HSH-1: sides around 64 and 128, where the windows change; faint ones of little quality.
#[test]
fn pictures_made_of_numbers_hash_as_with_the_reference_program_in_all_eight_turns() {
    let table = std::fs::read_to_string(shelf::own().join("../pdq_made.csv")).unwrap();
    let mut qualities = Vec::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let number = |at: usize| columns[at].parse::<u32>().unwrap();
        let picture = made(number(0), number(1), number(2).into());
        let ours = pdq::fingerprint_with_bars(&picture).unwrap();
        let turns: Vec<Hash> = columns[4..].iter().map(|text| hash(text)).collect();
        assert_eq!(ours.turns.as_slice(), turns, "{}", &line[..20]);
        assert_eq!(u32::from(ours.quality), number(3), "{}", &line[..20]);
        qualities.push(ours.quality);
    }
    assert_eq!(qualities.len(), 24);
    assert!(qualities.iter().any(|quality| (1..50).contains(quality)));
}

// PIP-3, HSH-1
#[test]
fn our_own_pictures_hash_as_with_the_reference_program() {
    let mut compared = 0;
    for (name, file) in expected() {
        let (Some(expected), Some(quality)) = (&file.pdq_upright, file.pdq_quality) else {
            continue;
        };
        // The reference dropped transparency, we put it on white: other pixels, other hash.
        if matches!(file.mode.as_deref(), Some("P" | "LA" | "RGBA")) {
            continue;
        }
        let picture = shelf::picture(&name);
        let size = Some((picture.width(), picture.height()));
        assert_eq!(size, file.upright_size(), "{name}");
        let ours = pdq::fingerprint_with_bars(&picture).unwrap();
        assert_eq!(
            (ours.hash, ours.quality),
            (hash(expected), quality),
            "{name}"
        );
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} pictures were compared");
}

/// Three files of `../shared/testdata/pdq` that we decode to other pixels than Pillow did, and what
/// the reference program says of ours.
const OTHER_PIXELS: [(&str, &str, u8); 3] = [
    // Sixteen bits are scaled; Pillow cut them off at eight (README there).
    (
        "misc/I16.png",
        "628dbaa85045ffef9b101e3214f156c24b1dbefba74d25a5c90d046c6b54e536",
        100,
    ),
    // Transparent almost everywhere: on white here, Pillow dropped the transparency.
    (
        "misc/LA-256.png",
        "a8ab3d33e4c0bc288374c9e5aa4588fdd7b7cc34f1d1ae73b0faae041134655c",
        100,
    ),
    // JPEG decoders may round: every fortieth pixel is one or two steps off, two bits of the hash.
    (
        "misc/wee.jpg",
        "6227401f601ff4ccafccdfad4b0d95d371a2cb7265a3285234d228ca94deeb2d",
        100,
    ),
];

// HSH-1: 39 files as JPEG, PNG and WebP of every kind; no tolerance but for those three.
#[test]
fn the_reference_pictures_hash_as_with_the_reference_program() {
    let Some(folder) = shelf::shared("pdq") else {
        return;
    };
    let table = std::fs::read_to_string(folder.join("hashes.csv")).unwrap();
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let name = columns[0];
        let published = (hash(columns[5]), columns[6].parse().unwrap());
        let other = OTHER_PIXELS.iter().find(|(other, ..)| *other == name);
        let expected = other.map_or(published, |(_, text, quality)| (hash(text), *quality));
        let picture = shelf::at(&folder.join(name));
        let ours = pdq::fingerprint_with_bars(&picture).unwrap();
        assert_eq!((ours.hash, ours.quality), expected, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 39);
}

// HSH-1, reference values: pairs at distance <= 0, 15, 31, 40 and 63 in the published lists.
#[test]
fn the_published_needles_lie_as_far_from_the_haystack_as_published() {
    let Some((needles, haystack)) = shelf::needles_and_haystack() else {
        return;
    };
    let within = |bits: u16| {
        let pairs = needles
            .iter()
            .flat_map(|needle| haystack.iter().map(|hay| needle.distance(hay)));
        pairs.filter(|distance| *distance <= bits).count()
    };
    assert_eq!([0, 15, 31, 40, 63].map(within), [50, 151, 250, 252, 352]);
}
