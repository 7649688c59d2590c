//! The test model `testdata/tiny_clip.onnx`: made here, byte for byte, and what it is good for.
//!
//! Three nodes of the right shape: the mean of each square of 32 x 32 pixels (AveragePool), in one
//! row (Flatten), times 147 x 512 fixed pseudo-random weights (MatMul). Alike pictures get alike
//! vectors, others do not; beyond that it knows nothing. To write it anew:
//! `VARA_WRITE_TESTDATA=1 cargo test -p pictures --test pictures tiny_model`.

use std::path::PathBuf;

use crate::{onnx, shelf};
use pictures::clip::{self, ClipFault, Model, Weights};
use pictures::{Picture, take_in};

fn path() -> PathBuf {
    shelf::own().join("../tiny_clip.onnx")
}

fn model() -> Model {
    clip::load(&path()).expect("the test model loads")
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// A model that gives as many numbers as it is told, in a file of its own.
fn model_of(numbers: usize) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".onnx").tempfile().unwrap();
    std::fs::write(file.path(), onnx::tiny_clip(numbers)).unwrap();
    file
}

#[test]
fn the_test_model_is_made_by_this_code() {
    let made = onnx::tiny_clip(clip::DIMENSIONS);
    if std::env::var_os("VARA_WRITE_TESTDATA").is_some() {
        std::fs::write(path(), &made).unwrap();
    }
    let kept = std::fs::read(path()).unwrap();
    assert!(
        made == kept,
        "testdata/tiny_clip.onnx differs from what the code makes"
    );
    assert!(kept.len() < 320_000);
}

// PIP-3, PIP-5
#[test]
fn a_vector_has_512_numbers_length_one_and_the_name_of_its_space() {
    let model = model();
    let vector = model.embed(&shelf::picture("scene.jpg")).unwrap();
    assert_eq!(vector.len(), clip::DIMENSIONS);
    assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
    let (digest, version) = model.name().split_once('/').unwrap();
    assert_eq!(version, "p2");
    assert_eq!(digest.len(), "sha256:".len() + 16);
    assert!(format!("{model:?}").contains(digest));
}

#[test]
fn another_picture_gets_another_vector_and_a_copy_nearly_the_same() {
    let model = model();
    let of = |name| model.embed(&shelf::picture(name)).unwrap();
    let scene = of("scene.jpg");
    for other in ["near_other_scene.jpg", "flat_gray.png"] {
        let likeness = cosine(&scene, &of(other));
        println!("{other}: {likeness:.4}");
        assert!(likeness < 0.95, "{other}: {likeness}");
    }
    for copy in [
        "near_jpeg_q5.jpg",
        "near_jpeg_q20.jpg",
        "near_half.jpg",
        "scene.png",
        "orientation_6.jpg",
    ] {
        let likeness = cosine(&scene, &of(copy));
        println!("{copy}: {likeness:.4}");
        assert!(likeness > 0.98, "{copy}: {likeness}");
    }
}

#[test]
fn plain_colours_get_vectors_too() {
    let model = model();
    let plain = |colour: [u8; 3]| {
        let picture = Picture::from_rgb(64, 48, colour.repeat(64 * 48)).unwrap();
        model.embed(&picture).unwrap()
    };
    assert!(cosine(&plain([0, 0, 0]), &plain([255, 255, 255])) < 0.0);
    assert!(cosine(&plain([250, 0, 0]), &plain([0, 0, 250])) < 0.95);
}

// PIP-3: what lies in its file is made small as it lies and turned then, so a channel may be rounded otherwise by one or two.
#[test]
fn the_kept_square_gives_the_vector_of_the_whole_picture() {
    let model = model();
    for (name, least) in [("scene.jpg", 1.0 - 1e-6), ("orientation_8.jpg", 0.999_99)] {
        let square = take_in(&shelf::bytes(name)).unwrap().picture_for_vector;
        assert_eq!((square.width(), square.height()), (224, 224));
        let of_square = model.embed(&square).unwrap();
        let of_whole = model.embed(&shelf::picture(name)).unwrap();
        assert!(cosine(&of_square, &of_whole) >= least, "{name}");
    }
}

#[test]
fn the_same_picture_gets_the_same_vector_on_every_thread() {
    let model = model();
    let picture = shelf::picture("scene.jpg");
    let alone = model.embed(&picture).unwrap();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| model.embed(&picture).unwrap()))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), alone);
        }
    });
}

// PIP-5: a model that cannot work is refused at once; there is no stand-in.
#[test]
fn a_file_that_is_no_fit_model_is_refused_when_it_is_loaded() {
    assert!(matches!(
        clip::load(&shelf::own().join("absent.onnx")),
        Err(ClipFault::Unopened(_))
    ));
    let picture = shelf::own().join("scene.jpg");
    assert!(matches!(clip::load(&picture), Err(ClipFault::Rejected(_))));
    let shape = match clip::load(model_of(128).path()) {
        Err(ClipFault::WrongShape(shape)) => shape,
        other => panic!("{other:?}"),
    };
    assert_eq!(shape, [1, 128]);
}

// PIP-5: other weights are another space.
#[test]
fn the_name_tells_models_apart() {
    let mut bytes = std::fs::read(path()).unwrap();
    let middle_weight = bytes.len() / 2;
    bytes[middle_weight] ^= 1;
    let file = tempfile::Builder::new().suffix(".onnx").tempfile().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    assert_ne!(clip::load(file.path()).unwrap().name(), model().name());
}

// PIP-5: how many pictures share a run changes no vector.
#[test]
fn pictures_that_share_a_run_get_the_vectors_they_get_alone() {
    let model = model();
    let names = ["scene.jpg", "near_other_scene.jpg", "flat_gray.png"];
    let mut pictures: Vec<Picture> = names.map(shelf::picture).to_vec();
    pictures.extend((0..model.at_once() - 3).map(|n| {
        let colour = [n as u8 * 40, 90, 200];
        Picture::from_rgb(64, 48, colour.repeat(64 * 48)).unwrap()
    }));
    assert_eq!(pictures.len(), 8, "one full run");
    let together = model.embed_all(&pictures).unwrap();
    assert_eq!(together.len(), pictures.len());
    for (picture, shared) in pictures.iter().zip(together) {
        let alone = model.embed(picture).unwrap();
        assert!(cosine(&alone, &shared.unwrap()) > 0.999_999);
    }
    assert!(model.embed_all(&[]).is_ok_and(|none| none.is_empty()));
}

// IMG-3: a service sees the pixels of the square and nothing else.
#[test]
fn the_square_for_a_service_is_a_bare_png_of_what_the_model_sees() {
    let whole = shelf::picture("scene.jpg");
    let png = clip::square_as_png(&whole).unwrap();
    let taken = take_in(&shelf::bytes("scene.jpg")).unwrap();
    let of_square = clip::square_as_png(&taken.picture_for_vector).unwrap();
    assert_eq!(png, of_square);
    let seen = pictures::decode(&png).unwrap();
    assert_eq!(seen.rgb(), taken.picture_for_vector.rgb());
    let mut kinds = Vec::new();
    let mut at = 8;
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        kinds.push(String::from_utf8(png[at + 4..at + 8].to_vec()).unwrap());
        at += length as usize + 12;
    }
    kinds.dedup();
    assert_eq!(kinds, ["IHDR", "IDAT", "IEND"]);
}

// PIP-5: how weights are held, and how they are read, changes neither the space nor a vector.
#[test]
fn weights_that_are_packed_or_lie_in_a_file_of_another_name_give_the_same_vectors() {
    let (plain, scene) = (model(), shelf::picture("scene.jpg"));
    let packed = clip::load_with(&path(), Weights::Prepacked).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(path(), file.path()).unwrap();
    let renamed = clip::load(file.path()).unwrap();
    let vector = plain.embed(&scene).unwrap();
    for other in [packed, renamed] {
        assert_eq!(other.name(), plain.name());
        assert!(cosine(&other.embed(&scene).unwrap(), &vector) > 0.999_999);
    }
}
