//! The perceptual hash against what people do to pictures.

use std::path::Path;

use crate::conformance;
use crate::shelf;
use pictures::Picture;
use pictures::pdq::{self, DISTANCE_MAX, Fingerprint, QUALITY_MIN};

/// Meta's rule of conformance: at most so many bits for pictures of quality 80 and more.
const CONFORMANCE_BITS: u16 = 10;

fn fingerprint(name: &str) -> Fingerprint {
    pdq::fingerprint(&shelf::picture(name)).unwrap()
}

fn whole_fingerprint(path: &Path) -> Option<Fingerprint> {
    pdq::fingerprint_with_bars(&shelf::at(path))
}

// HSH-1: the eight turns find a picture however it was turned.
#[test]
fn a_turned_reference_picture_is_found_from_the_one_that_stands() {
    let Some(folder) = shelf::shared("pdq") else {
        return;
    };
    let original = whole_fingerprint(&folder.join("bridge-mods/aaa-orig.jpg")).unwrap();
    for entry in std::fs::read_dir(folder.join("dih")).unwrap() {
        let turned = whole_fingerprint(&entry.unwrap().path()).unwrap();
        assert!(original.hash.distance(&turned.hash) > DISTANCE_MAX);
        assert!(pdq::nearest(&original, &turned.hash) <= CONFORMANCE_BITS);
    }
}

// HSH-1
#[test]
fn a_near_copy_is_found_over_the_eight_turns() {
    let scene = fingerprint("scene.jpg");
    for copy in [
        "jpeg_q5",
        "jpeg_q20",
        "jpeg_q50",
        "half",
        "gray",
        "blur",
        "bright",
        "thumb64",
        "rot90",
        "rot180",
        "mirror",
        "letterbox",
        "banner5",
    ] {
        let distance = pdq::nearest(&scene, &fingerprint(&format!("near_{copy}.jpg")).hash);
        println!("{copy}: {distance}");
        assert!(distance <= DISTANCE_MAX, "{copy}: {distance}");
    }
}

// HSH-1
#[test]
fn another_scene_is_not_found() {
    let other = fingerprint("near_other_scene.jpg");
    let distance = pdq::nearest(&fingerprint("scene.jpg"), &other.hash);
    assert!(distance > 2 * DISTANCE_MAX, "{distance}");
}

/// Asserts that nothing is cut off this picture.
fn is_left_whole(name: &str, picture: &Picture) {
    let (between, whole) = (
        pdq::fingerprint(picture),
        pdq::fingerprint_with_bars(picture),
    );
    assert!(whole.is_some(), "{name}");
    assert_eq!(between, whole, "{name}");
}

// PIP-3
#[test]
fn letterbox_bars_do_not_hide_a_picture_and_nothing_else_is_cut() {
    let scene = fingerprint("scene.jpg");
    let boxed = shelf::picture("near_letterbox.jpg");
    let with_bars = pdq::fingerprint_with_bars(&boxed).unwrap();
    assert!(pdq::nearest(&scene, &with_bars.hash) > DISTANCE_MAX);
    let without = pdq::fingerprint(&boxed).unwrap();
    assert!(pdq::nearest(&scene, &without.hash) <= CONFORMANCE_BITS);
    let others = conformance::expected().into_iter();
    let others = others.filter(|(name, file)| file.is_hashed() && name != "near_letterbox.jpg");
    for (name, _) in others {
        is_left_whole(&name, &shelf::picture(&name));
    }
}

// PIP-3: bars on all four sides; all the other pictures there, black ones too, have none.
#[test]
fn the_reference_picture_in_bars_is_found_and_the_others_are_left_whole() {
    let Some(folder) = shelf::shared("pdq") else {
        return;
    };
    let original = whole_fingerprint(&folder.join("bridge-mods/aaa-orig.jpg")).unwrap();
    let boxed = shelf::at(&folder.join("misc/letterboxed_sample-b.jpg"));
    let with_bars = pdq::fingerprint_with_bars(&boxed).unwrap();
    assert!(pdq::nearest(&original, &with_bars.hash) > DISTANCE_MAX);
    let without = pdq::fingerprint(&boxed).unwrap();
    assert!(original.hash.distance(&without.hash) <= CONFORMANCE_BITS);
    let mut whole = 0;
    for inner in ["bridge-mods", "dih", "misc", "modes"] {
        for entry in std::fs::read_dir(folder.join(inner)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            if !name.ends_with("letterboxed_sample-b.jpg") {
                is_left_whole(&name, &shelf::at(&path));
                whole += 1;
            }
        }
    }
    assert_eq!(whole, 38);
}

// PIP-3: what is cut off may not leave less than can be hashed.
#[test]
fn bars_of_a_tiny_picture_leave_enough_to_hash() {
    let mut rgb = vec![0; 8 * 8 * 3];
    for (row, column) in (2..6).flat_map(|row| (0..8).map(move |column| (row, column))) {
        rgb[(row * 8 + column) * 3..][..3].fill(90 + (row * 31 + column * 47) as u8 % 160);
    }
    is_left_whole("8 x 8", &Picture::from_rgb(8, 8, rgb).unwrap());
}

// HSH-1: a hash of quality below 50 is never compared.
#[test]
fn a_picture_with_nothing_to_see_is_not_comparable() {
    let flat = fingerprint("flat_gray.png");
    assert!(flat.quality < QUALITY_MIN && !flat.is_comparable());
    assert!(fingerprint("scene.jpg").is_comparable());
}

#[test]
fn below_five_by_five_pixels_there_is_no_hash() {
    let of = |side: u32| {
        let pixels = vec![7; (side * side * 3) as usize];
        pdq::fingerprint(&pictures::Picture::from_rgb(side, side, pixels).unwrap())
    };
    assert_eq!(of(4), None);
    assert!(of(5).is_some());
}
