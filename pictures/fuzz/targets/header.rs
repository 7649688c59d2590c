//! Any bytes: what is let through to a decoder keeps LIM-1, LIM-2 and LIM-4 by its own header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::{BYTES_MAX, Format, PIXELS_MAX, SIDE_MIN, look};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(look) = look(bytes) {
        let (width, height) = look.stored_size;
        assert!(bytes.len() <= BYTES_MAX);
        assert_eq!(Format::of(bytes), Some(look.format));
        assert!(width >= SIDE_MIN && height >= SIDE_MIN);
        assert!(u64::from(width) * u64::from(height) <= u64::from(PIXELS_MAX));
    }
});
