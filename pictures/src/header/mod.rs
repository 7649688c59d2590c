//! What a file says of itself, read from its headers alone, before any decoder sees a byte.
//!
//! The decoders of `image` 0.25 allocate by what they find later in the file: a WebP whose canvas
//! is 32 x 32 may hold a frame of 16,383 x 16,383; and a JPEG cut in half is filled up with grey.
//! Nothing here allocates, and each walk goes over the bytes once.

mod foreign;
mod jpeg;
mod png;
mod webp;

pub(crate) use jpeg::{Data, data, next_marker};

use crate::{Format, Seen, Unfit, size};

/// The most bytes that decoding may hold besides the file: 216 MiB. A process of 256 MiB has room
/// for that, for the file twice and for itself.
pub(crate) const DECODING_BYTES_MAX: u64 = 216 * 1024 * 1024;

/// Bytes that a hash takes for each pixel along the longer side, in rows that it passes through ([`crate::pdq`]): little but for a
/// strip of some hundred thousand pixels.
const HASHING_BYTES: u64 = 264;
/// Bytes of a decoded pixel.
const PIXEL_BYTES: u64 = 3;

/// What a file claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    /// Pixels across and down, as stored: orientation is not yet applied.
    size: (u32, u32),
    /// Bytes a pixel, in halves, that its decoder holds at once at most.
    half_bytes: u64,
}

/// The size that `bytes` claim, as stored (orientation is not yet applied), within LIM-4.
///
/// # Errors
/// [`Unfit::Unreadable`] when there is no whole header, or the file ends before its picture does;
/// [`Unfit::TooSmall`] and [`Unfit::TooManyPixels`] by LIM-4; [`Unfit::TooHeavy`] when decoding or hashing
/// would hold more than [`DECODING_BYTES_MAX`]; [`Unfit::NotAPicture`] when the picture moves, or when a
/// script, a document or an archive rides along.
pub(crate) fn size_within_limits(format: Format, bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    let claim = match format {
        Format::Jpeg => jpeg::claim(bytes),
        Format::Png => png::claim(bytes),
        Format::Webp => webp::claim(bytes),
    }?;
    let (width, height) = claim.size;
    let pixels = u64::from(width) * u64::from(height);
    let decoding = pixels * claim.half_bytes / 2;
    let hashing = pixels * PIXEL_BYTES + u64::from(width.max(height)) * HASHING_BYTES;
    if decoding.max(hashing) > DECODING_BYTES_MAX {
        return Err(Unfit::TooHeavy { width, height });
    }
    Ok(claim.size)
}

/// LIM-4 for a size that was found, and no more than a picture in `bytes`, whose picture ends at `behind`.
fn alone(claim: Claim, bytes: &[u8], behind: usize) -> Result<Claim, Unfit> {
    size::check(claim.size)?;
    if foreign::speaks(bytes.get(behind..).unwrap_or_default()) || foreign::shares(bytes) {
        return Err(Unfit::NotAPicture(Seen::Mixed));
    }
    Ok(claim)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
