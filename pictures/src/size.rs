//! Sizes: what may come in (LIM-1, LIM-4) and how large the derived copies are (PIP-2).

use crate::Unfit;

/// The most bytes a file may have: 10 MiB (LIM-1).
pub const BYTES_MAX: usize = 10_485_760;

/// The fewest pixels along either side (LIM-4).
pub const SIDE_MIN: u32 = 32;

/// The most pixels, width times height (LIM-4): a guard against decompression bombs.
pub const PIXELS_MAX: u64 = 50_000_000;

/// The working copy is enlarged until its shorter side has this many pixels (PIP-2).
const WORKING_SHORT_MIN: u32 = 480;

/// The working copy is reduced until its longer side has this many pixels (PIP-2).
const WORKING_LONG_MAX: u32 = 2_048;

/// A side of a JPEG is written in 16 bits.
const JPEG_SIDE_MAX: u32 = 65_535;

/// LIM-4, asked of the sizes a header claims, before anything is allocated for the pixels.
pub(crate) fn check((width, height): (u32, u32)) -> Result<(), Unfit> {
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(Unfit::TooManyPixels { width, height });
    }
    if width.min(height) < SIDE_MIN {
        return Err(Unfit::TooSmall { width, height });
    }
    Ok(())
}

/// The size of the working copy of an upright picture (PIP-2).
///
/// A shorter side below 480 grows to 480; else a longer side above 2048 shrinks to 2048, unless the
/// shorter one would fall below 480. Beyond the rule: no side exceeds 65,535 pixels, the most a
/// JPEG can say. So a strip of 32 x 1,500,000 is not blown up to eleven thousand million pixels.
pub fn working_copy_size(width: u32, height: u32) -> (u32, u32) {
    let (short, long) = (width.min(height).max(1), width.max(height));
    let wanted = if short < WORKING_SHORT_MIN {
        Scale::new(WORKING_SHORT_MIN, short)
    } else if long > WORKING_LONG_MAX
        && Scale::new(WORKING_LONG_MAX, long).of(short) >= WORKING_SHORT_MIN
    {
        Scale::new(WORKING_LONG_MAX, long)
    } else {
        Scale::new(1, 1)
    };
    let possible = if wanted.of(long) > JPEG_SIDE_MAX {
        Scale::new(JPEG_SIDE_MAX, long)
    } else {
        wanted
    };
    (possible.of(width), possible.of(height))
}

/// The size that fits a square of `side_max` pixels; a smaller picture keeps its size.
pub(crate) fn within(side_max: u32, (width, height): (u32, u32)) -> (u32, u32) {
    let long = width.max(height);
    if long <= side_max {
        return (width, height);
    }
    let scale = Scale::new(side_max, long);
    (scale.of(width), scale.of(height))
}

/// A ratio of whole numbers, so that rounding does not hang on floating point.
#[derive(Clone, Copy)]
struct Scale {
    to: u32,
    from: u32,
}

impl Scale {
    const fn new(to: u32, from: u32) -> Self {
        Self { to, from }
    }

    /// Rounded to the nearest pixel, never to none.
    fn of(self, side: u32) -> u32 {
        let (to, from) = (u64::from(self.to), u64::from(self.from));
        let scaled = (u64::from(side) * to * 2 + from) / (from * 2);
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // PIP-2, the golden cases of the rule
    #[test]
    fn the_working_copy_has_the_golden_sizes() {
        for ((width, height), expected) in [
            ((200, 200), (480, 480)),
            ((100, 400), (480, 1_920)),
            ((4_000, 3_000), (2_048, 1_536)),
            ((10_000, 500), (10_000, 500)),
            ((480, 480), (480, 480)),
            ((2_048, 2_048), (2_048, 2_048)),
        ] {
            assert_eq!(working_copy_size(width, height), expected);
            assert_eq!(working_copy_size(height, width), (expected.1, expected.0));
        }
    }

    // PIP-2 together with LIM-4
    #[test]
    fn no_picture_that_may_come_in_makes_a_working_copy_beyond_a_jpeg() {
        for (width, height) in [(32, 1_562_500), (600, 83_333), (32, 65_535), (32, 20_000)] {
            let (across, down) = working_copy_size(width, height);
            assert!(across >= 1 && down <= JPEG_SIDE_MAX, "{across} x {down}");
            assert!(u64::from(across) * u64::from(down) <= PIXELS_MAX);
        }
    }

    // LIM-4
    #[test]
    fn the_limits_of_size_are_inclusive() {
        assert_eq!(check((32, 32)), Ok(()));
        assert_eq!(check((10_000, 5_000)), Ok(()));
        assert_eq!(
            check((31, 32)),
            Err(Unfit::TooSmall {
                width: 31,
                height: 32
            })
        );
        let beyond = Unfit::TooManyPixels {
            width: 10_000,
            height: 5_001,
        };
        assert_eq!(check((10_000, 5_001)), Err(beyond));
        assert!(check((u32::MAX, u32::MAX)).is_err());
    }

    #[test]
    fn a_copy_within_a_side_is_never_enlarged() {
        assert_eq!(within(320, (4_000, 3_000)), (320, 240));
        assert_eq!(within(320, (64, 43)), (64, 43));
        assert_eq!(within(320, (65_000, 32)), (320, 1));
    }
}
