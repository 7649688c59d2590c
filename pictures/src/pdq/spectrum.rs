//! From 64 x 64 luminances to the hash: the sixteen lowest frequencies each way, each above or
//! below their median; and how much there was to see.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::Hash;
use super::shrink::{SIDE, Small};

/// Frequencies kept in each direction.
const WAVES: usize = 16;
type Spectrum = [[f32; WAVES]; WAVES];

/// The cosine transform, rows 1 to 16: the zeroth, the mean brightness, is left out.
static COSINES: LazyLock<[[f32; SIDE]; WAVES]> = LazyLock::new(|| {
    let scale = (2.0 / SIDE as f64).sqrt() as f32;
    std::array::from_fn(|wave| {
        std::array::from_fn(|at| {
            let angle = PI / 2.0 / SIDE as f64 * (wave + 1) as f64 * (2 * at + 1) as f64;
            (f64::from(scale) * angle.cos()) as f32
        })
    })
});

/// The hashes of the eight turns, as it stands first.
pub(super) fn hashes(small: &Small) -> [Hash; 8] {
    let spectrum = transform(small);
    TURNS.map(|turn| bits(&turn.of(&spectrum)))
}

/// How much there is to recognise, 0 to 100: the sum of steep steps between neighbours, each cut to
/// a whole percent so that many faint ones do not add up.
pub(super) fn quality(small: &Small) -> u8 {
    let step = |one: f32, other: f32| (((one - other) * 100.0 / 255.0) as i32).unsigned_abs();
    let mut steps = 0;
    for (row, below) in small.iter().zip(&small[1..]) {
        steps += row
            .iter()
            .zip(below)
            .map(|(a, b)| step(*a, *b))
            .sum::<u32>();
    }
    for row in small {
        steps += row
            .windows(2)
            .map(|pair| step(pair[0], pair[1]))
            .sum::<u32>();
    }
    (steps / 90).min(100) as u8
}

/// Cosines times picture times cosines turned; sums in the order of Meta's code.
fn transform(small: &Small) -> Spectrum {
    let mut spectrum = [[0.0; WAVES]; WAVES];
    for (wave, out) in COSINES.iter().zip(&mut spectrum) {
        let mut columns = [0.0; SIDE];
        for (cosine, row) in wave.iter().zip(small) {
            for (sum, value) in columns.iter_mut().zip(row) {
                *sum += cosine * value;
            }
        }
        for (across, out) in COSINES.iter().zip(out) {
            *out = columns
                .iter()
                .zip(across)
                .fold(0.0, |sum, (value, cosine)| sum + value * cosine);
        }
    }
    spectrum
}

/// One bit a coefficient: above the median or not. The median is the 128th smallest of the 256,
/// which is what Torben's method of the original finds as well.
fn bits(spectrum: &Spectrum) -> Hash {
    let coefficients = spectrum.as_flattened();
    let mut sorted = coefficients.to_vec();
    let (_, &mut median, _) = sorted.select_nth_unstable_by(WAVES * WAVES / 2 - 1, f32::total_cmp);
    let mut hash = Hash::empty();
    for (at, _) in coefficients
        .iter()
        .enumerate()
        .filter(|(_, value)| **value > median)
    {
        hash.set(at);
    }
    hash
}

/// Turning a picture changes the signs of its odd or even waves, and a quarter turn swaps the axes.
#[derive(Clone, Copy)]
struct Turn {
    swaps: bool,
    flips_rows: bool,
    flips_columns: bool,
}

const TURNS: [Turn; 8] = [
    Turn::new(false, false, false),
    Turn::new(true, false, true),
    Turn::new(false, true, true),
    Turn::new(true, true, false),
    Turn::new(false, true, false),
    Turn::new(false, false, true),
    Turn::new(true, false, false),
    Turn::new(true, true, true),
];

impl Turn {
    const fn new(swaps: bool, flips_rows: bool, flips_columns: bool) -> Self {
        Self {
            swaps,
            flips_rows,
            flips_columns,
        }
    }

    /// A flip negates the odd waves along its axis; those are stored at even places, as the first
    /// place holds wave 1.
    fn of(self, spectrum: &Spectrum) -> Spectrum {
        let mut turned = [[0.0; WAVES]; WAVES];
        for (i, row) in spectrum.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let flipped = (self.flips_rows && i % 2 == 0) ^ (self.flips_columns && j % 2 == 0);
                let (to_row, to_column) = if self.swaps { (j, i) } else { (i, j) };
                turned[to_row][to_column] = if flipped { -value } else { *value };
            }
        }
        turned
    }
}
