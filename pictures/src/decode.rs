//! From bytes to an upright, opaque [`Picture`], with every limit asked before memory is taken.

use std::io::Cursor;
use std::panic::catch_unwind;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};

use crate::{BYTES_MAX, Format, Picture, Unfit, header};

/// What a PNG may unpack besides its pixels (profiles, text): bombs hide there as well.
const ASIDE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Decodes the picture in `bytes`: its first frame, upright, on white, eight bits a channel.
///
/// Blocking and bound to the processor: about a tenth of a second for twelve million pixels.
///
/// # Errors
/// Asked in this order: [`Unfit::Empty`], [`Unfit::TooManyBytes`] (LIM-1); [`Unfit::NotAPicture`]
/// (LIM-2); [`Unfit::TooManyPixels`], [`Unfit::TooSmall`] (LIM-4, from the header alone);
/// [`Unfit::Unreadable`] when the file is cut short, damaged or malformed.
pub fn decode(bytes: &[u8]) -> Result<Picture, Unfit> {
    recognise(bytes).and_then(|format| decode_as(format, bytes))
}

/// LIM-1 and LIM-2.
pub(crate) fn recognise(bytes: &[u8]) -> Result<Format, Unfit> {
    match bytes.len() {
        0 => Err(Unfit::Empty),
        1..=BYTES_MAX => Format::of(bytes).ok_or(Unfit::NotAPicture),
        _ => Err(Unfit::TooManyBytes),
    }
}

/// LIM-4 and the decoding itself.
pub(crate) fn decode_as(format: Format, bytes: &[u8]) -> Result<Picture, Unfit> {
    let claimed = header::size_within_limits(format, bytes)?;
    // A decoder that trips over hostile bytes must not take the caller's thread along.
    let decoded = catch_unwind(|| {
        let limits = limits_of(claimed);
        let source = Cursor::new(bytes);
        match format {
            Format::Jpeg => first_frame(JpegDecoder::new(source)?, limits),
            Format::Png => first_frame(PngDecoder::with_limits(source, limits.clone())?, limits),
            Format::Webp => first_frame(WebPDecoder::new(source)?, limits),
        }
    });
    let (image, orientation) = decoded
        .map_err(|_| Unfit::Unreadable)?
        .map_err(|_| Unfit::Unreadable)?;
    // A file that says one size in its header and has another in its body is not to be trusted.
    if (image.width(), image.height()) != claimed {
        return Err(Unfit::Unreadable);
    }
    let flat = Picture::flattened(image).ok_or(Unfit::Unreadable)?;
    Ok(flat.turned(orientation))
}

fn limits_of((width, height): (u32, u32)) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(width);
    limits.max_image_height = Some(height);
    limits.max_alloc = Some(ASIDE_BYTES_MAX);
    limits
}

/// Never the frame iterators: they ignore limits, and later frames are of no use here.
fn first_frame(
    mut decoder: impl ImageDecoder,
    limits: Limits,
) -> ImageResult<(DynamicImage, Orientation)> {
    // Illegal values of the tag, and tags that cannot be read, mean "as stored".
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    decoder.set_limits(limits)?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}
