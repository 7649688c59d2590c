//! Vectors: bit for bit, or not at all (PIP-5, VEC-1).

use domain::image::{NotAFingerprint, Vector};
use proptest::prelude::*;

const LENGTH: usize = 512;

fn numbers() -> impl Strategy<Value = Vec<f32>> {
    use prop::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop::collection::vec(NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE, LENGTH)
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|n| n.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_finite_number_comes_back_to_the_bit(numbers in numbers()) {
        // Zero with a sign, and the smallest numbers, too
        let json = serde_json::to_string(&Vector::try_new(&numbers).unwrap()).unwrap();
        let back: Vector = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(bits(&back.numbers().unwrap()), bits(&numbers));
    }

    #[test]
    fn two_vectors_are_equal_exactly_when_their_bits_are(a in numbers(), at in 0..LENGTH) {
        let mut b = a.clone();
        prop_assert_eq!(Vector::try_new(&a), Vector::try_new(&b));
        b[at] = f32::from_bits(b[at].to_bits() ^ 1);
        prop_assume!(b[at].is_finite());
        prop_assert_ne!(Vector::try_new(&a), Vector::try_new(&b));
    }

    #[test]
    fn any_other_length_is_refused(length in 0usize..1_100) {
        prop_assert_eq!(Vector::try_new(&vec![0.5; length]).is_ok(), length == LENGTH);
    }

    #[test]
    fn one_wrong_digit_spoils_the_whole_text(at in 0..LENGTH * 8, wrong in "[g-zG-Z+ .-]") {
        let mut text = "0".repeat(LENGTH * 8);
        text.replace_range(at..=at, &wrong);
        let vector: Vector = serde_json::from_value(text.into()).unwrap();
        prop_assert_eq!(vector.numbers(), Err(NotAFingerprint));
    }

    #[test]
    fn no_text_breaks_the_reading(text in any::<String>()) {
        let vector: Vector = serde_json::from_value(text.into()).unwrap();
        prop_assert_eq!(vector.numbers(), Err(NotAFingerprint));
    }
}
