//! The port through which the other rooms have a picture turned into a vector (PIP-3, PIP-5).
//!
//! It stands here because both the API (her uploads) and the workers (pictures of before) need it and neither may know
//! the other. Whether a file of the operator's or a service of the operator's makes the vectors is the program's business.

use std::fmt;

use async_trait::async_trait;

use crate::Picture;
use crate::clip::DIMENSIONS;

/// Turns pictures into vectors.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync {
    /// The space its vectors belong to: which model in which version, and how a picture is prepared for it. Vectors of
    /// two spaces are never compared (PIP-5).
    fn model(&self) -> &str;

    /// Whether it worked, or said that it could, when it was last asked.
    fn is_available(&self) -> bool;

    /// The vector of a picture: 512 numbers of length 1. The work is done away from the caller's threads.
    ///
    /// `seen` may be a picture that needs no reducing (PIP-2) or the square that [`crate::Taken::picture_for_vector`] keeps of it.
    ///
    /// # Errors
    /// [`NotEmbedded`]; there is no stand-in for a vector (GEN-4).
    async fn embed(&self, seen: Picture) -> Result<Vec<f32>, NotEmbedded>;
}

/// Why there is no vector. The texts hold classes of faults, never an address or a part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEmbedded {
    /// Asking again later may do.
    #[error("no vector yet: {0}")]
    TryAgain(String),
    /// The answer would be the same.
    #[error("no vector: {0}")]
    GiveUp(String),
}

/// Why numbers are no vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVector {
    /// There are not 512 of them (VEC-1).
    #[error("{0} numbers, 512 are needed")]
    Length(usize),
    /// All are zero, or some are no numbers (VEC-2 knows no such vector).
    #[error("the numbers have no direction")]
    NoDirection,
}

/// The same direction with length 1, so that the dot product of two is VEC-2's cosine.
///
/// # Errors
/// [`NoVector`].
pub fn unit_length(mut numbers: Vec<f32>) -> Result<Vec<f32>, NoVector> {
    if numbers.len() != DIMENSIONS {
        return Err(NoVector::Length(numbers.len()));
    }
    let square: f64 = numbers
        .iter()
        .map(|number| f64::from(*number).powi(2))
        .sum();
    let length = square.sqrt();
    if !length.is_normal() {
        return Err(NoVector::NoDirection);
    }
    for number in &mut numbers {
        *number = (f64::from(*number) / length) as f32;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(first: f32, second: f32) -> Vec<f32> {
        let mut numbers = vec![0.0; DIMENSIONS];
        (numbers[0], numbers[511]) = (first, second);
        numbers
    }

    // VEC-2
    #[test]
    fn a_vector_without_direction_is_no_vector() {
        for (first, second) in [(0.0, 0.0), (f32::NAN, 1.0), (f32::INFINITY, 1.0)] {
            let refused = unit_length(numbers(first, second));
            assert_eq!(refused, Err(NoVector::NoDirection), "{first} {second}");
        }
        assert_eq!(unit_length(numbers(3.0, 4.0)), Ok(numbers(0.6, 0.8)));
        assert_eq!(unit_length(numbers(0.0, -1e-30)), Ok(numbers(0.0, -1.0)));
    }

    // VEC-1: 512 numbers or error
    #[test]
    fn another_number_of_numbers_is_no_vector() {
        for length in [0, 1, 511, 513] {
            let refused = unit_length(vec![1.0; length]);
            assert_eq!(refused, Err(NoVector::Length(length)));
        }
    }
}
