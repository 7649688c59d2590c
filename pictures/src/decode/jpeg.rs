//! JPEG. Where data end too early a decoder fills the rest with grey; here a picture of which a part is missing is none.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::Stored;
use crate::Picture;
use crate::header::{Data, data};
use crate::picture::CHANNELS;

/// Zeros behind the data: more than the decoder reads ahead of what it needs (zune-jpeg 0.5, four bytes).
const READ_AHEAD: usize = 16;
/// What it fills the rest with.
const FILLED: u8 = 128;

/// The picture as it is stored. `None` when it is damaged, or ends before its last rows.
///
/// JPEG has no sums: other damage is taken as every program shows it.
pub(super) fn stored(bytes: &[u8], size: (u32, u32)) -> Option<Stored> {
    let data = to_its_end(bytes, data(bytes)?);
    let stored = decoded(&data, size, false)?;
    // A picture may end in the same grey. Strictness alone would refuse cameras that leave bytes between two segments.
    if ends_in_grey(&stored.picture) {
        decoded(&data, size, true)?;
    }
    Some(stored)
}

/// Without the marker of the end, behind which the decoder takes zeros for data: it is to meet the end of the file instead. A
/// progressive picture needs the marker; of a cut one the header tells ([`crate::header`]).
fn to_its_end(bytes: &[u8], data: Data) -> Vec<u8> {
    let tail: &[u8] = match data.progressive {
        true => &bytes[data.end..data.end + 2],
        false => &[0; READ_AHEAD],
    };
    [&bytes[..data.end], tail].concat()
}

fn decoded(data: &[u8], (width, height): (u32, u32), strict: bool) -> Option<Stored> {
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(width as usize)
        .set_max_height(height as usize);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().ok()?;
    let grey = decoder.input_colorspace()? == ColorSpace::Luma;
    let to = if grey {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    decoder.set_options(options.jpeg_set_out_colorspace(to));
    let mut pixels = vec![0; decoder.output_buffer_size()?];
    decoder.decode_into(&mut pixels).ok()?;
    let image = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif));
    Picture::flattened(image?).map(|picture| Stored::new(picture, orientation))
}

fn ends_in_grey(picture: &Picture) -> bool {
    let row = picture.size().0 as usize * CHANNELS;
    let last = picture.rgb().len().saturating_sub(row);
    picture.rgb()[last..].iter().all(|value| *value == FILLED)
}
