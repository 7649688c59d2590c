//! PDQ for a browser: pixels in, the 256 bits out, nothing leaves the page.
//!
//! Built from the very files of `pictures` that the server hashes with, so the same pixels have the same hash here and
//! there. Three functions with numbers only, called in turn by one thread; the glue is `page/pdq.js`, thirty lines that
//! anybody can read.
//!
//! Absent on purpose: decoders, network, storage, a generated layer between.

#[path = "../../src/area.rs"]
mod area;
#[path = "../../src/pdq/mod.rs"]
pub mod pdq;
#[expect(
    dead_code,
    reason = "decoding and turning, which need these parts, are the browser's"
)]
#[path = "../../src/picture.rs"]
mod picture;
#[path = "../../src/turn.rs"]
mod turn;

pub use picture::Picture;

use picture::over_white;
use std::cell::RefCell;

/// Most pixels of a picture (LIM-4), as on the server.
const PIXELS_MAX: u64 = 50_000_000;
/// Red, green, blue, and how much of it is seen.
const RGBA: usize = 4;

/// A picture on its way, and what came of the one before.
#[derive(Debug, Default)]
struct State {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    hash: [u8; 32],
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Makes room for a picture of this size and tells where: four bytes a pixel, row by row from the top left, as a canvas
/// gives them. Null for no pixels, or more than 50 million.
// Named, so that the page can call it; nothing else about it is unsafe, and nothing else in this crate.
#[expect(
    unsafe_code,
    reason = "an exported name is an unsafe attribute since edition 2024"
)]
#[unsafe(no_mangle)]
pub extern "C" fn pixels(width: u32, height: u32) -> *const u8 {
    let pixels = u64::from(width) * u64::from(height);
    STATE.with_borrow_mut(|state| {
        *state = State::default();
        if !(1..=PIXELS_MAX).contains(&pixels) {
            return std::ptr::null();
        }
        let Ok(pixels) = usize::try_from(pixels) else {
            return std::ptr::null();
        };
        (state.width, state.height) = (width, height);
        state.rgba = vec![0; pixels * RGBA];
        state.rgba.as_ptr()
    })
}

/// Hashes the picture that was put there; its quality from 0 to 100, or -1 where there is none to hash. The pixels are
/// gone afterwards.
#[expect(
    unsafe_code,
    reason = "an exported name is an unsafe attribute since edition 2024"
)]
#[unsafe(no_mangle)]
pub extern "C" fn fingerprint() -> i32 {
    STATE.with_borrow_mut(|state| {
        let rgba = std::mem::take(&mut state.rgba);
        match hashed(state.width, state.height, &rgba) {
            Some(print) => {
                state.hash = *print.hash.bytes();
                i32::from(print.quality)
            }
            None => -1,
        }
    })
}

/// Where the 32 bytes of the last hash are, most significant bit first.
#[expect(
    unsafe_code,
    reason = "an exported name is an unsafe attribute since edition 2024"
)]
#[unsafe(no_mangle)]
pub extern "C" fn hash() -> *const u8 {
    STATE.with_borrow(|state| state.hash.as_ptr())
}

/// As the server does it (PIP-3): what is transparent is white, letterbox bars are left out.
fn hashed(width: u32, height: u32, rgba: &[u8]) -> Option<pdq::Fingerprint> {
    let (pixels, _) = rgba.as_chunks::<RGBA>();
    let on_white = |[r, g, b, alpha]: &[u8; RGBA]| [*r, *g, *b].map(|c| over_white(c, *alpha));
    let rgb = pixels.iter().flat_map(on_white).collect();
    let picture = Picture::from_rgb(width, height, rgb)?;
    pdq::fingerprint(&picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_made_for_no_pixels_or_too_many() {
        // LIM-4
        for (width, height) in [(0, 5), (5, 0), (50_001, 1_000), (u32::MAX, u32::MAX)] {
            assert!(pixels(width, height).is_null());
            assert_eq!(fingerprint(), -1);
        }
    }

    #[test]
    fn a_picture_too_small_to_be_hashed_has_no_hash() {
        assert!(!pixels(4, 4).is_null());
        assert_eq!(fingerprint(), -1);
    }

    #[test]
    fn a_picture_is_hashed_once_and_then_gone() {
        assert!(!pixels(64, 64).is_null());
        // Nothing was put there: transparent, so white, so flat.
        assert_eq!(fingerprint(), 0);
        assert_eq!(fingerprint(), -1);
    }

    #[test]
    fn the_same_pixels_have_the_hash_that_the_server_gives_them() {
        let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["scene.png", "gray_alpha.png", "near_letterbox.jpg"] {
            let file = std::fs::read(room.join("../testdata/images").join(name)).unwrap();
            let taken = pictures::take_in(&file).unwrap().hash.unwrap();
            let upright = pictures::decode(&file).unwrap();
            let (pixels, _) = upright.rgb().as_chunks::<3>();
            let rgba: Vec<u8> = pixels
                .iter()
                .flat_map(|[r, g, b]| [*r, *g, *b, 255])
                .collect();
            let here = hashed(upright.width(), upright.height(), &rgba).unwrap();
            assert_eq!(here.hash.bytes(), taken.hash.bytes(), "{name}");
            assert_eq!(here.quality, taken.quality, "{name}");
        }
    }
}
