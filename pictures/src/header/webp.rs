//! The chunks of a WebP file (RFC 9649, section 2).

use super::{Claim, alone, array_at, foreign};
use crate::{Seen, Unfit, size};

/// The bit of VP8X that says that there is transparency, and the one that says that it moves.
const ALPHA: u8 = 0x10;
const ANIMATED: u8 = 0x02;

/// The canvas; and no frame inside may be larger than LIM-4 either, whatever the canvas says.
pub(super) fn claim(bytes: &[u8]) -> Result<Claim, Unfit> {
    let stated = array_at(bytes, 4)
        .map(u32::from_le_bytes)
        .ok_or(Unfit::Unreadable)?;
    let file = Chunks { bytes, at: 12 };
    let first = file.clone().next().ok_or(Unfit::Unreadable)?;
    let claimed = first.size().ok_or(Unfit::Unreadable)?;
    size::check(claimed)?;
    let mut half_bytes = 0;
    for chunk in file {
        let moves = chunk.is(b"ANMF") || chunk.is(b"ANIM");
        if moves || (chunk.is(b"VP8X") && chunk.flags() & ANIMATED != 0) {
            return Err(Unfit::NotAPicture(Seen::Animated));
        }
        let pixels = chunk.is(b"VP8 ") || chunk.is(b"VP8L") || chunk.is(b"ALPH");
        if !pixels && foreign::speaks(chunk.body) {
            return Err(Unfit::NotAPicture(Seen::Mixed));
        }
        if !chunk.is(b"VP8X") {
            chunk.size().map_or(Ok(()), within_pixels)?;
            half_bytes = half_bytes.max(chunk.half_bytes(first.flags() & ALPHA != 0));
        }
    }
    let claim = Claim {
        size: claimed,
        half_bytes,
    };
    // Checked last, so that a bomb is called one even when it is also cut short. The padding byte
    // behind a last chunk of odd length is missing in some files.
    let end = stated as usize + 8;
    if bytes.len() + 1 < end {
        return Err(Unfit::Unreadable);
    }
    alone(claim, bytes, end)
}

/// A frame may be as small as it likes; the canvas is what must be large enough.
fn within_pixels(frame: (u32, u32)) -> Result<(), Unfit> {
    match size::check(frame) {
        Err(Unfit::TooSmall { .. }) => Ok(()),
        other => other,
    }
}

/// The chunks of a RIFF file, one after the other, the last one perhaps cut short.
#[derive(Clone)]
struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

struct Chunk<'a> {
    name: [u8; 4],
    body: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let name = array_at(self.bytes, self.at)?;
        let length = u32::from_le_bytes(array_at(self.bytes, self.at + 4)?) as usize;
        let rest = self.bytes.get(self.at + 8..)?;
        // Chunks are padded to an even length.
        self.at += 8 + length + length % 2;
        Some(Chunk {
            name,
            body: &rest[..length.min(rest.len())],
        })
    }
}

impl Chunk<'_> {
    fn is(&self, name: &[u8; 4]) -> bool {
        self.name == *name
    }

    /// What VP8X says of the file; nothing for a file without it.
    fn flags(&self) -> u8 {
        match self.is(b"VP8X") {
            true => self.body.first().copied().unwrap_or(0),
            false => 0,
        }
    }

    /// Bytes a pixel, in halves, that its decoder holds: the pixels and what they are made from.
    fn half_bytes(&self, alpha: bool) -> u64 {
        match (&self.name, alpha) {
            // Three for the pixels; light at full and colour at half size before that.
            (b"VP8 ", false) => 9,
            // Four; the same; and transparency by itself, which may come out of a lossless frame.
            (b"VP8 ", true) => 21,
            // Always four first, and three of them then unless there is transparency.
            (b"VP8L", _) => 14,
            _ => 0,
        }
    }

    /// The size a canvas, a lossy or a lossless frame states; nothing for other chunks.
    fn size(&self) -> Option<(u32, u32)> {
        let pair = |at| array_at::<2>(self.body, at).map(u16::from_le_bytes);
        let low = |at| pair(at).map(|side| u32::from(side & 0x3FFF));
        match &self.name {
            b"VP8X" => {
                let side = |at: usize| {
                    let [a, b, c] = array_at(self.body, at)?;
                    Some(u32::from_le_bytes([a, b, c, 0]) + 1)
                };
                side(4).zip(side(7))
            }
            b"VP8 " => low(6).zip(low(8)),
            b"VP8L" => {
                let bits = u32::from_le_bytes(array_at(self.body, 1)?);
                Some(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1))
            }
            _ => None,
        }
    }
}
