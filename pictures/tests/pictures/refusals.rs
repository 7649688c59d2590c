//! What is not taken, and why: LIM-1, LIM-2, LIM-4.

use crate::shelf;
use pictures::{BYTES_MAX, Format, Seen, Unfit, decode, take_in};

fn refusal(name: &str) -> Unfit {
    match take_in(&shelf::bytes(name)) {
        Err(unfit) => unfit,
        Ok(taken) => panic!("{name} was taken: {taken:?}"),
    }
}

// LIM-1
#[test]
fn an_empty_file_is_refused() {
    assert_eq!(refusal("empty.jpg"), Unfit::Empty);
}

// LIM-1
#[test]
fn ten_mebibytes_are_taken_and_one_byte_more_is_not() {
    let mut bytes = shelf::bytes("scene.jpg");
    bytes.resize(BYTES_MAX, 0);
    assert!(decode(&bytes).is_ok());
    bytes.push(0);
    assert_eq!(decode(&bytes), Err(Unfit::TooManyBytes));
}

// LIM-2
#[test]
fn what_does_not_begin_like_a_picture_is_refused_whatever_its_name() {
    for (name, seen) in [
        ("html_named_jpg.jpg", Seen::Html),
        ("script.svg", Seen::Svg),
        ("garbage.jpg", Seen::Unknown),
        ("gif_js_polyglot.gif", Seen::Gif),
        ("still.heic", Seen::Heic),
        ("still.avif", Seen::Avif),
    ] {
        assert_eq!(refusal(name), Unfit::NotAPicture(seen), "{name}");
    }
}

// One still picture is what is searched for: which of its frames she meant is not ours to guess.
#[test]
fn a_picture_that_moves_is_refused() {
    for name in ["animated.png", "animated.webp"] {
        assert_eq!(refusal(name), Unfit::NotAPicture(Seen::Animated), "{name}");
    }
}

// LIM-2
#[test]
fn a_jpeg_under_the_name_of_a_png_is_taken_as_the_jpeg_it_is() {
    let taken = take_in(&shelf::bytes("jpeg_named_png.png")).unwrap();
    assert_eq!(taken.format, Format::Jpeg);
}

#[test]
fn a_picture_that_is_cut_short_or_damaged_is_refused() {
    for name in [
        "truncated.jpg",
        "truncated.png",
        "truncated.webp",
        "header_only.jpg",
        "bad_crc.png",
    ] {
        assert_eq!(refusal(name), Unfit::Unreadable, "{name}");
    }
}

// LIM-4
#[test]
fn a_picture_below_32_pixels_is_refused() {
    assert_eq!(
        refusal("zero_width.png"),
        Unfit::TooSmall {
            width: 0,
            height: 10
        }
    );
    assert_eq!(
        refusal("tiny_1x1.png"),
        Unfit::TooSmall {
            width: 1,
            height: 1
        }
    );
    assert_eq!(
        refusal("tiny_4x4.png"),
        Unfit::TooSmall {
            width: 4,
            height: 4
        }
    );
    let strip = Unfit::TooSmall {
        width: 65_000,
        height: 2,
    };
    assert_eq!(refusal("long_strip_65000x2.jpg"), strip);
}

/// Cut anywhere, a file is refused; nothing panics, nothing is filled up with grey.
#[test]
fn a_picture_cut_anywhere_is_refused() {
    for name in [
        "orientation_6.jpg",
        "progressive.jpg",
        "scene.png",
        "lossless.webp",
        "metadata_gps.webp",
    ] {
        let bytes = shelf::bytes(name);
        for length in (1..bytes.len() - 12).step_by(997) {
            assert!(
                decode(&bytes[..length]).is_err(),
                "{name} cut to {length} bytes"
            );
        }
    }
}

#[test]
fn the_texts_of_refusals_are_calm_and_name_the_limit() {
    let small = Unfit::TooSmall {
        width: 31,
        height: 90,
    };
    assert_eq!(
        small.to_string(),
        "The picture is 31 x 90 pixels; each side needs 32 or more."
    );
    let large = Unfit::TooManyPixels {
        width: 10_000,
        height: 9_000,
    };
    assert_eq!(
        large.to_string(),
        "The picture is 10000 x 9000 pixels; at most 50000000 can be taken."
    );
}

/// The decoders' own collection of broken and odd files: whatever it is, there is an answer.
#[test]
fn the_decoders_own_test_files_are_taken_or_refused_without_a_crash() {
    let Some(folder) = shelf::shared("images/image-rs") else {
        return;
    };
    let mut taken = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let answer = decode(&std::fs::read(&path).unwrap());
        println!("{}: {answer:?}", path.file_name().unwrap().display());
        taken += usize::from(answer.is_ok());
    }
    assert!(taken > 0);
}
