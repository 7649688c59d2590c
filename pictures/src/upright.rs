//! Turning a picture upright, the way its EXIF orientation says (PIP-2).
//!
//! A photograph is seldom turned at its full size: its copies are made first and turned then, and its
//! hash is taken of it as it lies ([`crate::pdq`]).

use image::metadata::Orientation;

use crate::Picture;
use crate::picture::CHANNELS;
use crate::turn::Turn;

/// Pixels are moved in squares of this side, so that both pictures stay in the processor's cache.
const TILE: usize = 32;

/// Above so many pixels a second picture would not fit beside the first in what one may hold.
const TWICE_PIXELS_MAX: usize = 16_000_000;

/// A strip of columns that is turned at once has at most and, unless there is no choice, at least so
/// many: it stays in the cache with its turned copy.
const STRIP: std::ops::RangeInclusive<usize> = 16..=128;

impl Turn {
    /// What EXIF's orientation asks for.
    pub(crate) fn of(orientation: Orientation) -> Self {
        let (lies, left_right, top_bottom) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipVertical => (false, false, true),
            Orientation::Rotate90FlipH => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Rotate270FlipH => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self {
            lies,
            left_right,
            top_bottom,
        }
    }

    /// From a size as stored to the one upright, and back.
    pub(crate) const fn of_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.lies {
            (height, width)
        } else {
            (width, height)
        }
    }
}

impl Picture {
    /// The picture as it is meant to be seen.
    pub(crate) fn turned(self, turn: Turn) -> Self {
        if turn == Turn::NONE {
            return self;
        }
        let (width, height) = self.size();
        let stored = (width as usize, height as usize);
        let mut rgb = self.into_rgb();
        if !turn.lies {
            flip(&mut rgb, stored, turn);
            return Self::known(width, height, rgb);
        }
        let strip = widest_strip(stored.0);
        if STRIP.contains(&strip) || stored.0 * stored.1 > TWICE_PIXELS_MAX {
            lay_over_in_place(&mut rgb, stored, strip, turn);
        } else {
            let mut turned = vec![0; rgb.len()];
            lay_over(&rgb, &mut turned, stored, turn);
            rgb = turned;
        }
        Self::known(height, width, rgb)
    }
}

/// Ends change places within the picture.
fn flip(rgb: &mut [u8], (width, height): (usize, usize), turn: Turn) {
    let row_bytes = width * CHANNELS;
    if turn.top_bottom {
        let (above, below) = rgb.split_at_mut(height / 2 * row_bytes);
        let facing = below.rchunks_exact_mut(row_bytes);
        for (one, other) in above.chunks_exact_mut(row_bytes).zip(facing) {
            one.swap_with_slice(other);
        }
    }
    if turn.left_right {
        for row in rgb.chunks_exact_mut(row_bytes) {
            row.as_chunks_mut::<CHANNELS>().0.reverse();
        }
    }
}

/// The largest number of columns, no more than a strip may have, that divides a row without rest.
fn widest_strip(width: usize) -> usize {
    let mut widths = (1..=width.min(*STRIP.end())).rev();
    widths
        .find(|strip| width.is_multiple_of(*strip))
        .unwrap_or(1)
}

/// Columns become rows. `from` has `width` pixels a row and `height` rows, `to` the other way round.
fn lay_over(from: &[u8], to: &mut [u8], (width, height): (usize, usize), turn: Turn) {
    let (from, _) = from.as_chunks::<CHANNELS>();
    let (to, _) = to.as_chunks_mut::<CHANNELS>();
    for (top, left) in (0..height)
        .step_by(TILE)
        .flat_map(|top| (0..width).step_by(TILE).map(move |left| (top, left)))
    {
        let rows = TILE.min(height - top);
        for x in left..(left + TILE).min(width) {
            let row = if turn.top_bottom { width - 1 - x } else { x };
            let column = if turn.left_right {
                height - top - rows
            } else {
                top
            };
            let out = &mut to[row * height + column..][..rows];
            let down = from[top * width + x..].iter().step_by(width);
            if turn.left_right {
                out.iter_mut()
                    .rev()
                    .zip(down)
                    .for_each(|(out, pixel)| *out = *pixel);
            } else {
                out.iter_mut()
                    .zip(down)
                    .for_each(|(out, pixel)| *out = *pixel);
            }
        }
    }
}

/// The same without a second picture: strips of columns are first put one below the other, then each
/// is turned by itself, where it stays.
fn lay_over_in_place(rgb: &mut [u8], (width, height): (usize, usize), strip: usize, turn: Turn) {
    gather_strips(
        rgb,
        (width / strip, height),
        strip * CHANNELS,
        turn.top_bottom,
    );
    let mut turned = vec![0; height * strip * CHANNELS];
    for part in rgb.chunks_exact_mut(turned.len()) {
        lay_over(part, &mut turned, (strip, height), turn);
        part.copy_from_slice(&turned);
    }
}

/// Pieces of `bytes` lie in `rows` rows of `across`; they are put into `across` rows of `rows`, the
/// last strip first if that is asked for. Each piece moves once, along the cycles of that change.
fn gather_strips(rgb: &mut [u8], (across, rows): (usize, usize), bytes: usize, last_first: bool) {
    let target = |at: usize| {
        let strip = at % across;
        let strip = if last_first {
            across - 1 - strip
        } else {
            strip
        };
        strip * rows + at / across
    };
    let mut moved = vec![0_u64; (across * rows).div_ceil(64)];
    let mut carried = vec![0; bytes];
    for start in 0..across * rows {
        let mut at = start;
        if moved[at / 64] >> (at % 64) & 1 == 1 {
            continue;
        }
        carried.copy_from_slice(&rgb[at * bytes..][..bytes]);
        loop {
            at = target(at);
            carried.swap_with_slice(&mut rgb[at * bytes..][..bytes]);
            moved[at / 64] |= 1 << (at % 64);
            if at == start {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdq::{fingerprint, fingerprint_turned};
    use image::{DynamicImage, RgbImage};
    use proptest::prelude::*;

    // A picture whose width is a prime has no strips but single columns: slow, and as right.
    #[test]
    fn turning_in_place_is_turning() {
        for (width, height) in [(13_usize, 7_usize), (12, 9), (128, 3), (1, 4), (5, 1)] {
            let rgb: Vec<u8> = (0..width * height * 3).map(|at| (at % 251) as u8).collect();
            for turn in (5..=8).filter_map(Orientation::from_exif).map(Turn::of) {
                let mut beside = vec![0; rgb.len()];
                lay_over(&rgb, &mut beside, (width, height), turn);
                for strip in (1..=width).filter(|strip| width.is_multiple_of(*strip)) {
                    let mut in_place = rgb.clone();
                    lay_over_in_place(&mut in_place, (width, height), strip, turn);
                    assert_eq!(in_place, beside, "{width} x {height} by {strip}");
                }
            }
        }
    }

    // PIP-2: the eight turns are those of the image library, which are those of EXIF.
    #[test]
    fn every_orientation_turns_like_the_reference() {
        // By strips, by pixels, in two pictures; wider than high and higher than wide.
        for (width, height) in [
            (3_u32, 2_u32),
            (70, 33),
            (1, 5),
            (96, 50),
            (48, 131),
            (256, 64),
        ] {
            let rgb: Vec<u8> = (0..width * height * 3)
                .map(|byte| (byte % 251) as u8)
                .collect();
            for orientation in (1..=8).filter_map(Orientation::from_exif) {
                let buffer = RgbImage::from_raw(width, height, rgb.clone()).unwrap();
                let mut reference = DynamicImage::from(buffer);
                reference.apply_orientation(orientation);
                let picture = Picture::from_rgb(width, height, rgb.clone()).unwrap();
                let turned = picture.turned(Turn::of(orientation));
                assert_eq!(turned.size(), (reference.width(), reference.height()));
                assert_eq!(turned.rgb(), reference.as_bytes(), "{orientation:?}");
            }
        }
    }

    /// Waves with grain, and bars of `bars` pixels above, below and at both sides.
    fn picture((width, height): (u32, u32), seed: u32, [high, wide]: [u32; 2]) -> Picture {
        let mut rgb = Vec::new();
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let inside = (high..height - high).contains(&y) && (wide..width - wide).contains(&x);
            let grain =
                (x.wrapping_mul(2_654_435_761) ^ (y + seed).wrapping_mul(2_246_822_519)) >> 26;
            let busy =
                [x * 7 + y * 3, x * 5 + seed, y * 11 + x].map(|v| 60 + ((v + grain) % 180) as u8);
            rgb.extend(if inside { busy } else { [4, 4, 4] });
        }
        Picture::from_rgb(width, height, rgb).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        // PIP-2, PIP-3
        #[test]
        fn the_hash_of_a_picture_that_lies_is_that_of_the_turned_one(
            size in (5_u32..260, 5_u32..260),
            seed in 0_u32..1_000,
            bars in [0_u32..4, 0_u32..4],
        ) {
            let picture = picture(size, seed, [bars[0] * size.1 / 16, bars[1] * size.0 / 16]);
            for orientation in (1..=8).filter_map(Orientation::from_exif) {
                let turn = Turn::of(orientation);
                let lying = fingerprint_turned(&picture, turn);
                let upright = fingerprint(&picture.clone().turned(turn));
                prop_assert_eq!(lying, upright, "{:?}", orientation);
            }
        }
    }
}
