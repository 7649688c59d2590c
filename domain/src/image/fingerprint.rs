//! What a picture looks like, as numbers: a PDQ hash and a model's vector.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Length of a vector (PIP-3).
const DIMENSIONS: usize = 512;

/// PDQ hash of the upright picture at full size, with its quality (HSH-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprint {
    /// 256 bits as 64 lower-case hex digits.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub pdq: String,
    /// 0 to 100; a hash below 50 is never compared.
    #[schemars(range(max = 100))]
    pub quality: u8,
}

impl Fingerprint {
    /// Least quality at which two hashes may be compared (HSH-1).
    pub const QUALITY_MIN: u8 = 50;
    /// Most differing bits of a near copy (HSH-1).
    pub const DISTANCE_BITS_MAX: u16 = 31;

    /// Whether the hash says enough to be compared at all.
    #[must_use]
    pub const fn is_comparable(&self) -> bool {
        self.quality >= Self::QUALITY_MIN
    }
}

/// A vector of 512 numbers, kept as text so that an event holds no floats: hex of little-endian f32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[0-9a-f]*$", "minLength" = 4096, "maxLength" = 4096))]
pub struct Vector(String);

/// A text that is no vector of 512 finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a vector of 512 numbers")]
pub struct NotAFingerprint;

impl Vector {
    /// From 512 finite numbers.
    ///
    /// # Errors
    /// [`NotAFingerprint`] for another length, or where a number is not finite.
    pub fn try_new(numbers: &[f32]) -> Result<Self, NotAFingerprint> {
        if numbers.len() != DIMENSIONS || numbers.iter().any(|n| !n.is_finite()) {
            return Err(NotAFingerprint);
        }
        let bytes = numbers.iter().flat_map(|n| n.to_le_bytes());
        Ok(Self(bytes.map(|b| format!("{b:02x}")).collect()))
    }

    /// The 512 numbers.
    ///
    /// # Errors
    /// [`NotAFingerprint`] where the text was not made by [`Vector::try_new`].
    pub fn numbers(&self) -> Result<Vec<f32>, NotAFingerprint> {
        // Digit by digit: the number parser below would take a sign as well.
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if self.0.len() != DIMENSIONS * 8 || !self.0.bytes().all(is_digit) {
            return Err(NotAFingerprint);
        }
        (0..DIMENSIONS)
            .map(|i| u32::from_str_radix(&self.0[i * 8..i * 8 + 8], 16))
            .map(|word| {
                word.map(|w| f32::from_bits(w.swap_bytes()))
                    .ok()
                    .filter(|number| number.is_finite())
                    .ok_or(NotAFingerprint)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_vector_comes_back_bit_for_bit(numbers in prop::collection::vec(-1f32..1f32, DIMENSIONS)) {
            prop_assert_eq!(Vector::try_new(&numbers).unwrap().numbers().unwrap(), numbers);
        }
    }

    #[test]
    fn a_vector_of_another_length_is_refused() {
        assert_eq!(Vector::try_new(&[0.5; 511]), Err(NotAFingerprint));
        assert_eq!(Vector::try_new(&[f32::NAN; 512]), Err(NotAFingerprint));
        assert_eq!(Vector("00".to_owned()).numbers(), Err(NotAFingerprint));
    }

    #[test]
    fn a_vector_that_holds_a_number_without_end_is_refused() {
        for endless in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut numbers = [0.5; DIMENSIONS];
            numbers[511] = endless;
            assert_eq!(Vector::try_new(&numbers), Err(NotAFingerprint));
        }
    }

    #[test]
    fn a_text_that_no_vector_was_written_as_does_not_read() {
        // VEC-1: 512 numbers or error
        let zeros = "0".repeat(DIMENSIONS * 8);
        assert!(Vector(zeros.clone()).numbers().is_ok());
        let infinity = format!("0000807f{}", &zeros[8..]);
        let not_a_number = format!("{}0000c07f", &zeros[8..]);
        let sign = format!("+{}", &zeros[1..]);
        let blank = format!(" {}", &zeros[1..]);
        let capital = format!("A{}", &zeros[1..]);
        let two_bytes = format!("é{}", &zeros[2..]);
        let longer = format!("{zeros}00000000");
        for wrong in [
            infinity,
            not_a_number,
            sign,
            blank,
            capital,
            two_bytes,
            longer,
        ] {
            let start = wrong.chars().take(8).collect::<String>();
            assert_eq!(Vector(wrong).numbers(), Err(NotAFingerprint), "{start}");
        }
    }

    #[test]
    fn a_hash_of_low_quality_is_never_compared() {
        // HSH-1: 50 is enough, 49 is not
        let hash = |quality| Fingerprint {
            pdq: "9d".repeat(32),
            quality,
        };
        for (quality, comparable) in [(0, false), (49, false), (50, true), (100, true)] {
            assert_eq!(hash(quality).is_comparable(), comparable, "{quality}");
        }
    }
}
