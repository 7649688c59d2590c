//! The image vector of a CLIP model that the operator supplies as an ONNX file (PIP-3, PIP-5).
//!
//! A vector says that two pictures look alike. It does not say that two faces belong to one person,
//! and CLIP's makers rule that use out. There is no stand-in: without a model there is no vector.

mod reading;
mod threads;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use rten::{NodeId, Value, ValueOrView};
use rten_tensor::NdTensor;

use crate::embedder::{NoVector, unit_length};
use crate::picture::CHANNELS;
use crate::{Picture, resize};

/// Numbers in a vector.
pub const DIMENSIONS: usize = 512;

/// Pixels along each side of what the model looks at.
pub(crate) const SIDE: u32 = 224;

/// Numbers that the model looks at for one picture.
const NUMBERS_SEEN: usize = CHANNELS * (SIDE * SIDE) as usize;

/// Version of the way from a picture to the model's input: reduced as PIP-2 says but never enlarged, centre square of the
/// shorter side, bicubic, then [`MEAN`] and [`DEVIATION`]. A change here is a change of the vector space; `p1` took large
/// pictures as they were.
const PREPARATION: &str = "p2";

/// Mean and standard deviation of red, green and blue, from CLIP's published processor settings.
const MEAN: [f32; CHANNELS] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const DEVIATION: [f32; CHANNELS] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Most pictures that one run of a model looks at: from eight on a picture costs no less (rten 0.27 with ViT-B/32: 54 ms
/// each by eight, 85 ms alone, on one thread).
const AT_ONCE_MAX: usize = 8;

/// Names that exports of CLIP give to its input and output; others are accepted by their position.
const INPUT: &str = "pixel_values";
const OUTPUT: &str = "image_embeds";

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum ClipFault {
    /// The file cannot be read.
    #[error("the model file cannot be read: {0}")]
    Unopened(#[from] std::io::Error),
    /// The file is no ONNX model, or uses an operator that is not known here.
    #[error("the file is not a usable ONNX model: {0}")]
    Rejected(String),
    /// The model does not turn one picture of 224 x 224 into 512 numbers.
    #[error("the model gives an output of shape {0:?}, [1, 512] is needed")]
    WrongShape(Vec<usize>),
    /// The model failed while it ran.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The model's answer has no direction: all zero, or not numbers (VEC-2 knows no such vector).
    #[error("the model gave no usable vector: {0}")]
    NoVector(#[from] NoVector),
}

/// A loaded model; shared freely between threads, each call runs for itself.
pub struct Model {
    name: String,
    graph: rten::Model,
    input: NodeId,
    output: NodeId,
    at_once: usize,
}

/// How a loaded model holds its weights. The vectors are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// As they stand in the file: the least memory.
    #[default]
    Plain,
    /// And once more in the order in which they are multiplied: faster, for about twice the memory.
    Prepacked,
}

/// [`load_with`] plain weights.
///
/// # Errors
/// Those of [`load_with`].
pub fn load(path: &Path) -> Result<Model, ClipFault> {
    load_with(path, Weights::Plain)
}

/// Reads a model and runs it once, so that a file which cannot work is refused here, not later.
///
/// Blocking: about a second for the usual 350 MB. Weights in a second file (`.onnx_data`) are not followed, as the name
/// would not vouch for them. While it reads it holds no more than it keeps, except of a file that lies beside such weights or
/// whose name does not end in `.onnx`: that is read into memory first, which takes as much again.
///
/// # Errors
/// Any [`ClipFault`] but [`ClipFault::NoVector`].
pub fn load_with(path: &Path, weights: Weights) -> Result<Model, ClipFault> {
    let (digest, graph) = reading::read(path, weights)?;
    let name = name_of(digest);
    let input = node(&graph, INPUT, graph.input_ids())?;
    let output = node(&graph, OUTPUT, graph.output_ids())?;
    let mut model = Model {
        name,
        graph,
        input,
        output,
        at_once: 1,
    };
    model.run(vec![0.0; NUMBERS_SEEN], 1)?;
    // Some exports fix the number of pictures at one; which they are is found out here, not with hers.
    if model.run(vec![0.0; 2 * NUMBERS_SEEN], 2).is_ok() {
        model.at_once = AT_ONCE_MAX;
    }
    Ok(model)
}

/// The vector space: which weights, prepared how (PIP-5). Sixteen digits tell files apart for good.
fn name_of(digest: [u8; 32]) -> String {
    format!("sha256:{}/{PREPARATION}", hex::encode(&digest[..8]))
}

fn node(graph: &rten::Model, name: &str, by_position: &[NodeId]) -> Result<NodeId, ClipFault> {
    let named = graph.find_node(name).filter(|id| by_position.contains(id));
    named
        .or_else(|| by_position.first().copied())
        .ok_or_else(|| ClipFault::Rejected(format!("it has no {name}")))
}

impl Model {
    /// The space its vectors belong to, `sha256:<16 hex>/p2`; never compare those of two spaces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Most pictures that [`Model::embed_all`] looks at in one run.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// The vector of `picture`, reduced as PIP-2 says but never enlarged: 512 numbers of length 1, so that the dot product is VEC-2's cosine.
    ///
    /// Blocking: some 40 to 80 ms with the usual model.
    ///
    /// # Errors
    /// [`ClipFault::Failed`], [`ClipFault::WrongShape`], [`ClipFault::NoVector`].
    pub fn embed(&self, picture: &Picture) -> Result<Vec<f32>, ClipFault> {
        unit_length(self.run(seen_numbers(picture)?, 1)?).map_err(ClipFault::from)
    }

    /// The vectors of at most [`Model::at_once`] pictures in one run, each as [`Model::embed`] gives it.
    ///
    /// # Errors
    /// [`ClipFault::Failed`], [`ClipFault::WrongShape`]: then none of them has one. A picture of which the model makes
    /// no usable vector spoils no other.
    pub fn embed_all(
        &self,
        pictures: &[Picture],
    ) -> Result<Vec<Result<Vec<f32>, ClipFault>>, ClipFault> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let mut numbers = Vec::with_capacity(pictures.len() * NUMBERS_SEEN);
        for picture in pictures {
            numbers.extend(seen_numbers(picture)?);
        }
        let answer = self.run(numbers, pictures.len())?;
        let vectors = answer.chunks_exact(DIMENSIONS);
        let vectors = vectors.map(|vector| unit_length(vector.to_vec()).map_err(ClipFault::from));
        Ok(vectors.collect())
    }

    fn run(&self, planes: Vec<f32>, pictures: usize) -> Result<Vec<f32>, ClipFault> {
        let side = SIDE as usize;
        let input = NdTensor::from_data([pictures, CHANNELS, side, side], planes);
        let failed = |fault: rten::RunError| ClipFault::Failed(fault.to_string());
        let inputs = vec![(self.input, ValueOrView::from(Value::from(input)))];
        let [answer] = self
            .graph
            .run_n(inputs, [self.output], Some(threads::shared()))
            .map_err(failed)?;
        let shape: Vec<usize> = rten_tensor::Layout::shape(&answer).to_vec();
        match answer.into_shape_vec::<f32, 2>() {
            Ok(([rows, DIMENSIONS], vectors)) if rows == pictures => Ok(vectors),
            _ => Err(ClipFault::WrongShape(shape)),
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What [`Model::embed`] looks at: given this instead of the picture, it answers the same.
pub(crate) fn seen(picture: &Picture) -> Option<Picture> {
    resize::to_square(picture, SIDE).map(Cow::into_owned)
}

fn seen_numbers(picture: &Picture) -> Result<Vec<f32>, ClipFault> {
    let square = resize::to_square(picture, SIDE)
        .ok_or_else(|| ClipFault::Failed("the picture could not be resized".into()))?;
    Ok(planes(square.rgb()))
}

/// The square that a model looks at, as a PNG without anything but its pixels: what a service is sent of a picture. From
/// the picture, reduced as PIP-2 says but never enlarged, and from the square that is kept of it come the same bytes.
pub fn square_as_png(picture: &Picture) -> Option<Vec<u8>> {
    let square = resize::to_square(picture, SIDE)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(square.rgb()).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// All reds, then all greens, then all blues, each brought to CLIP's scale.
fn planes(rgb: &[u8]) -> Vec<f32> {
    let channels = MEAN.iter().zip(DEVIATION).enumerate();
    channels
        .flat_map(|(channel, (mean, deviation))| {
            let values = rgb.iter().skip(channel).step_by(CHANNELS);
            values.map(move |value| (f32::from(*value) / 255.0 - mean) / deviation)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_planes_of_one_colour_on_the_scale_of_clip() {
        let planes = planes(&[0, 0, 255, 255, 0, 0]);
        let white_red = (1.0 - MEAN[0]) / DEVIATION[0];
        assert_eq!(planes.len(), 6);
        assert_eq!(planes[1], white_red);
        assert!(planes[0] < 0.0 && planes[2] < 0.0 && planes[4] > 0.0);
    }

    #[test]
    fn a_model_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Model>();
    }
}
