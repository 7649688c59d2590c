//! Which of the faces that a detector saw is hers, if any (PIP-4).

use crate::Share;

/// Least confidence at which a face counts.
const CONFIDENCE_MIN: Share = Share::percent(50);

/// Least share of the picture's shorter side that the shorter side of a face's box takes, in percent.
const SIDE_PERCENT_MIN: u64 = 5;

/// A face as a detector reports it, in pixels of the picture it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceSeen {
    /// How sure the detector is.
    pub confidence: Share,
    /// Width of its box.
    pub width: u32,
    /// Height of its box.
    pub height: u32,
}

/// The place among `faces` of the one whose vector is kept: the one seen with most confidence, of equal ones the larger,
/// of equal ones the first. None where even that one is seen with less than 0.50 or is smaller than 5 % of the picture.
///
/// Only this one is looked at: a face in the crowd behind her is not taken because hers was seen badly.
#[must_use]
pub fn her_face(picture: (u32, u32), faces: &[FaceSeen]) -> Option<usize> {
    let area = |face: &FaceSeen| u64::from(face.width) * u64::from(face.height);
    let rank = |(place, face): &(usize, &FaceSeen)| {
        (face.confidence, area(face), std::cmp::Reverse(*place))
    };
    let (place, face) = faces.iter().enumerate().max_by_key(rank)?;
    let side = u64::from(face.width.min(face.height));
    let picture_side = u64::from(picture.0.min(picture.1));
    let large = side > 0 && side * 100 >= picture_side * SIDE_PERCENT_MIN;
    (face.confidence >= CONFIDENCE_MIN && large).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: (u32, u32) = (1_000, 600);

    fn face(hundredths: u16, width: u32, height: u32) -> FaceSeen {
        FaceSeen {
            confidence: Share::percent(hundredths),
            width,
            height,
        }
    }

    #[test]
    fn a_picture_without_faces_has_none() {
        assert_eq!(her_face(PICTURE, &[]), None);
    }

    #[test]
    fn the_whole_picture_with_confidence_zero_is_no_face() {
        // PIP-4: what a detector answers that found none
        assert_eq!(her_face(PICTURE, &[face(0, 1_000, 600)]), None);
    }

    #[test]
    fn half_confidence_is_enough_and_less_is_not() {
        // PIP-4
        assert_eq!(her_face(PICTURE, &[face(50, 100, 100)]), Some(0));
        let below = Share::try_from(4_999).unwrap();
        let almost = FaceSeen {
            confidence: below,
            ..face(0, 100, 100)
        };
        assert_eq!(her_face(PICTURE, &[almost]), None);
    }

    #[test]
    fn five_hundredths_of_the_shorter_side_are_enough_and_less_is_not() {
        // PIP-4: 5 % of 600 are 30, by the shorter side of the box
        for (width, height, is_hers) in [
            (30, 30, true),
            (30, 400, true),
            (29, 400, false),
            (400, 29, false),
            (0, 0, false),
        ] {
            let found = her_face(PICTURE, &[face(99, width, height)]);
            assert_eq!(found.is_some(), is_hers, "{width} x {height}");
        }
        assert_eq!(her_face((0, 0), &[face(99, 0, 0)]), None);
        let largest = u32::MAX;
        let whole = [face(99, largest, largest)];
        assert_eq!(her_face((largest, largest), &whole), Some(0));
    }

    #[test]
    fn the_face_seen_with_most_confidence_decides_alone() {
        // PIP-4
        let faces = [face(60, 300, 300), face(90, 50, 50), face(70, 400, 400)];
        assert_eq!(her_face(PICTURE, &faces), Some(1));
        let too_small = [face(60, 300, 300), face(90, 10, 10)];
        assert_eq!(her_face(PICTURE, &too_small), None);
    }

    #[test]
    fn of_equally_certain_faces_the_larger_is_hers_then_the_first() {
        let faces = [face(80, 50, 50), face(80, 60, 60), face(80, 60, 60)];
        assert_eq!(her_face(PICTURE, &faces), Some(1));
    }
}
