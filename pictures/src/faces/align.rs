//! A face turned, scaled and moved so that its eyes, nose and mouth lie where the model was taught to expect them.

use crate::Picture;
use crate::picture::CHANNELS;

/// A place in a picture, in pixels.
pub(super) type Place = (f32, f32);

/// Where right eye, left eye, nose and the corners of the mouth lie in an aligned face of 112 pixels: the template of ArcFace
/// (InsightFace, `arcface_torch`), right and left as the person has them.
const TEMPLATE: [Place; 5] = [
    (38.294_6, 51.696_3),
    (73.531_8, 51.501_4),
    (56.025_2, 71.736_6),
    (41.549_3, 92.365_5),
    (70.729_9, 92.204_1),
];

/// The aligned face as planes of red, green and blue between -1 and 1, as ArcFace looks at it. Outside of the picture it is
/// black.
pub(super) fn aligned(picture: &Picture, landmarks: &[Place; 5], side: usize) -> Vec<f32> {
    let turn = Turn::between(&TEMPLATE, landmarks);
    let mut planes = vec![-1.0; CHANNELS * side * side];
    for y in 0..side {
        for x in 0..side {
            let place = turn.of((x as f32, y as f32));
            let pixel = sampled(picture, place);
            for (channel, value) in pixel.into_iter().enumerate() {
                planes[(channel * side + y) * side + x] = (value - 127.5) / 127.5;
            }
        }
    }
    planes
}

/// A turn with one scale and a shift: as complex numbers, `to = factor * from + shift`.
#[derive(Debug, Clone, Copy)]
struct Turn {
    factor: Place,
    shift: Place,
}

impl Turn {
    /// The one that moves `from` nearest to `to`, by least squares (Umeyama 1991, in the plane, where it has a closed form).
    /// Places that are all one are only shifted.
    fn between(from: &[Place; 5], to: &[Place; 5]) -> Self {
        let (from_middle, to_middle) = (middle(from), middle(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (f, t) in from.iter().zip(to) {
            let (fx, fy) = (f.0 - from_middle.0, f.1 - from_middle.1);
            let (tx, ty) = (t.0 - to_middle.0, t.1 - to_middle.1);
            along += fx * tx + fy * ty;
            across += fx * ty - fy * tx;
            spread += fx * fx + fy * fy;
        }
        let factor = if spread > 0.0 {
            (along / spread, across / spread)
        } else {
            (1.0, 0.0)
        };
        let moved = times(factor, from_middle);
        Self {
            factor,
            shift: (to_middle.0 - moved.0, to_middle.1 - moved.1),
        }
    }

    fn of(self, place: Place) -> Place {
        let moved = times(self.factor, place);
        (moved.0 + self.shift.0, moved.1 + self.shift.1)
    }
}

fn times(one: Place, other: Place) -> Place {
    (
        one.0 * other.0 - one.1 * other.1,
        one.0 * other.1 + one.1 * other.0,
    )
}

fn middle(places: &[Place; 5]) -> Place {
    let sum = places
        .iter()
        .fold((0.0, 0.0), |sum, place| (sum.0 + place.0, sum.1 + place.1));
    (sum.0 / 5.0, sum.1 / 5.0)
}

/// The colour between four pixels, each by its nearness; black outside.
fn sampled(picture: &Picture, (x, y): Place) -> [f32; CHANNELS] {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let mut colour = [0.0; CHANNELS];
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let share_x = if dx > 0.0 {
            right_share
        } else {
            1.0 - right_share
        };
        let share_y = if dy > 0.0 {
            bottom_share
        } else {
            1.0 - bottom_share
        };
        let Some(pixel) = pixel(picture, left + dx, top + dy) else {
            continue;
        };
        for (sum, value) in colour.iter_mut().zip(pixel) {
            *sum += f32::from(*value) * share_x * share_y;
        }
    }
    colour
}

fn pixel(picture: &Picture, x: f32, y: f32) -> Option<&[u8]> {
    let within = |at: f32, side: u32| (0.0..side as f32).contains(&at);
    if !within(x, picture.width()) || !within(y, picture.height()) {
        return None;
    }
    let at = (y as usize * picture.width() as usize + x as usize) * CHANNELS;
    picture.rgb().get(at..at + CHANNELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: Place, other: Place) -> bool {
        (one.0 - other.0).abs() < 0.01 && (one.1 - other.1).abs() < 0.01
    }

    #[test]
    fn a_turn_that_was_made_is_found_again() {
        let made = Turn {
            factor: (1.4, -0.9),
            shift: (210.0, -33.0),
        };
        let to = TEMPLATE.map(|place| made.of(place));
        let found = Turn::between(&TEMPLATE, &to);
        assert!(near(found.factor, made.factor), "{found:?}");
        assert!(near(found.shift, made.shift), "{found:?}");
    }

    #[test]
    fn places_that_are_all_one_give_a_turn_with_numbers_in_it() {
        let found = Turn::between(&TEMPLATE, &[(7.0, 9.0); 5]);
        assert!(found.factor.0.is_finite() && found.shift.0.is_finite());
        let found = Turn::between(&[(7.0, 9.0); 5], &TEMPLATE);
        assert!(near(found.of((7.0, 9.0)), middle(&TEMPLATE)));
    }

    #[test]
    fn a_face_that_lies_as_the_template_says_is_taken_as_it_is() {
        let shade = |n: u32| [n % 112, n / 112, 77].map(|value| value as u8);
        let picture =
            Picture::from_rgb(112, 112, (0..112 * 112).flat_map(shade).collect()).unwrap();
        let planes = aligned(&picture, &TEMPLATE, 112);
        for (x, y) in [(0, 0), (17, 40), (110, 110)] {
            let red = planes[y * 112 + x] * 127.5 + 127.5;
            let green = planes[(112 + y) * 112 + x] * 127.5 + 127.5;
            assert!(
                (red - x as f32).abs() < 0.5 && (green - y as f32).abs() < 0.5,
                "{x} {y} {red} {green}"
            );
        }
    }

    #[test]
    fn what_lies_outside_of_the_picture_is_black() {
        let picture = Picture::from_rgb(2, 2, vec![255; 12]).unwrap();
        for place in [
            (-5.0, 0.0),
            (0.0, 9.0),
            (f32::NAN, 0.0),
            (f32::INFINITY, 1.0),
        ] {
            assert_eq!(sampled(&picture, place), [0.0; 3], "{place:?}");
        }
        assert_eq!(sampled(&picture, (0.5, 0.5)), [255.0; 3]);
    }
}
