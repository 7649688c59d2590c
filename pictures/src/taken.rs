//! Taking a picture in: one decoding, from which everything Vara keeps of it is derived.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::{Format, Picture, Unfit, clip, decode, jpeg, pdq, resize, size};

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
    /// SHA-256 of the original bytes, 64 lower-case hex digits.
    pub sha256: String,
    /// JPEG, quality 90, of the size [`crate::working_copy_size`] says (PIP-2).
    pub working: Vec<u8>,
    /// JPEG, quality 85, longest side at most 2048 pixels, never enlarged.
    pub display: Vec<u8>,
    /// JPEG, quality 80, longest side at most 320 pixels, never enlarged.
    pub thumbnail: Vec<u8>,
    /// Perceptual hash at full size, bars removed (PIP-3). Always there for a picture within LIM-4;
    /// below [`pdq::QUALITY_MIN`] it is not to be compared (HSH-1).
    pub hash: Option<pdq::Fingerprint>,
    /// What the model looks at: the square in the middle at 224 x 224 pixels, 150 kB.
    /// [`clip::Model::embed`] makes the same vector of it as of the whole picture.
    pub picture_for_vector: Picture,
}

impl fmt::Debug for Taken {
    // Bytes, digest and hash identify her picture: none of them may end in a log.
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
/// Those of [`crate::decode`], in the same order.
pub fn take_in(bytes: &[u8]) -> Result<Taken, Unfit> {
    let format = decode::recognise(bytes)?;
    let picture = decode::decode_as(format, bytes)?;
    // Every size asked for below fits a JPEG, so nothing here fails for a picture within LIM-4.
    derive(format, bytes, &picture).ok_or(Unfit::Unreadable)
}

fn derive(format: Format, bytes: &[u8], picture: &Picture) -> Option<Taken> {
    let (width, height) = picture.size();
    let working_size = size::working_copy_size(width, height);
    let display_size = size::within(DISPLAY.0, (width, height));
    let shown = resize::to_size(picture, display_size)?;
    // A large photograph has both copies at one size; resampling it once is enough.
    let worked = if working_size == display_size {
        Cow::Borrowed(shown.as_ref())
    } else {
        resize::to_size(picture, working_size)?
    };
    let small = resize::to_size(&shown, size::within(THUMBNAIL.0, (width, height)))?;
    Some(Taken {
        format,
        width,
        height,
        sha256: hex::encode(Sha256::digest(bytes)),
        working: jpeg::encode(&worked, WORKING_QUALITY)?,
        display: jpeg::encode(&shown, DISPLAY.1)?,
        thumbnail: jpeg::encode(&small, THUMBNAIL.1)?,
        hash: pdq::fingerprint(picture),
        picture_for_vector: clip::seen(picture)?,
    })
}
