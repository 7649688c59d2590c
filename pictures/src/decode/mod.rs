//! From bytes to an upright, opaque [`Picture`], with every limit asked before memory is taken.

mod flat;
mod jpeg;
mod png;

use std::io::Cursor;
use std::panic::catch_unwind;

use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};

use crate::turn::Turn;
use crate::{BYTES_MAX, Format, Picture, Seen, Unfit, header};

/// What a decoder may unpack besides pixels (profiles, text): bombs hide there as well.
const ASIDE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A picture as it lies in its file.
pub(crate) struct Stored {
    pub picture: Picture,
    /// What makes it upright.
    pub turn: Turn,
}

impl Stored {
    /// Illegal values of the tag, and tags that cannot be read, mean "as stored".
    fn new(picture: Picture, tag: Option<Orientation>) -> Self {
        Self {
            picture,
            turn: Turn::of(tag.unwrap_or(Orientation::NoTransforms)),
        }
    }
}

/// Decodes the picture in `bytes`: upright, on white, eight bits a channel.
///
/// Blocking and bound to the processor: about a tenth of a second for twelve million pixels.
///
/// # Errors
/// Those of [`look`], in the same order; then [`Unfit::Unreadable`] when the file is damaged or
/// malformed.
pub fn decode(bytes: &[u8]) -> Result<Picture, Unfit> {
    let stored = look(bytes).and_then(|look| stored_as(look, bytes))?;
    Ok(stored.picture.turned(stored.turn))
}

/// What a file says of itself within the limits, before anything is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What the first bytes say it is.
    pub format: Format,
    /// Pixels across and down, as stored: orientation is not yet applied.
    pub stored_size: (u32, u32),
}

/// Asks everything that can be asked of a file without decoding it. No memory is taken; a few
/// milliseconds for the largest file.
///
/// # Errors
/// Asked in this order: [`Unfit::Empty`], [`Unfit::TooManyBytes`] (LIM-1); [`Unfit::NotAPicture`]
/// (LIM-2); [`Unfit::TooManyPixels`], [`Unfit::TooSmall`] (LIM-4); then, while its parts are gone
/// over, [`Unfit::NotAPicture`] when it moves or is something else as well, and
/// [`Unfit::Unreadable`] when it ends before its picture does; [`Unfit::TooHeavy`].
pub fn look(bytes: &[u8]) -> Result<Look, Unfit> {
    let format = match bytes.len() {
        0 => Err(Unfit::Empty),
        1..=BYTES_MAX => Format::of(bytes).ok_or_else(|| Unfit::NotAPicture(Seen::of(bytes))),
        _ => Err(Unfit::TooManyBytes),
    }?;
    let stored_size = header::size_within_limits(format, bytes)?;
    Ok(Look {
        format,
        stored_size,
    })
}

/// The decoding itself; nothing is turned yet.
pub(crate) fn stored_as(look: Look, bytes: &[u8]) -> Result<Stored, Unfit> {
    // A decoder that trips over hostile bytes must not take the caller's thread along.
    let decoded = catch_unwind(|| match look.format {
        Format::Jpeg => jpeg::stored(bytes, look.stored_size),
        Format::Png => png::stored(bytes),
        Format::Webp => stored(WebPDecoder::new(Cursor::new(bytes)), look.stored_size),
    });
    let stored = decoded.ok().flatten().ok_or(Unfit::Unreadable)?;
    // A file that says one size in its header and has another in its body is not to be trusted.
    if stored.picture.size() != look.stored_size {
        return Err(Unfit::Unreadable);
    }
    Ok(stored)
}

/// Never the frame iterators: they ignore limits.
fn stored(decoder: ImageResult<impl ImageDecoder>, (width, height): (u32, u32)) -> Option<Stored> {
    let mut decoder = decoder.ok()?;
    let orientation = decoder.orientation().ok();
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(width);
    limits.max_image_height = Some(height);
    limits.max_alloc = Some(ASIDE_BYTES_MAX as u64);
    decoder.set_limits(limits).ok()?;
    let image = DynamicImage::from_decoder(decoder).ok()?;
    Picture::flattened(image).map(|picture| Stored::new(picture, orientation))
}
