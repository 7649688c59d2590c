//! Faces by two models in this process, behind the same port as a server of the operator's.

#![cfg(test)]

#[expect(dead_code, reason = "the small graphs of the pictures' own tests")]
#[path = "../../pictures/tests/pictures/onnx.rs"]
mod onnx;

use bytes::Bytes;
use domain::image::{FaceSeen, her_face};
use domain::scan::ProviderFault;
use pictures::{Picture, clip, faces};
use workers::faces::OnnxFaces;
use workers::providers::{Consent, FaceEmbedder as _, NotSearched};

struct Says(bool);

#[async_trait::async_trait]
impl Consent for Says {
    async fn holds(&self) -> bool {
        self.0
    }
}

fn finder() -> OnnxFaces {
    let folder = tempfile::tempdir().unwrap();
    let (detector, embedder) = (
        folder.path().join("detector.onnx"),
        folder.path().join("face.onnx"),
    );
    std::fs::write(&detector, onnx::tiny_detector()).unwrap();
    std::fs::write(&embedder, onnx::tiny_face_embedder(512)).unwrap();
    OnnxFaces::new(faces::load(&detector, &embedder).unwrap())
}

/// The working copy, 480 x 480, of a black picture of 224 x 224 with a white square, 32 x 32 in the copy, that the small detector
/// takes for a face of 64 x 64.
fn a_face() -> Bytes {
    let is_white = |n: u32| (90..105).contains(&(n % 224)) && (90..105).contains(&(n / 224));
    let pixels = (0..224 * 224).flat_map(|n| [if is_white(n) { 255 } else { 0 }; 3]);
    let picture = Picture::from_rgb(224, 224, pixels.collect()).unwrap();
    let png = clip::square_as_png(&picture).unwrap();
    pictures::take_in(&png).unwrap().working.into()
}

#[tokio::test]
async fn a_face_is_seen_with_its_box_and_vector_and_counts_as_hers() {
    // PIP-4
    let finder = finder();
    assert!(finder.is_available() && finder.model().starts_with("onnx:"));
    let faces = finder.faces(a_face(), &Says(true)).await.unwrap();
    let seen: Vec<FaceSeen> = faces.iter().map(|face| face.seen).collect();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!((63..=65).contains(&seen[0].width) && (63..=65).contains(&seen[0].height));
    assert_eq!(her_face((480, 480), &seen), Some(0));
    assert_eq!(faces[0].vector.len(), 512);
}

#[tokio::test]
async fn without_consent_no_model_looks_at_her_picture() {
    // CON-1
    let refused = finder().faces(a_face(), &Says(false)).await;
    assert_eq!(refused, Err(NotSearched::NotAllowed));
}

#[tokio::test]
async fn what_does_not_decode_is_the_pictures_fault_and_never_no_face() {
    // GEN-3
    let broken = Bytes::from_static(b"\xFF\xD8\xFF no picture");
    match finder().faces(broken, &Says(true)).await {
        Err(NotSearched::Failed(error)) => assert_eq!(error.fault, ProviderFault::InvalidImage),
        other => panic!("{other:?}"),
    }
}
