//! Faces by two ONNX files of the operator's: a detector like YuNet says where they are, a model like ArcFace makes a vector
//! of each (PIP-4).
//!
//! Weights are the operator's to choose and to license; none come with Vara, and the usual packs of face models are for
//! research only. Blocking and bound to the processor, like everything in this room.

mod align;
mod detect;

use std::path::Path;

use rten::{NodeId, Value, ValueOrView};
use rten_tensor::NdTensor;
use sha2::{Digest, Sha256};

use crate::embedder::{NoVector, unit_length};
use crate::picture::CHANNELS;
use crate::{Picture, clip};

pub use detect::Found;

/// Version of the way from a picture to both models: [`detect`] and [`align`]. A change here is a change of the vector space.
const PREPARATION: &str = "a1";

/// Pixels along each side of an aligned face.
const FACE_SIDE: usize = 112;

/// Why the two files find no faces.
#[derive(Debug, thiserror::Error)]
pub enum FaceFault {
    /// A file cannot be read.
    #[error("a face model cannot be read: {0}")]
    Unopened(#[from] std::io::Error),
    /// A file is no ONNX model, or uses an operator that is not known here, or names its outputs otherwise.
    #[error("a face model is not usable: {0}")]
    Rejected(String),
    /// A model's answer has another shape than it must have.
    #[error("{model} gives an output of another shape than {needed}")]
    WrongShape {
        /// Which of the two.
        model: &'static str,
        /// What is needed.
        needed: String,
    },
    /// A model failed while it ran.
    #[error("a face model failed: {0}")]
    Failed(String),
    /// The embedder's answer has no direction.
    #[error("the face model gave no usable vector: {0}")]
    NoVector(#[from] NoVector),
}

/// Both models, loaded; shared freely between threads.
pub struct FaceModels {
    name: String,
    detector: detect::Detector,
    embedder: Graph,
    input: NodeId,
    output: NodeId,
}

/// A face that was found, and its vector.
#[derive(Clone, PartialEq)]
pub struct EmbeddedFace {
    /// Where it is, in pixels of the picture.
    pub found: Found,
    /// 512 numbers of length 1.
    pub vector: Vec<f32>,
}

impl std::fmt::Debug for EmbeddedFace {
    // A face's vector may end in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmbeddedFace({:?})", self.found)
    }
}

impl std::fmt::Debug for FaceModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaceModels({})", self.name)
    }
}

/// Reads both models and runs each once, so that a file which cannot work is refused here, not with her picture.
///
/// # Errors
/// Any [`FaceFault`] but [`FaceFault::NoVector`].
pub fn load(detector: &Path, embedder: &Path) -> Result<FaceModels, FaceFault> {
    let detector = Graph::read(detector)?;
    let embedder = Graph::read(embedder)?;
    let name = format!("onnx:{}+{}/{PREPARATION}", detector.digest, embedder.digest);
    let only = |ids: &[NodeId]| {
        let none = || FaceFault::Rejected("it has no input or output".to_owned());
        ids.first().copied().ok_or_else(none)
    };
    let models = FaceModels {
        name,
        detector: detect::Detector::of(detector)?,
        input: only(embedder.graph.input_ids())?,
        output: only(embedder.graph.output_ids())?,
        embedder,
    };
    models.run(vec![0.0; CHANNELS * FACE_SIDE * FACE_SIDE])?;
    Ok(models)
}

impl FaceModels {
    /// The space its vectors belong to, `onnx:<detector>+<embedder>/a1`; never compare those of two spaces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every face in a picture, each with its vector; the surest first.
    ///
    /// # Errors
    /// [`FaceFault::Failed`], [`FaceFault::WrongShape`], [`FaceFault::NoVector`].
    pub fn faces(&self, picture: &Picture) -> Result<Vec<EmbeddedFace>, FaceFault> {
        let embedded = |found: Found| {
            let aligned = align::aligned(picture, &found.landmarks, FACE_SIDE);
            let vector = unit_length(self.run(aligned)?)?;
            Ok(EmbeddedFace { found, vector })
        };
        let found = self.detector.detect(picture)?;
        found.into_iter().map(embedded).collect()
    }

    fn run(&self, planes: Vec<f32>) -> Result<Vec<f32>, FaceFault> {
        let input = NdTensor::from_data([1, CHANNELS, FACE_SIDE, FACE_SIDE], planes);
        let [answer] = self.embedder.run(self.input, input, [self.output])?;
        match answer.into_shape_vec::<f32, 2>() {
            Ok(([1, clip::DIMENSIONS], vector)) => Ok(vector),
            _ => Err(FaceFault::WrongShape {
                model: "the face embedder",
                needed: "[1, 512]".to_owned(),
            }),
        }
    }
}

/// One file: its graph, and the digest that tells it from others for good.
struct Graph {
    graph: rten::Model,
    digest: String,
}

impl Graph {
    fn read(path: &Path) -> Result<Self, FaceFault> {
        let bytes = std::fs::read(path)?;
        let digest = hex::encode(&Sha256::digest(&bytes)[..8]);
        let rejected = |fault: &dyn std::fmt::Display| FaceFault::Rejected(fault.to_string());
        let graph = rten::Model::load(bytes).map_err(|fault| rejected(&fault))?;
        Ok(Self { graph, digest })
    }

    fn run<const N: usize>(
        &self,
        input: NodeId,
        planes: NdTensor<f32, 4>,
        outputs: [NodeId; N],
    ) -> Result<[Value; N], FaceFault> {
        let inputs = vec![(input, ValueOrView::from(Value::from(planes)))];
        let failed = |fault: rten::RunError| FaceFault::Failed(fault.to_string());
        self.graph.run_n(inputs, outputs, None).map_err(failed)
    }
}
