//! What a file says of its size, read from its headers alone, before any decoder sees a byte.
//!
//! The decoders of `image` 0.25 allocate by what they find later in the file: a WebP whose canvas
//! is 32 x 32 may hold a frame of 16,383 x 16,383; and a JPEG cut in half is filled up with grey.

use crate::{Format, Unfit, size};

/// The size that `bytes` claim, as stored (orientation is not yet applied), within LIM-4.
///
/// # Errors
/// [`Unfit::Unreadable`] when there is no whole header, or the file ends before its picture does;
/// [`Unfit::TooSmall`] and [`Unfit::TooManyPixels`] by LIM-4.
pub(crate) fn size_within_limits(format: Format, bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    match format {
        Format::Jpeg => jpeg(bytes),
        Format::Png => png(bytes),
        Format::Webp => webp(bytes),
    }
}

/// The first chunk must be IHDR: length, name, width, height.
fn png(bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    if bytes.get(12..16) != Some(b"IHDR") {
        return Err(Unfit::Unreadable);
    }
    let side = |at| array_at(bytes, at).map(u32::from_be_bytes);
    let claimed = side(16).zip(side(20)).ok_or(Unfit::Unreadable)?;
    size::check(claimed).map(|()| claimed)
}

/// Walks the segments to the end-of-image marker; a file without one was cut short.
fn jpeg(bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    let mut claimed = None;
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = match marker {
            0xD9 => return claimed.ok_or(Unfit::Unreadable),
            // No length follows: TEM, RST0 to RST7, and a second start of image.
            0x01 | 0xD0..=0xD8 => after,
            _ => {
                // SOF0 to SOF15, without the tables that share their range (DHT, JPG, DAC).
                let starts_frame =
                    matches!(marker, 0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC));
                if starts_frame && claimed.is_none() {
                    let side = |at| array_at(bytes, at).map(|pair| u16::from_be_bytes(pair).into());
                    let stated = side(after + 5)
                        .zip(side(after + 3))
                        .ok_or(Unfit::Unreadable)?;
                    size::check(stated)?;
                    claimed = Some(stated);
                }
                let length = array_at(bytes, after).map(u16::from_be_bytes);
                after + usize::from(length.ok_or(Unfit::Unreadable)?)
            }
        };
    }
    Err(Unfit::Unreadable)
}

/// The next marker from `at` on, and where what belongs to it begins. Skips entropy-coded data
/// (`FF 00` stands for a plain `FF`) and fill bytes.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?;
    let found = rest
        .windows(2)
        .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
    Some((rest[found + 1], at + found + 2))
}

/// The canvas; and no frame inside may be larger than LIM-4 either, whatever the canvas says.
fn webp(bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    let stated = array_at(bytes, 4)
        .map(u32::from_le_bytes)
        .ok_or(Unfit::Unreadable)?;
    let file = Chunks { bytes, at: 12 };
    let first = file.clone().next().ok_or(Unfit::Unreadable)?;
    let claimed = first.size().ok_or(Unfit::Unreadable)?;
    size::check(claimed)?;
    for chunk in file {
        let inner = Chunks {
            bytes: chunk.body,
            at: 16,
        };
        let frames = chunk.is(b"ANMF").then_some(inner).into_iter().flatten();
        for frame in frames.chain([chunk]).filter(|frame| !frame.is(b"VP8X")) {
            frame.size().map_or(Ok(()), within_pixels)?;
        }
    }
    // Checked last, so that a bomb is called one even when it is also cut short. The padding byte
    // behind a last chunk of odd length is missing in some files.
    let whole = bytes.len() as u64 + 1 >= u64::from(stated) + 8;
    whole.then_some(claimed).ok_or(Unfit::Unreadable)
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

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
