//! Writing a JPEG that says nothing but its picture.

use std::ops::Range;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};

use crate::Picture;
use crate::header::next_marker;

/// How a picture begins that says nothing of itself: JFIF's only segment, of its least length (JFIF 1.02).
const BEGINNING: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\0";
/// Where that segment, which ends here, says how large a thumbnail follows: none.
const THUMBNAIL: Range<usize> = 18..20;

/// Above so many pixels, which only a strip has that PIP-2 leaves as it is, the faster writer's room for what it may write (two
/// bytes a pixel) does not fit beside the picture in what a child may hold.
const FAST_PIXELS_MAX: u32 = 16_000_000;

/// The picture as a JPEG of `quality` 1 to 100: no EXIF, no XMP, no comment, no profile.
///
/// Colour at half resolution at every quality (4:2:0), as photographs have it anyway; it halves the
/// time and a third of the bytes. `None` when a side exceeds 65,535 pixels.
pub(crate) fn encode(picture: &Picture, quality: u8) -> Option<Vec<u8>> {
    let width = u16::try_from(picture.width()).ok()?;
    let height = u16::try_from(picture.height()).ok()?;
    if u32::from(width) * u32::from(height) > FAST_PIXELS_MAX {
        return encode_row_by_row(picture, (width, height), quality);
    }
    compress(
        picture.rgb(),
        width.into(),
        height.into(),
        PixelFormat::Rgb,
        quality,
        Subsampling::S420,
    )
    .ok()
}

/// The same three times as slowly, with no more room than its bytes take.
fn encode_row_by_row(picture: &Picture, size: (u16, u16), quality: u8) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(picture.rgb().len() / 8);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let written = encoder.encode(picture.rgb(), size.0, size.1, ColorType::Rgb);
    written.ok().map(|()| bytes)
}

/// Whether `bytes` are a JPEG of this size as [`encode`] writes them: the JFIF mark, tables, one frame
/// and its scan; no other segment and nothing behind the end. Its pixels are not looked at.
pub(crate) fn is_bare(bytes: &[u8], (width, height): (u32, u32)) -> bool {
    let number = |at: usize| {
        let pair = bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
        pair.map(|pair| u32::from(u16::from_be_bytes(pair)))
    };
    let mut framed = false;
    let mut at = THUMBNAIL.end;
    if !bytes.starts_with(BEGINNING) || bytes.get(THUMBNAIL) != Some(&[0, 0]) {
        return false;
    }
    while let Some((marker, after)) = next_marker(bytes, at) {
        match marker {
            0xD9 => return framed && after == bytes.len(),
            0xC0 if framed
                || (number(after + 5), number(after + 3)) != (Some(width), Some(height)) =>
            {
                return false;
            }
            0xC0 => framed = true,
            0xDB | 0xC4 | 0xDA => {}
            _ => return false,
        }
        match number(after) {
            Some(length) => at = after + length as usize,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey() -> Vec<u8> {
        let picture = Picture::from_rgb(48, 40, vec![120; 48 * 40 * 3]).unwrap();
        encode(&picture, 90).unwrap()
    }

    // Blocks of eight and sixteen pixels are filled up at the edges.
    #[test]
    fn a_picture_of_every_size_is_written_whole() {
        let colour = |at: u32| [40 + at as u8, 90, 200 - at as u8];
        for (width, height) in
            (1..=33).flat_map(|width| (1..=33).map(move |height| (width, height)))
        {
            let rgb = (0..height)
                .flat_map(|_| (0..width).flat_map(colour))
                .collect();
            let picture = Picture::from_rgb(width, height, rgb).unwrap();
            let size = (width as u16, height as u16);
            for bytes in [encode(&picture, 90), encode_row_by_row(&picture, size, 90)] {
                let bytes = bytes.unwrap();
                assert!(is_bare(&bytes, (width, height)));
                let read = image::load_from_memory(&bytes).unwrap().into_rgb8();
                let furthest = read.iter().zip(picture.rgb()).map(|(a, b)| a.abs_diff(*b));
                assert!(furthest.max() <= Some(12), "{width} x {height}");
            }
        }
    }

    // IMG-3
    #[test]
    fn what_is_written_is_bare() {
        assert!(is_bare(&grey(), (48, 40)));
    }

    // IMG-3: the other side of a pipe may say anything.
    #[test]
    fn a_comment_a_thumbnail_another_size_a_tail_and_a_missing_end_are_seen() {
        let good = grey();
        let mut with_comment = good.clone();
        with_comment.splice(2..2, [0xFF, 0xFE, 0, 6, b'h', b'e', b'r', b'e']);
        let mut with_exif = good.clone();
        with_exif.splice(2..2, [0xFF, 0xE1, 0, 4, b'E', b'x']);
        let mut with_thumbnail = good.clone();
        with_thumbnail[18..20].fill(1);
        let mut with_more_of_it = good.clone();
        with_more_of_it.splice(20..20, *b"\xFF\xE0\x00\x08JFXX\0\x10");
        let with_tail = [good.as_slice(), b"x"].concat();
        let without_end = &good[..good.len() - 2];
        for bytes in [
            &with_comment,
            &with_exif,
            &with_thumbnail,
            &with_more_of_it,
            &with_tail,
            without_end,
            &[],
        ] {
            assert!(!is_bare(bytes, (48, 40)));
        }
        assert!(!is_bare(&good, (40, 48)));
    }
}
