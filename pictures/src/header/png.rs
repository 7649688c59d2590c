//! The header of a PNG, and its chunks up to the end (PNG, third edition, sections 5 and 11).

use super::{Claim, alone, array_at, foreign};
use crate::{Seen, Unfit, size};

/// Length, name, width, height, depth, kind of colour, compression, filter, interlace; and its CRC.
const FIRST_CHUNK: usize = 8;

/// The first chunk must be IHDR. A picture that moves (acTL), and one that tells a script or a
/// document beside its pixels, is none that is taken.
pub(super) fn claim(bytes: &[u8]) -> Result<Claim, Unfit> {
    if bytes.get(12..16) != Some(b"IHDR") {
        return Err(Unfit::Unreadable);
    }
    let side = |at| array_at(bytes, at).map(u32::from_be_bytes);
    let stated = side(16).zip(side(20)).ok_or(Unfit::Unreadable)?;
    size::check(stated)?;
    let [depth, kind, _, _, interlaced] = array_at(bytes, 24).ok_or(Unfit::Unreadable)?;
    let claim = Claim {
        size: stated,
        half_bytes: 2 * bytes_a_pixel(depth, kind, interlaced != 0),
    };
    let end = walk(bytes)?;
    alone(claim, bytes, end)
}

/// Rows go one by one into a picture of three bytes a pixel; only an interlaced one is held whole as
/// it is stored as well, with alpha where its kind of colour may have any.
fn bytes_a_pixel(depth: u8, kind: u8, interlaced: bool) -> u64 {
    let channels = match kind {
        0 | 4 => 2,
        _ => 4,
    };
    let stored = channels * if depth == 16 { 2 } else { 1 };
    3 + if interlaced { stored } else { 0 }
}

/// Goes over the chunks; where the last one, IEND, ends.
fn walk(bytes: &[u8]) -> Result<usize, Unfit> {
    let mut at = FIRST_CHUNK;
    loop {
        let length = array_at(bytes, at).map(u32::from_be_bytes);
        let length = length.ok_or(Unfit::Unreadable)? as usize;
        let name: [u8; 4] = array_at(bytes, at + 4).ok_or(Unfit::Unreadable)?;
        let body = bytes.get(at + 8..).and_then(|rest| rest.get(..length));
        let body = body.ok_or(Unfit::Unreadable)?;
        at += 12 + length;
        match &name {
            b"IEND" if at <= bytes.len() => return Ok(at),
            b"acTL" => return Err(Unfit::NotAPicture(Seen::Animated)),
            b"IDAT" => {}
            _ if foreign::speaks(body) => return Err(Unfit::NotAPicture(Seen::Mixed)),
            _ => {}
        }
    }
}
