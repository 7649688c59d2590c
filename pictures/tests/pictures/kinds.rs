//! Every way of storing a picture, and every way of meaning harm with one, against its written verdict.

use crate::verdicts::{table, verdict_on};
use crate::{made, scenes, shelf};
use pictures::pdq;
use pictures::{Format, Unfit, decode, take_in};

#[test]
fn every_kind_has_the_verdict_of_the_table() {
    let table = table("## Kinds of files");
    let made: Vec<_> = scenes::scenes()
        .into_iter()
        .chain(scenes::odd_ones())
        .collect();
    let mut wrong = Vec::new();
    for (name, bytes) in &made {
        let (is, said) = (
            verdict_on(bytes),
            table.get(*name).map(|row| row[0].as_str()),
        );
        if said != Some(is.as_str()) {
            wrong.push(format!("| `{name}` | {is} | (the table says {said:?})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        table.len(),
        made.len(),
        "a row of the table is about no file"
    );
}

// PIP-3: how a picture is stored changes next to nothing; clipped sixteen bits would change a hundred.
#[test]
fn one_scene_is_one_picture_however_it_is_stored() {
    let scenes = scenes::scenes();
    let hash = |bytes: &[u8]| pdq::fingerprint(&decode(bytes).unwrap()).unwrap().hash;
    let first = hash(&scenes[0].1);
    for (name, bytes) in &scenes {
        let bits = first.distance(&hash(bytes));
        println!("{name}: {bits}");
        assert!(bits <= 10, "{name}: {bits}");
    }
}

// Seven passes, sixteen bits and a full alpha lose not one level.
#[test]
fn what_is_stored_without_loss_comes_back_without_loss() {
    let lossless = [
        "png-rgb",
        "png-rgb-16",
        "png-rgba",
        "png-rgba-16",
        "png-interlaced",
        "webp-rgb",
        "webp-rgba",
    ];
    for (name, bytes) in scenes::scenes() {
        if lossless.contains(&name) {
            assert!(decode(&bytes).unwrap().rgb() == made::rgb(), "{name}");
        }
    }
}

// What is transparent is white; the colour under it is nobody's to see.
#[test]
fn a_transparent_picture_is_white() {
    let all = scenes::odd_ones();
    let (_, bytes) = all
        .iter()
        .find(|(name, _)| *name == "png-transparent")
        .unwrap();
    assert!(
        decode(bytes)
            .unwrap()
            .rgb()
            .iter()
            .all(|value| *value == 255)
    );
}

/// A picture with a part that is not picture: what is kept of it is as bare as of one without.
#[test]
fn nothing_that_rides_along_is_in_a_copy() {
    for (name, bytes) in scenes::odd_ones() {
        let Ok(taken) = take_in(&bytes) else { continue };
        for copy in [&taken.working, &taken.display, &taken.thumbnail] {
            assert_eq!(Format::of(copy), Some(Format::Jpeg));
            for part in [&b"mp42"[..], b"more of it", b"OR 1=1", b"%n%s"] {
                assert!(!copy.windows(part.len()).any(|at| at == part), "{name}");
            }
            assert!(copy.ends_with(&[0xFF, 0xD9]), "{name}");
        }
    }
}

/// One file for each way that pictures are stored, cut at every thirty-second part: 186 files, none is taken.
#[test]
fn a_picture_cut_at_any_thirty_second_part_is_refused() {
    let kept = [
        "orientation_6.jpg",
        "progressive.jpg",
        "scene.png",
        "rgb_16bit.png",
        "lossless.webp",
        "metadata_gps.webp",
    ];
    for name in kept {
        let bytes = shelf::bytes(name);
        for part in 1..32 {
            let cut = &bytes[..bytes.len() * part / 32];
            assert!(take_in(cut).is_err(), "{name}, {part}/32");
        }
    }
}

/// The same of JPEGs with the mark of the end where they stop, as a program of recovery writes them: 180 files. (In the
/// last rows, which are decoded together, a piece may be missing.)
#[test]
fn a_jpeg_cut_at_any_thirty_second_part_and_closed_again_is_refused() {
    for name in [
        "scene.jpg",
        "orientation_6.jpg",
        "subsampling_444.jpg",
        "restart_markers.jpg",
        "gray.jpg",
        "cmyk.jpg",
    ] {
        let whole = shelf::bytes(name);
        let data = made::scan_of(&whole, 1);
        for part in 0..30 {
            let cut = made::closed_at(&whole, data + (whole.len() - data) * part / 32);
            assert_eq!(decode(&cut), Err(Unfit::Unreadable), "{name}, {part}/32");
        }
    }
}

// What there is of it shows the whole picture, or it is none.
#[test]
fn a_progressive_jpeg_that_is_cut_and_closed_again_is_refused_or_still_the_same_picture() {
    let whole = shelf::bytes("progressive.jpg");
    let hash = |bytes: &[u8]| decode(bytes).map(|it| pdq::fingerprint(&it).unwrap().hash);
    let (of_all, data) = (hash(&whole).unwrap(), made::scan_of(&whole, 1));
    let cut = |part| made::closed_at(&whole, data + (whole.len() - data) * part / 32);
    let taken: Vec<_> = (0..32)
        .filter_map(|part| hash(&cut(part)).ok())
        .map(|hash| of_all.distance(&hash))
        .collect();
    println!("{taken:?}");
    assert!(taken.len() < 32 && taken.iter().all(|bits| *bits <= 10));
}

/// Bits are flipped by a seeded sequence: each file is refused, or is a whole picture of the size it says.
#[test]
fn a_picture_with_flipped_bits_is_refused_or_whole() {
    let mut seed = 0x5EED_u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut refused, mut whole) = (0, 0);
    for name in [
        "orientation_6.jpg",
        "progressive.jpg",
        "palette_alpha.png",
        "lossless.webp",
        "metadata_gps.webp",
    ] {
        for _ in 0..40 {
            let mut bytes = shelf::bytes(name);
            for _ in 0..=next(8) {
                let at = next(bytes.len());
                bytes[at] ^= 1 << next(8);
            }
            match decode(&bytes) {
                Ok(picture) => {
                    let pixels = picture.width() as usize * picture.height() as usize;
                    assert_eq!(picture.rgb().len(), pixels * 3);
                    whole += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{refused} refused, {whole} whole");
    assert!(refused >= 40, "{refused}");
}
