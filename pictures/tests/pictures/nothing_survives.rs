//! IMG-3: nothing that a file says of its maker, its place or its past is in any derived copy.

use std::io::Cursor;

use crate::{scenes, shelf};
use pictures::take_in;

const WITH_METADATA: [&str; 6] = [
    "metadata_gps_full.jpg",
    "metadata_gps.png",
    "metadata_gps.webp",
    "metadata_text.png",
    "trailing_payload.jpg",
    "orientation_6.jpg",
];

/// What gives metadata away, in whatever file it is.
const TRACES: [&[u8]; 16] = [
    b"Exif",
    b"exif",
    b"GPS",
    b"http://ns.adobe.com",
    b"xpacket",
    b"xmp",
    b"XMP",
    b"XML:com.adobe",
    b"Photoshop",
    b"8BIM",
    b"ICC_PROFILE",
    b"tEXt",
    b"iTXt",
    b"zTXt",
    b"JUMB",
    b"<?php",
];

fn copies(name: &str) -> [Vec<u8>; 3] {
    let taken = take_in(&shelf::bytes(name)).unwrap_or_else(|unfit| panic!("{name}: {unfit}"));
    [taken.working, taken.display, taken.thumbnail]
}

fn has(bytes: &[u8], trace: &[u8]) -> bool {
    bytes.windows(trace.len()).any(|at| at == trace)
}

/// The markers of a JPEG up to its end, and how many bytes lie behind that.
fn markers(jpeg: &[u8]) -> (Vec<u8>, usize) {
    let (mut seen, mut at) = (Vec::new(), 2);
    loop {
        while jpeg[at] != 0xFF || jpeg[at + 1] == 0 {
            at += 1;
        }
        let marker = jpeg[at + 1];
        seen.push(marker);
        at += 2;
        if marker == 0xD9 {
            return (seen, jpeg.len() - at);
        }
        at += usize::from(u16::from_be_bytes([jpeg[at], jpeg[at + 1]]));
    }
}

// IMG-3
#[test]
fn no_trace_of_metadata_is_in_any_derived_copy() {
    for name in WITH_METADATA {
        for copy in copies(name) {
            for trace in TRACES {
                assert!(
                    !has(&copy, trace),
                    "{name}: {}",
                    String::from_utf8_lossy(trace)
                );
            }
        }
    }
}

// IMG-3
#[test]
fn a_derived_copy_has_no_segment_but_those_of_a_bare_picture() {
    for name in WITH_METADATA {
        for copy in copies(name) {
            let (seen, behind) = markers(&copy);
            // APP0 (JFIF), tables, one frame, its scan, the end: no other APPn, no comment.
            let bare = |marker: &u8| matches!(marker, 0xE0 | 0xDB | 0xC0 | 0xC4 | 0xDA | 0xD9);
            assert!(seen.iter().all(bare), "{name}: {seen:02X?}");
            assert_eq!(behind, 0, "{name}: bytes behind the end");
            assert_eq!(seen.iter().filter(|marker| **marker == 0xC0).count(), 1);
        }
    }
}

// IMG-3: the originals do carry what is looked for, or the tests above would prove nothing.
#[test]
fn the_originals_carry_what_the_copies_do_not() {
    let exif = |bytes: &[u8]| {
        let mut reader = exif::Reader::new();
        let read = reader
            .continue_on_error(true)
            .read_from_container(&mut Cursor::new(bytes));
        read.or_else(|fault| fault.distill_partial_result(|_| ()))
    };
    for name in [
        "metadata_gps_full.jpg",
        "metadata_gps.png",
        "metadata_gps.webp",
    ] {
        let original = exif(&shelf::bytes(name)).unwrap();
        assert!(
            original
                .get_field(exif::Tag::GPSLatitude, exif::In::PRIMARY)
                .is_some(),
            "{name}"
        );
        for copy in copies(name) {
            assert!(exif(&copy).is_err(), "{name}");
        }
    }
    let full = shelf::bytes("metadata_gps_full.jpg");
    let (segments, _) = markers(&full);
    assert!(
        segments.contains(&0xE1) && segments.contains(&0xFE),
        "{segments:02X?}"
    );
    let (_, behind) = markers(&shelf::bytes("trailing_payload.jpg"));
    assert!(behind > 0);
}

// IMG-3: one word in every place of a file that is not picture, in each of the three formats.
#[test]
fn a_word_that_was_put_everywhere_is_nowhere_in_a_copy() {
    const WORD: &[u8] = b"Nightingale-7f3a";
    let places = |bytes: &[u8]| bytes.windows(WORD.len()).filter(|at| *at == WORD).count();
    for (name, bytes, times) in scenes::with_word_everywhere(WORD) {
        assert_eq!(places(&bytes), times, "{name}");
        let taken = take_in(&bytes).unwrap_or_else(|unfit| panic!("{name}: {unfit}"));
        for copy in [&taken.working, &taken.display, &taken.thumbnail] {
            assert_eq!(places(copy), 0, "{name}");
            assert!(!TRACES.iter().any(|trace| has(copy, trace)), "{name}");
        }
    }
}

// IMG-3: a stored thumbnail may show what was cropped away.
#[test]
fn the_embedded_thumbnail_of_another_picture_is_gone() {
    let full = shelf::bytes("metadata_gps_full.jpg");
    // The first end of an image in the file is that of the thumbnail, as it comes first.
    let end = full.windows(2).position(|at| at == [0xFF, 0xD9]).unwrap();
    let inside = &full[end - 24..end];
    for copy in copies("metadata_gps_full.jpg") {
        assert!(!has(&copy, inside));
        assert_eq!(copy.windows(2).filter(|at| *at == [0xFF, 0xD8]).count(), 1);
    }
}

// IMG-3
#[test]
fn a_payload_behind_the_picture_is_gone() {
    let original = shelf::bytes("trailing_payload.jpg");
    let (_, behind) = markers(&original);
    let payload = &original[original.len() - behind..];
    for copy in copies("trailing_payload.jpg") {
        assert!(!has(&copy, &payload[..payload.len().min(12)]));
    }
}

// The digest is that of the bytes she sent, not of anything derived (FIPS 180-4, "abc").
#[test]
fn the_digest_is_of_the_original_bytes() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(pictures::sha256(b"abc"), expected);
}

// IMG-9: what identifies her picture does not end in a log.
#[test]
fn the_debug_form_does_not_name_the_hash() {
    let taken = take_in(&shelf::bytes("scene.jpg")).unwrap();
    let shown = format!("{taken:?} {:?}", taken.hash);
    assert!(!shown.contains(&taken.hash.unwrap().hash.hex()));
}
