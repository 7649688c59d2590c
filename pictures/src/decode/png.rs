//! PNG, row by row: whatever is stored becomes three bytes a pixel at once, so that sixteen bits,
//! transparency and palettes cost no second picture in memory.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

use super::{ASIDE_BYTES_MAX, Stored};
use crate::Picture;
use crate::picture::{CHANNELS, over_white};

type Source<'a> = Reader<Cursor<&'a [u8]>>;

/// The picture as it is stored. `None` when it is damaged or does not go to its end.
pub(super) fn stored(bytes: &[u8]) -> Option<Stored> {
    let limits = Limits {
        bytes: ASIDE_BYTES_MAX,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Neither is of use here, and both unpack to any size.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes, fewer than eight bits and a transparent colour are spelled out.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = reader.info().size();
    let rgb = pixels(&mut reader, width, height)?;
    reader.finish().ok()?;
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk);
    let picture = Picture::from_rgb(width, height, rgb)?;
    Some(Stored::new(picture, orientation))
}

fn pixels(reader: &mut Source<'_>, width: u32, height: u32) -> Option<Vec<u8>> {
    let spread = spread_of(reader.output_color_type())?;
    let row_bytes = usize::try_from(width).ok()?.checked_mul(CHANNELS)?;
    let mut rgb = vec![0; row_bytes.checked_mul(usize::try_from(height).ok()?)?];
    let rows = rgb.chunks_exact_mut(row_bytes);
    if reader.info().interlaced {
        // Its rows come in seven passes over the whole picture.
        let mut whole = vec![0; reader.output_buffer_size()?];
        reader.next_frame(&mut whole).ok()?;
        let line = reader.output_line_size(width)?;
        for (stored, row) in whole.chunks_exact(line).zip(rows) {
            spread(stored, row);
        }
    } else if reader.output_color_type() == (ColorType::Rgb, BitDepth::Eight) {
        for row in rows {
            reader.read_row(row).ok()??;
        }
    } else {
        for row in rows {
            spread(reader.next_row().ok()??.data(), row);
        }
    }
    Some(rgb)
}

/// From a stored row to one of three bytes a pixel.
type Spread = fn(&[u8], &mut [u8]);

fn spread_of(stored: (ColorType, BitDepth)) -> Option<Spread> {
    use {BitDepth::Eight, BitDepth::Sixteen, ColorType as Color};
    Some(match stored {
        (Color::Grayscale, Eight) => |from, to| each::<1>(from, to, |[l]| [l; 3]),
        (Color::GrayscaleAlpha, Eight) => {
            |from, to| each::<2>(from, to, |[l, a]| [over_white(l, a); 3])
        }
        (Color::Rgb, Eight) => |from, to| to.copy_from_slice(from),
        (Color::Rgba, Eight) => {
            |from, to| each::<4>(from, to, |[r, g, b, a]| [r, g, b].map(|c| over_white(c, a)))
        }
        (Color::Grayscale, Sixteen) => |from, to| each::<2>(from, to, |[l, m]| [scaled([l, m]); 3]),
        (Color::GrayscaleAlpha, Sixteen) => |from, to| {
            each::<4>(from, to, |[l, m, a, b]| {
                [over_white(scaled([l, m]), scaled([a, b])); 3]
            });
        },
        (Color::Rgb, Sixteen) => |from, to| {
            each::<6>(from, to, |[r, s, g, h, b, c]| {
                [[r, s], [g, h], [b, c]].map(scaled)
            });
        },
        (Color::Rgba, Sixteen) => |from, to| {
            each::<8>(from, to, |[r, s, g, h, b, c, a, z]| {
                [[r, s], [g, h], [b, c]].map(|pair| over_white(scaled(pair), scaled([a, z])))
            });
        },
        // Both were spelled out before.
        (Color::Indexed, _) | (_, BitDepth::One | BitDepth::Two | BitDepth::Four) => return None,
    })
}

fn each<const N: usize>(from: &[u8], to: &mut [u8], pixel: impl Fn([u8; N]) -> [u8; CHANNELS]) {
    let (stored, _) = from.as_chunks::<N>();
    let (pixels, _) = to.as_chunks_mut::<CHANNELS>();
    for (stored, out) in stored.iter().zip(pixels) {
        *out = pixel(*stored);
    }
}

/// Sixteen bits to eight by scale, rounded to the nearest: cutting off or clipping moves the hash.
fn scaled(big_endian: [u8; 2]) -> u8 {
    let value = u32::from(u16::from_be_bytes(big_endian));
    ((value * 255 + 32_767) / 65_535) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_scaled_to_the_nearest_of_eight() {
        for (value, eight) in [(0_u16, 0), (128, 0), (129, 1), (257, 1), (32_896, 128)] {
            assert_eq!(scaled(value.to_be_bytes()), eight, "{value}");
        }
        assert_eq!(scaled([0xFF, 0xFF]), 255);
        assert_eq!(scaled(65_406_u16.to_be_bytes()), 254);
    }

    #[test]
    fn every_way_of_storing_a_pixel_becomes_three_bytes_on_white() {
        use {BitDepth::Eight, BitDepth::Sixteen, ColorType as Color};
        let white_in_half = [255, 255, 255];
        for (stored, bytes, pixel) in [
            ((Color::Grayscale, Eight), &[7][..], [7; 3]),
            ((Color::GrayscaleAlpha, Eight), &[7, 0], [255; 3]),
            ((Color::Rgb, Eight), &[1, 2, 3], [1, 2, 3]),
            ((Color::Rgba, Eight), &[1, 2, 3, 255], [1, 2, 3]),
            ((Color::Grayscale, Sixteen), &[0x40, 0x40], [64; 3]),
            ((Color::GrayscaleAlpha, Sixteen), &[9, 9, 0, 0], [255; 3]),
            ((Color::Rgb, Sixteen), &[1, 1, 2, 2, 3, 3], [1, 2, 3]),
            ((Color::Rgba, Sixteen), &[0; 8], white_in_half),
        ] {
            let mut out = [0; 3];
            spread_of(stored).unwrap()(bytes, &mut out);
            assert_eq!(out, pixel, "{stored:?}");
        }
        assert!(spread_of((Color::Indexed, Eight)).is_none());
    }
}
