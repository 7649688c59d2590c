//! Every picture of the tests, good and hostile, gets the same answer from the process apart as from the library.

use intake::{Cells, Limits};
use pictures::{NotTaken, TakeIn};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub fn vara() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_vara"))
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pictures/testdata/images")
}

pub fn picture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

#[tokio::test]
async fn every_file_is_answered_as_the_library_answers_it() {
    let cells = Cells::of(vara(), Limits::default());
    let mut asked = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let original = std::fs::read(&path).unwrap();
        let here = pictures::take_in(&original).map_err(NotTaken::Unfit);
        let there = cells.take_in(Arc::new(original)).await;
        assert!(there == here, "{}: {there:?}", path.display());
        asked += 1;
    }
    assert!(asked >= 88, "{asked}");
}

#[tokio::test]
async fn many_at_once_take_turns_and_all_are_taken() {
    let cells = Arc::new(Cells::of(vara(), Limits::default()));
    let scene = Arc::new(picture("scene.jpg"));
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let (cells, scene) = (Arc::clone(&cells), Arc::clone(&scene));
            tokio::spawn(async move { cells.take_in(scene).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
}

// What a process of its own costs, to be read with --nocapture.
#[tokio::test]
async fn the_cost_of_a_process_is_told() {
    let cells = Cells::of(vara(), Limits::default());
    let small = Arc::new(picture("near_thumb64.jpg"));
    let fastest = |mut times: Vec<u128>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (mut there, mut here) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let begun = Instant::now();
        cells.take_in(Arc::clone(&small)).await.unwrap();
        there.push(begun.elapsed().as_micros());
        let begun = Instant::now();
        pictures::take_in(&small).unwrap();
        here.push(begun.elapsed().as_micros());
    }
    let (there, here) = (fastest(there), fastest(here));
    println!("in a process of its own {there} us, in this one {here} us");
    assert!(there < 5_000_000);
}
