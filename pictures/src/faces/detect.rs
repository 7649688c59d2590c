//! Where the faces are: a detector of YuNet's form (OpenCV Zoo, `face_detection_yunet`), its answers decoded as OpenCV's
//! `face_detect.cpp` does.

use rten::{NodeId, Value};
use rten_tensor::NdTensor;

use super::align::Place;
use super::{FaceFault, Graph};
use crate::picture::CHANNELS;
use crate::{Picture, resize};

/// Pixels along each side of what the detector looks at. Of its published files the older one is fixed to this, and the newer
/// one takes it; it finds faces of 10 to 300 pixels.
const SIDE: usize = 640;

/// Pixels between the places that the detector answers for, in three sizes of faces.
const STRIDES: [usize; 3] = [8, 16, 32];

/// Its answers: for each stride class, object, box and landmarks, and how many numbers each has for a place.
const HEADS: [(&str, usize); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];

/// Least score of a face that is handed on; PIP-4 asks no less of hers.
const SCORE_MIN: f32 = 0.5;

/// Share of two boxes that they have in common, over which the less sure one is the same face (OpenCV's default).
const OVERLAP_MAX: f32 = 0.3;

/// Most faces of one picture.
const FACES_MAX: usize = 64;

/// A face that was found, in pixels of the picture it was looked for in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Left upper corner of its box; may lie outside of the picture.
    pub corner: (f32, f32),
    /// Width and height of its box.
    pub size: (f32, f32),
    /// Right eye, left eye, nose, right and left corner of the mouth, as the person has them.
    pub landmarks: [(f32, f32); 5],
}

/// A loaded detector.
pub(super) struct Detector {
    graph: Graph,
    input: NodeId,
    outputs: [NodeId; 12],
}

impl Detector {
    /// # Errors
    /// Those of [`super::load`].
    pub fn of(graph: Graph) -> Result<Self, FaceFault> {
        let missing = |name: &str| FaceFault::Rejected(format!("the detector has no {name}"));
        let input = graph.graph.input_ids().first().copied();
        let input = input.ok_or_else(|| missing("input"))?;
        let mut outputs = [input; 12];
        for (head, (name, _)) in HEADS.iter().enumerate() {
            for (level, stride) in STRIDES.iter().enumerate() {
                let name = format!("{name}_{stride}");
                let node = graph.graph.find_node(&name);
                outputs[head * STRIDES.len() + level] = node.ok_or_else(|| missing(&name))?;
            }
        }
        let detector = Self {
            graph,
            input,
            outputs,
        };
        detector.run(vec![0.0; CHANNELS * SIDE * SIDE])?;
        Ok(detector)
    }

    /// The faces of a picture, the surest first.
    pub fn detect(&self, picture: &Picture) -> Result<Vec<Found>, FaceFault> {
        let (width, height) = picture.size();
        let scale = (SIDE as f32 / width.max(height) as f32).min(1.0);
        let scaled = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let size = (scaled(width), scaled(height));
        let seen = resize::to_size(picture, size)
            .ok_or_else(|| FaceFault::Failed("the picture could not be resized".to_owned()))?;
        let heads = self.run(planes(&seen))?;
        let back = (width as f32 / size.0 as f32, height as f32 / size.1 as f32);
        Ok(distinct(decoded(&heads))
            .into_iter()
            .map(|found| found.scaled(back))
            .collect())
    }

    /// The numbers of each head at each stride.
    fn run(&self, planes: Vec<f32>) -> Result<Vec<Vec<f32>>, FaceFault> {
        let input = NdTensor::from_data([1, CHANNELS, SIDE, SIDE], planes);
        let answers = self.graph.run(self.input, input, self.outputs)?;
        let numbers = |(at, answer): (usize, Value)| {
            let (name, each) = HEADS[at / STRIDES.len()];
            let stride = STRIDES[at % STRIDES.len()];
            let places = (SIDE / stride) * (SIDE / stride);
            match answer.into_shape_vec::<f32, 3>() {
                Ok(([1, rows, columns], numbers)) if (rows, columns) == (places, each) => {
                    Ok(numbers)
                }
                _ => Err(FaceFault::WrongShape {
                    model: "the detector",
                    needed: format!("[1, {places}, {each}] for {name}_{stride}"),
                }),
            }
        };
        answers.into_iter().enumerate().map(numbers).collect()
    }
}

/// Blue, green and red as they are, in the upper left; the rest is black.
fn planes(seen: &Picture) -> Vec<f32> {
    let mut planes = vec![0.0; CHANNELS * SIDE * SIDE];
    let width = seen.width() as usize;
    for (at, pixel) in seen.rgb().chunks_exact(CHANNELS).enumerate() {
        let (x, y) = (at % width, at / width);
        for (channel, value) in pixel.iter().rev().enumerate() {
            planes[(channel * SIDE + y) * SIDE + x] = f32::from(*value);
        }
    }
    planes
}

fn decoded(heads: &[Vec<f32>]) -> Vec<Found> {
    let mut found = Vec::new();
    for (level, stride) in STRIDES.iter().enumerate() {
        let head = |head: usize| &heads[head * STRIDES.len() + level];
        let (classes, objects, boxes, landmarks) = (head(0), head(1), head(2), head(3));
        let columns = SIDE / stride;
        let stride = *stride as f32;
        for (at, (class, object)) in classes.iter().zip(objects).enumerate() {
            let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            if score.is_nan() || score < SCORE_MIN {
                continue;
            }
            let (column, row) = ((at % columns) as f32, (at / columns) as f32);
            let b = &boxes[at * 4..at * 4 + 4];
            let size = (b[2].exp() * stride, b[3].exp() * stride);
            let centre = ((column + b[0]) * stride, (row + b[1]) * stride);
            let marks = &landmarks[at * 10..at * 10 + 10];
            let place = |n: usize| -> Place {
                (
                    (marks[2 * n] + column) * stride,
                    (marks[2 * n + 1] + row) * stride,
                )
            };
            let face = Found {
                score,
                corner: (centre.0 - size.0 / 2.0, centre.1 - size.1 / 2.0),
                size,
                landmarks: std::array::from_fn(place),
            };
            found.extend(face.is_finite().then_some(face));
        }
    }
    found
}

/// Each face once: of boxes that overlap much the surest.
fn distinct(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Found> = Vec::new();
    for face in found {
        if kept.len() < FACES_MAX
            && kept
                .iter()
                .all(|other| overlap(&face, other) <= OVERLAP_MAX)
        {
            kept.push(face);
        }
    }
    kept
}

/// What two boxes have in common, as a share of what they cover together.
fn overlap(one: &Found, other: &Found) -> f32 {
    let shared = |at: fn(&Found) -> f32, side: fn(&Found) -> f32| {
        let end = (at(one) + side(one)).min(at(other) + side(other));
        (end - at(one).max(at(other))).max(0.0)
    };
    let common = shared(|f| f.corner.0, |f| f.size.0) * shared(|f| f.corner.1, |f| f.size.1);
    let area = |face: &Found| face.size.0 * face.size.1;
    let together = area(one) + area(other) - common;
    if together > 0.0 {
        common / together
    } else {
        1.0
    }
}

impl Found {
    fn is_finite(&self) -> bool {
        let numbers = [self.corner.0, self.corner.1, self.size.0, self.size.1];
        let marks = self.landmarks.iter().flat_map(|(x, y)| [*x, *y]);
        numbers.into_iter().chain(marks).all(f32::is_finite)
    }

    fn scaled(self, (x, y): (f32, f32)) -> Self {
        let scaled = |place: (f32, f32)| (place.0 * x, place.1 * y);
        Self {
            score: self.score,
            corner: scaled(self.corner),
            size: scaled(self.size),
            landmarks: self.landmarks.map(scaled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(score: f32, x: f32, side: f32) -> Found {
        Found {
            score,
            corner: (x, 0.0),
            size: (side, side),
            landmarks: [(0.0, 0.0); 5],
        }
    }

    #[test]
    fn of_boxes_on_one_face_the_surest_is_kept_and_neighbours_stay() {
        let kept = distinct(vec![
            face(0.7, 2.0, 10.0),
            face(0.9, 0.0, 10.0),
            face(0.6, 30.0, 10.0),
        ]);
        let kept: Vec<f32> = kept.iter().map(|face| face.score).collect();
        assert_eq!(kept, [0.9, 0.6]);
        // 10 x 10 beside each other with 4.7 in common: 47 of 153 is more than 0.3, 46 of 154 is less.
        assert_eq!(
            distinct(vec![face(0.9, 0.0, 10.0), face(0.8, 5.3, 10.0)]).len(),
            1
        );
        assert_eq!(
            distinct(vec![face(0.9, 0.0, 10.0), face(0.8, 5.4, 10.0)]).len(),
            2
        );
    }

    #[test]
    fn answers_that_are_no_numbers_are_no_faces() {
        let places = |stride: usize| (SIDE / stride) * (SIDE / stride);
        let heads = |class: f32, size: f32| -> Vec<Vec<f32>> {
            let numbers = [class, 1.0, size, 0.0];
            HEADS
                .iter()
                .zip(numbers)
                .flat_map(|((_, each), number)| {
                    STRIDES.map(|stride| vec![number; places(stride) * each])
                })
                .collect()
        };
        assert!(decoded(&heads(f32::NAN, 0.0)).is_empty());
        assert!(decoded(&heads(0.2, 0.0)).is_empty());
        assert!(decoded(&heads(1.0, f32::INFINITY)).is_empty());
        let every_place: usize = STRIDES.map(places).iter().sum();
        assert_eq!(decoded(&heads(1.0, 0.0)).len(), every_place);
    }
}
