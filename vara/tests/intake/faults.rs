//! A child that dies, stalls or talks nonsense is the refusal of one file, and gone.

use crate::pictures_of_tests::{picture, vara};
use intake::{Cells, Limits};
use pictures::{NotTaken, TakeIn};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A program that does what the lines say instead of decoding.
fn program(folder: &TempDir, lines: &str) -> PathBuf {
    let path = folder.path().join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

fn briefly() -> Limits {
    Limits {
        at_once: 1,
        waiting: 0,
        wait: Duration::from_millis(200),
        life: Duration::from_millis(1_500),
    }
}

fn scene() -> Arc<Vec<u8>> {
    Arc::new(picture("scene.jpg"))
}

fn is_running(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

#[tokio::test]
async fn one_that_dies_or_talks_nonsense_is_a_picture_that_could_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for lines in [
        "exit 1",
        "kill -9 $$",
        "cat > /dev/null; kill -ABRT $$",
        "cat > /dev/null",
        "cat",
        "cat > /dev/null; head -c 2000000 /dev/zero",
        "cat > /dev/null; printf VPT1; head -c 400000 /dev/zero",
        "cat > /dev/null; printf 'VPT1\\004'",
    ] {
        let lines = format!("PATH=/usr/bin:/bin\n{lines}");
        let cells = Cells::of(program(&folder, &lines), Limits::default());
        assert_eq!(
            cells.take_in(scene()).await,
            Err(NotTaken::Broke),
            "{lines}"
        );
    }
}

#[tokio::test]
async fn one_that_stalls_is_ended_and_its_place_is_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let stalls = format!("echo $$ > {}\nexec /bin/sleep 60", note.display());
    let cells = Cells::of(program(&folder, &stalls), briefly());
    for _ in 0..2 {
        let begun = Instant::now();
        assert_eq!(cells.take_in(scene()).await, Err(NotTaken::Broke));
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
        assert!(!is_running(&std::fs::read_to_string(&note).unwrap()));
    }
}

#[tokio::test]
async fn one_whose_client_has_gone_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let stalls = format!("echo $$ > {}\nexec /bin/sleep 60", note.display());
    let cells = Cells::of(program(&folder, &stalls), Limits::default());
    let gave_up = tokio::time::timeout(Duration::from_millis(1_500), cells.take_in(scene())).await;
    assert!(gave_up.is_err());
    let pid = std::fs::read_to_string(&note).unwrap();
    let begun = Instant::now();
    while is_running(&pid) {
        assert!(begun.elapsed() < Duration::from_secs(10), "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn more_than_may_wait_are_told_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(&folder, "exec /bin/sleep 60");
    let no_queue = Cells::of(program.clone(), briefly());
    let (first, second) = tokio::join!(no_queue.take_in(scene()), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        no_queue.take_in(scene()).await
    });
    assert_eq!((first, second), (Err(NotTaken::Broke), Err(NotTaken::Busy)));
    // A place in the queue is no place for ever.
    let queue = Cells::of(
        program,
        Limits {
            waiting: 1,
            ..briefly()
        },
    );
    let (_, second) = tokio::join!(queue.take_in(scene()), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        queue.take_in(scene()).await
    });
    assert_eq!(second, Err(NotTaken::Busy));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_our_fault_and_not_the_pictures() {
    let cells = Cells::of("/nowhere/vara".into(), Limits::default());
    assert_eq!(cells.take_in(scene()).await, Err(NotTaken::Unavailable));
}

// Order of the checks: what the header gives away costs no process.
#[tokio::test]
async fn what_the_header_gives_away_starts_nothing() {
    let cells = Cells::of("/nowhere/vara".into(), Limits::default());
    for name in [
        "bomb_30000x30000_1bit.png",
        "animated.webp",
        "still.heic",
        "truncated.jpg",
        "empty.jpg",
    ] {
        let refused = cells.take_in(Arc::new(picture(name))).await;
        assert!(
            matches!(refused, Err(NotTaken::Unfit(_))),
            "{name}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn after_a_broken_one_the_next_picture_is_taken() {
    let cells = Cells::of(vara(), briefly());
    let broken = Arc::new(picture("bad_crc.png"));
    assert!(cells.take_in(broken).await.is_err());
    let patient = Cells::of(vara(), Limits::default());
    assert!(patient.take_in(scene()).await.is_ok());
}
