//! Faces by two ONNX files, with small graphs of the right shapes that are made here: a white square is a face.

use crate::onnx::{tiny_detector, tiny_face_embedder};
use pictures::Picture;
use pictures::faces::{FaceFault, FaceModels, load};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".onnx").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn models() -> FaceModels {
    let (detector, embedder) = (file(&tiny_detector()), file(&tiny_face_embedder(512)));
    load(detector.path(), embedder.path()).unwrap()
}

/// Black, with white squares of `side` pixels at these corners.
fn picture(width: usize, height: usize, side: usize, corners: &[(usize, usize)]) -> Picture {
    let mut rgb = vec![0; width * height * 3];
    for (left, top) in corners {
        for y in *top..top + side {
            let row = (y * width + left) * 3;
            rgb[row..row + side * 3].fill(255);
        }
    }
    Picture::from_rgb(width as u32, height as u32, rgb).unwrap()
}

fn near(one: (f32, f32), other: (f32, f32)) -> bool {
    (one.0 - other.0).abs() < 1.5 && (one.1 - other.1).abs() < 1.5
}

#[test]
fn faces_are_found_where_they_are_with_eyes_and_mouth_in_place() {
    // PIP-4
    let faces = models()
        .faces(&picture(640, 480, 32, &[(64, 96), (320, 256)]))
        .unwrap();
    assert_eq!(faces.len(), 2);
    for (face, middle) in faces.iter().zip([(80.0, 112.0), (336.0, 272.0)]) {
        assert!(face.found.score > 0.99);
        assert!(near(face.found.size, (64.0, 64.0)), "{face:?}");
        assert!(
            near(face.found.corner, (middle.0 - 32.0, middle.1 - 32.0)),
            "{face:?}"
        );
        let [right_eye, left_eye, nose, ..] = face.found.landmarks;
        assert!(right_eye.0 < nose.0 && nose.0 < left_eye.0 && right_eye.1 < nose.1);
        let length: f32 = face.vector.iter().map(|n| n * n).sum();
        assert!(face.vector.len() == 512 && (length - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_large_picture_is_looked_at_smaller_and_its_faces_are_told_in_its_own_pixels() {
    let faces = models()
        .faces(&picture(2_560, 1_280, 128, &[(256, 384)]))
        .unwrap();
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert!((faces[0].found.size.0 - 256.0).abs() < 6.0, "{faces:?}");
    assert!((faces[0].found.corner.0 - 192.0).abs() < 6.0, "{faces:?}");
}

#[test]
fn a_picture_without_a_face_has_none() {
    // PIP-4
    assert!(
        models()
            .faces(&picture(200, 100, 0, &[]))
            .unwrap()
            .is_empty()
    );
    let grey = Picture::from_rgb(64, 64, vec![60; 64 * 64 * 3]).unwrap();
    assert!(models().faces(&grey).unwrap().is_empty());
}

#[test]
fn the_same_face_at_another_place_has_nearly_the_same_vector() {
    let faces = models()
        .faces(&picture(640, 640, 32, &[(64, 96), (320, 256)]))
        .unwrap();
    let cosine: f32 = faces[0]
        .vector
        .iter()
        .zip(&faces[1].vector)
        .map(|(a, b)| a * b)
        .sum();
    assert!(cosine > 0.999, "{cosine}");
}

// PIP-5
#[test]
fn the_space_names_both_files_and_the_preparation() {
    let models = models();
    let digests = models
        .name()
        .strip_prefix("onnx:")
        .unwrap()
        .strip_suffix("/a1")
        .unwrap();
    let (detector, embedder) = digests.split_once('+').unwrap();
    assert!(detector.len() == 16 && embedder.len() == 16 && detector != embedder);
}

#[test]
fn files_that_cannot_work_are_refused_when_they_are_loaded() {
    let (detector, embedder) = (file(&tiny_detector()), file(&tiny_face_embedder(512)));
    let other_length = file(&tiny_face_embedder(128));
    let refused = |detector: &std::path::Path, embedder: &std::path::Path| {
        load(detector, embedder).unwrap_err()
    };
    assert!(matches!(
        refused(detector.path(), other_length.path()),
        FaceFault::WrongShape { .. }
    ));
    assert!(matches!(
        refused(embedder.path(), embedder.path()),
        FaceFault::Rejected(_)
    ));
    assert!(matches!(
        refused("/nowhere".as_ref(), embedder.path()),
        FaceFault::Unopened(_)
    ));
}
