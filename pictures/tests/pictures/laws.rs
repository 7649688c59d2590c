//! Laws that hold for any hash, any picture and any bytes.

use pictures::pdq::{self, DISTANCE_MAX, Fingerprint, Hash, NotAHash};
use pictures::{Picture, decode, working_copy_size};
use proptest::prelude::*;

use crate::shelf;

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::from_bytes)
}

/// A picture of 64 x 64 pixels: the size at which the points PDQ keeps lie as far from one side as
/// from the other, so that a turn changes nothing but the order.
fn any_picture() -> impl Strategy<Value = Picture> {
    prop::collection::vec(any::<u8>(), 16 * 16 * 3).prop_map(|cells| {
        let mut rgb = Vec::new();
        for (y, x) in (0..64).flat_map(|y| (0..64).map(move |x| (y, x))) {
            let cell = (y / 4 * 16 + x / 4) * 3;
            let grain = (y * 31 + x * 17) % 13;
            rgb.extend(
                cells[cell..cell + 3]
                    .iter()
                    .map(|value| value / 2 + grain as u8),
            );
        }
        Picture::from_rgb(64, 64, rgb).expect("as many pixels as it says")
    })
}

/// A quarter turn to the right.
fn turned(picture: &Picture) -> Picture {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut rgb = Vec::new();
    for (x, y) in (0..width).flat_map(|x| (0..height).rev().map(move |y| (x, y))) {
        let at = (y * width + x) * 3;
        rgb.extend_from_slice(&picture.rgb()[at..at + 3]);
    }
    Picture::from_rgb(height as u32, width as u32, rgb).expect("as many pixels as before")
}

/// `hash` with `count` bits changed, spread over it.
fn with_changed_bits(hash: Hash, count: usize) -> Hash {
    let mut bytes = *hash.bytes();
    for bit in 0..count {
        let at = bit * 7 % 256;
        bytes[at / 8] ^= 1 << (at % 8);
    }
    Hash::from_bytes(bytes)
}

// HSH-1
#[test]
fn thirty_one_bits_are_near_and_thirty_two_are_not() {
    let hash = Hash::from_bytes([0x5A; 32]);
    let query = Fingerprint {
        hash,
        quality: 100,
        turns: [hash; 8],
    };
    for (bits, near) in [(0, true), (31, true), (32, false), (256, false)] {
        let distance = pdq::nearest(&query, &with_changed_bits(hash, bits));
        assert_eq!(usize::from(distance), bits);
        assert_eq!(distance <= DISTANCE_MAX, near);
    }
}

// HSH-1: "two 64-hex-digit strings, case ignored, else error".
#[test]
fn what_is_not_64_hex_digits_is_no_hash() {
    let good = "f8".repeat(32);
    assert_eq!(Hash::parse(&good), Hash::parse(&good.to_uppercase()));
    for bad in [
        "",
        "f8",
        &good[1..],
        &format!("{good}0"),
        &format!(" {}", &good[1..]),
        &"é".repeat(32),
    ] {
        assert_eq!(Hash::parse(bad), Err(NotAHash), "{bad}");
    }
    assert_eq!(Hash::parse(&"g".repeat(64)), Err(NotAHash));
}

/// The first bytes of the three formats (LIM-2).
const STARTS: [&[u8]; 3] = [b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n", b"RIFF\x40\0\0\0WEBP"];

/// One file for each way that pictures are stored.
const DAMAGED: [&str; 6] = [
    "orientation_6.jpg",
    "progressive.jpg",
    "palette_alpha.png",
    "lossless.webp",
    "metadata_gps.webp",
    "animated.webp",
];

/// So many cases; failures are printed, not written beside the source.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(256))]

    // HSH-1
    #[test]
    fn a_hash_survives_its_hex_form(hash in any_hash()) {
        prop_assert_eq!(Hash::parse(&hash.hex()), Ok(hash));
        prop_assert_eq!(Hash::parse(&hash.hex().to_uppercase()), Ok(hash));
        prop_assert_eq!(hash.to_string().len(), 64);
    }

    // HSH-1
    #[test]
    fn distance_is_a_distance(one in any_hash(), two in any_hash(), three in any_hash()) {
        prop_assert_eq!(one.distance(&one), 0);
        prop_assert_eq!(one.distance(&two), two.distance(&one));
        prop_assert!(one.distance(&three) <= one.distance(&two) + two.distance(&three));
    }

    // PIP-2
    #[test]
    fn a_working_copy_turns_with_its_picture(width in 32_u32..70_000, height in 32_u32..70_000) {
        let (across, down) = working_copy_size(width, height);
        prop_assert_eq!(working_copy_size(height, width), (down, across));
        prop_assert!(across >= 1 && down >= 1 && across <= 65_535 && down <= 65_535);
    }

    // A file that was damaged on its way is taken or refused, but always answered.
    #[test]
    fn a_damaged_picture_is_answered(
        name in prop::sample::select(DAMAGED.to_vec()),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = shelf::bytes(name);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = decode(&bytes);
    }

    // Whatever is sent, there is an answer; the first bytes are right so that the decoders see it.
    #[test]
    fn no_bytes_crash_a_decoder(
        start in prop::sample::select(STARTS.to_vec()),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = decode(&[start, &rest].concat());
    }
}

proptest! {
    #![proptest_config(config(512))]

    // PIP-3: any sides, any bytes, flat stretches as well: a hash or none, never a panic.
    #[test]
    fn no_pixels_crash_the_hash(
        (width, height) in prop_oneof![(0_u32..160, 0_u32..160), (0_u32..12, 0_u32..4_000), (0_u32..4_000, 0_u32..12)],
        pattern in prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], 1..200),
        stretch in 1_usize..400,
        missing in prop_oneof![9 => Just(0_usize), 1 => 1_usize..7],
    ) {
        let bytes = (width * height * 3) as usize;
        let values = pattern.iter().flat_map(|value| std::iter::repeat_n(*value, stretch)).cycle();
        let rgb: Vec<u8> = values.take(bytes.saturating_sub(missing)).collect();
        let fits = rgb.len() == bytes && bytes > 0;
        let picture = Picture::from_rgb(width, height, rgb);
        prop_assert_eq!(picture.is_some(), fits);
        let Some(picture) = picture else { return Ok(()) };
        for found in [pdq::fingerprint(&picture), pdq::fingerprint_with_bars(&picture)] {
            prop_assert_eq!(found.is_some(), width.min(height) >= 5);
            prop_assert!(found.is_none_or(|found| found.quality <= 100 && found.turns[0] == found.hash));
        }
    }

    // From the bytes of a file to its hash: whatever decodes has one, or is too small.
    #[test]
    fn no_damaged_file_crashes_the_hash(
        name in prop::sample::select(DAMAGED.to_vec()),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = shelf::bytes(name);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(picture) = decode(&bytes) {
            prop_assert!(pdq::fingerprint(&picture).is_some());
        }
    }
}

proptest! {
    #![proptest_config(config(32))]

    // HSH-1: the turns of a turned picture are those of the picture in another order.
    #[test]
    fn the_turns_of_a_turned_picture_are_a_permutation(picture in any_picture()) {
        let of = |picture: &Picture| pdq::fingerprint_with_bars(picture).expect("large enough");
        let (stands, lies) = (of(&picture), of(&turned(&picture)));
        prop_assert_eq!(stands.turns[0], stands.hash);
        let mut order = Vec::new();
        for turn in &lies.turns {
            let nearest = (0..8).min_by_key(|at| stands.turns[*at].distance(turn));
            order.extend(nearest);
            // Sums in another order may end a last bit off: one coefficient crosses the median.
            prop_assert!(pdq::nearest(&stands, turn) <= 2);
        }
        order.sort_unstable();
        prop_assert_eq!(order, (0..8).collect::<Vec<_>>());
    }
}
