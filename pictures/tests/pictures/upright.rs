//! Every way a camera may have been held ends in one upright picture (PIP-2).

use crate::made::{self, HEIGHT, WIDTH};
use crate::{scenes, shelf};
use pictures::pdq::{self, DISTANCE_MAX, Hash};
use pictures::{Format, take_in};

fn hash(name: &str) -> Hash {
    pdq::fingerprint(&shelf::picture(name)).unwrap().hash
}

// PIP-2, PIP-3
#[test]
fn all_eight_orientations_come_out_the_same_way_up() {
    let scene = hash("scene.jpg");
    for orientation in 1..=8 {
        let name = format!("orientation_{orientation}.jpg");
        let picture = shelf::picture(&name);
        assert_eq!((picture.width(), picture.height()), (480, 320), "{name}");
        let distance = scene.distance(&hash(&name));
        println!("{name}: {distance}");
        assert!(distance <= 10, "{name}: {distance}");
    }
}

/// Where the point of an upright picture lies in the one that is stored, by the orientations of TIFF 6.0.
fn lies(orientation: u8, (x, y): (u32, u32)) -> (u32, u32) {
    let (right, bottom) = (WIDTH - 1, HEIGHT - 1);
    match orientation {
        1 => (x, y),
        2 => (right - x, y),
        3 => (right - x, bottom - y),
        4 => (x, bottom - y),
        5 => (y, x),
        6 => (y, bottom - x),
        7 => (right - y, bottom - x),
        8 => (right - y, x),
        _ => unreachable!("{orientation}"),
    }
}

// PIP-2: PNG and WebP carry the same tag.
#[test]
fn a_png_and_a_webp_are_turned_as_their_tag_says() {
    for orientation in 1..=8 {
        let (width, height) = match orientation {
            1..=4 => (WIDTH, HEIGHT),
            _ => (HEIGHT, WIDTH),
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let upright = places.map(|place| lies(orientation, place));
        let upright: Vec<u8> = upright.flat_map(|(x, y)| made::light(x, y)).collect();
        for bytes in scenes::with_orientation(orientation) {
            let picture = pictures::decode(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (width, height));
            assert!(picture.rgb() == upright, "{orientation}");
        }
    }
}

// PIP-2
#[test]
fn an_illegal_orientation_is_taken_as_upright() {
    for value in [0, 9, 255] {
        let name = format!("orientation_invalid_{value}.jpg");
        let picture = shelf::picture(&name);
        assert_eq!((picture.width(), picture.height()), (480, 320), "{name}");
        assert!(hash("scene.jpg").distance(&hash(&name)) <= 10);
    }
}

// PIP-2: "EXIF 5-8 swap the sides first".
#[test]
fn the_sizes_that_are_told_are_those_of_the_upright_picture() {
    let taken = take_in(&shelf::bytes("orientation_6.jpg")).unwrap();
    assert_eq!(
        (taken.format, taken.width, taken.height),
        (Format::Jpeg, 480, 320)
    );
    let working = pictures::decode(&taken.working).unwrap();
    assert_eq!((working.width(), working.height()), (720, 480));
}

// PIP-2: a real photograph, eight times.
#[test]
fn a_photograph_in_eight_orientations_is_one_picture() {
    let Some(folder) = shelf::shared("images/exif-orientation-examples") else {
        return;
    };
    let hashes: Vec<Hash> = (1..=8)
        .map(|orientation| {
            let bytes = std::fs::read(folder.join(format!("Landscape_{orientation}.jpg"))).unwrap();
            let picture = pictures::decode(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (1_800, 1_200));
            pdq::fingerprint(&picture).unwrap().hash
        })
        .collect();
    for hash in &hashes {
        assert!(hashes[0].distance(hash) <= 10);
    }
}

// PIP-2: the copies that are kept show the picture that came in.
#[test]
fn every_copy_that_is_kept_still_shows_the_picture() {
    for name in [
        "scene.jpg",
        "orientation_5.jpg",
        "lossless.webp",
        "rgb_16bit.png",
        "cmyk.jpg",
    ] {
        let taken = take_in(&shelf::bytes(name)).unwrap();
        let of_all = taken.hash.unwrap();
        for copy in [&taken.working, &taken.display, &taken.thumbnail] {
            let copy = pdq::fingerprint(&pictures::decode(copy).unwrap()).unwrap();
            let distance = of_all.hash.distance(&copy.hash);
            println!("{name}: {distance}");
            assert!(distance <= DISTANCE_MAX, "{name}");
        }
    }
}

#[test]
fn copies_keep_within_their_sizes_and_small_ones_are_not_enlarged() {
    let sides = |bytes: &[u8]| {
        let picture = pictures::decode(bytes).unwrap();
        (picture.width(), picture.height())
    };
    let taken = take_in(&shelf::bytes("scene.jpg")).unwrap();
    assert_eq!(sides(&taken.working), (960, 640));
    assert_eq!(sides(&taken.display), (960, 640));
    assert_eq!(sides(&taken.thumbnail), (320, 213));
    let taken = take_in(&shelf::bytes("near_thumb64.jpg")).unwrap();
    assert_eq!(sides(&taken.working), (714, 480));
    assert_eq!(sides(&taken.display), (64, 43));
    assert_eq!(sides(&taken.thumbnail), (64, 43));
}

// Any colour type ends as eight bits of red, green and blue.
#[test]
fn every_kind_of_jpeg_png_and_webp_is_decoded() {
    for name in [
        "gray.jpg",
        "cmyk.jpg",
        "progressive.jpg",
        "restart_markers.jpg",
        "subsampling_444.jpg",
        "gray_16bit.png",
        "rgb_16bit.png",
        "gray_alpha.png",
        "palette_alpha.png",
        "one_bit.png",
        "lossless.webp",
        "metadata_gps.webp",
    ] {
        let picture = shelf::picture(name);
        let pixels = picture.width() as usize * picture.height() as usize;
        assert_eq!(picture.rgb().len(), pixels * 3, "{name}");
        assert!(
            pdq::fingerprint(&picture).unwrap().is_comparable(),
            "{name}"
        );
    }
}
