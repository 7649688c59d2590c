//! Taking a picture in: one decoding, from which everything Vara keeps of it is derived.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::decode::Stored;
use crate::{Format, Picture, Unfit, clip, decode, jpeg, pdq, resize, size};

/// The most bytes that a derived copy may have: 24 MiB. A photograph's have less than a sixth of it;
/// only a strip that PIP-2 leaves as it is comes near.
pub(crate) const COPY_BYTES_MAX: usize = 24 * 1024 * 1024;

/// JPEG quality of the working copy (PIP-2).
const WORKING_QUALITY: u8 = 90;
/// Longest side of the copy shown on screen, and its JPEG quality.
const DISPLAY: (u32, u8) = (2_048, 85);
/// Longest side of the thumbnail, and its JPEG quality.
const THUMBNAIL: (u32, u8) = (320, 80);

/// A picture that was taken in. Nothing of the original's metadata is in any of its copies (IMG-3).
#[derive(Clone, PartialEq, Eq)]
pub struct Taken {
    /// What the bytes are (LIM-2), whatever was declared.
    pub format: Format,
    /// Pixels across, upright.
    pub width: u32,
    /// Pixels down, upright.
    pub height: u32,
    /// JPEG, quality 90, of the size [`crate::working_copy_size`] says (PIP-2).
    pub working: Vec<u8>,
    /// JPEG, quality 85, longest side at most 2048 pixels, never enlarged.
    pub display: Vec<u8>,
    /// JPEG, quality 80, longest side at most 320 pixels, never enlarged.
    pub thumbnail: Vec<u8>,
    /// Perceptual hash at full size, bars removed (PIP-3). Always there for a picture within LIM-4;
    /// below [`pdq::QUALITY_MIN`] it is not to be compared (HSH-1).
    pub hash: Option<pdq::Fingerprint>,
    /// What the model looks at: the square in the middle at 224 x 224 pixels, 150 kB; of the working copy's pixels (PIP-3), or of
    /// the picture's own where that was enlarged. [`clip::Model::embed`] makes the same vector of it as of those.
    pub picture_for_vector: Picture,
}

impl fmt::Debug for Taken {
    // Bytes and hash identify her picture: none of them may end in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken")
            .field("format", &self.format)
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

/// Decodes once and derives everything that is kept of a picture.
///
/// Blocking and bound to the processor: about a quarter of a second for twelve million pixels.
///
/// # Errors
/// Those of [`crate::decode`], in the same order; [`Unfit::TooHeavy`] too when a copy would have more
/// than 24 MiB.
pub fn take_in(bytes: &[u8]) -> Result<Taken, Unfit> {
    let look = decode::look(bytes)?;
    let stored = decode::stored_as(look, bytes)?;
    // Every size asked for below fits a JPEG, so nothing here fails for a picture within LIM-4.
    let taken = derive(look.format, stored).ok_or(Unfit::Unreadable)?;
    if taken.working.len() > COPY_BYTES_MAX {
        let (width, height) = (taken.width, taken.height);
        return Err(Unfit::TooHeavy { width, height });
    }
    Ok(taken)
}

/// SHA-256 of an original, 64 lower-case hex digits. Over her bytes as they are, so it needs no decoder
/// and is never left to a process that ran one.
pub fn sha256(original: &[u8]) -> String {
    hex::encode(Sha256::digest(original))
}

/// The sizes of the working copy, the display copy and the thumbnail of an upright picture.
pub(crate) fn copy_sizes(size: (u32, u32)) -> [(u32, u32); 3] {
    [
        size::working_copy_size(size.0, size.1),
        size::within(DISPLAY.0, size),
        size::within(THUMBNAIL.0, size),
    ]
}

/// The picture is resampled as seldom as may be: the thumbnail comes from the display copy, and so does
/// the working copy where both are of one size, as those of a photograph are. What is turned are the copies, and the
/// picture is let go as soon as nothing is made of it any more.
fn derive(format: Format, Stored { picture, turn }: Stored) -> Option<Taken> {
    let (width, height) = turn.of_size(picture.size());
    let [working_size, display_size, thumbnail_size] = copy_sizes((width, height));
    let hash = pdq::fingerprint_turned(&picture, turn);
    let is_all = working_size == display_size;
    let (shown, rest) = shown(picture, turn.of_size(display_size), is_all)?;
    let shown = shown.turned(turn);
    let display = jpeg::encode(&shown, DISPLAY.1)?;
    let thumbnail = jpeg::encode(&*resize::to_size(&shown, thumbnail_size)?, THUMBNAIL.1)?;
    let own = (display_size == (width, height))
        .then(|| clip::seen(&shown))
        .flatten();
    let worked = match rest {
        Some(picture) => {
            drop(shown);
            resized(picture, turn.of_size(working_size))?.turned(turn)
        }
        None => shown,
    };
    let picture_for_vector = own.or_else(|| clip::seen(&worked))?;
    Some(Taken {
        format,
        width,
        height,
        working: jpeg::encode(&worked, WORKING_QUALITY)?,
        display,
        thumbnail,
        hash,
        picture_for_vector,
    })
}

/// The display copy as it lies, and the picture itself where that is not all that is made of it.
fn shown(picture: Picture, size: (u32, u32), is_all: bool) -> Option<(Picture, Option<Picture>)> {
    if is_all {
        return Some((resized(picture, size)?, None));
    }
    let shown = resize::to_size(&picture, size)?.into_owned();
    Some((shown, Some(picture)))
}

/// A picture of fifty million pixels may stay as it is, and there is no room for two.
fn resized(picture: Picture, size: (u32, u32)) -> Option<Picture> {
    Some(match resize::to_size(&picture, size)? {
        Cow::Borrowed(_) => picture,
        Cow::Owned(resized) => resized,
    })
}
