//! Any bytes: they are one of three kinds of picture, or something that has a name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::{Format, Seen};

fuzz_target!(|bytes: &[u8]| {
    if let Some(format) = Format::of(bytes) {
        assert_eq!(Format::of_media_type(format.media_type()), Some(format));
    }
    assert!(!Seen::of(bytes).name().is_empty());
    assert!(!Seen::of(bytes).words().is_empty());
});
