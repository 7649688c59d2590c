//! Any pixels of any small size: the same fingerprint twice, a quality within its bounds, and turns that begin with the picture itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::Picture;
use pictures::pdq::{fingerprint, fingerprint_with_bars, nearest};

/// Pixels of one picture.
const PIXELS_MAX: u32 = 3_000;
/// One in so many is hashed again, with and without its bars: three times the work for little that is new.
const AGAIN_ONE_IN: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let [width, height, seed @ ..] = bytes else {
        return;
    };
    // Windows hold one value up to 128 pixels and two up to 256; a square of that size would be slow.
    let width = u32::from(*width) + 1;
    let height = (u32::from(*height) + 1).min((PIXELS_MAX / width).max(1));
    let pixels = (width * height * 3) as usize;
    let rgb: Vec<u8> = seed.iter().copied().cycle().take(pixels).collect();
    let Some(picture) = Picture::from_rgb(width, height, rgb) else {
        assert!(seed.is_empty());
        return;
    };
    let Some(print) = fingerprint(&picture) else {
        assert!(width < 5 || height < 5);
        return;
    };
    assert!(print.quality <= 100);
    assert_eq!(print.turns[0], print.hash);
    assert_eq!(nearest(&print, &print.hash), 0);
    if bytes.len() % AGAIN_ONE_IN == 0 {
        assert!(fingerprint_with_bars(&picture).is_some());
        assert_eq!(fingerprint(&picture), Some(print));
    }
});
