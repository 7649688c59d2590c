//! Any bytes as the EXIF of a good JPEG: it is read all the same, as stored or turned, and never as a picture of another size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::{Unfit, decode};

const PICTURE: &[u8] = include_bytes!("../../testdata/images/near_thumb64.jpg");
const SIZE: (u32, u32) = (64, 43);

fuzz_target!(|exif: &[u8]| {
    let name = b"Exif\0\0";
    let Ok(length) = u16::try_from(2 + name.len() + exif.len()) else {
        return;
    };
    let (start, rest) = PICTURE.split_at(2);
    let length = length.to_be_bytes();
    match decode(&[start, &[0xFF, 0xE1], &length, name, exif, rest].concat()) {
        Ok(picture) => {
            let size = (picture.width(), picture.height());
            assert!(size == SIZE || size == (SIZE.1, SIZE.0), "{size:?}");
        }
        // A script or a document in it is refused, whatever the picture is.
        Err(unfit) => assert!(matches!(unfit, Unfit::NotAPicture(_)), "{unfit:?}"),
    }
});
