//! The program ends at every place where something is half done, starts again, and everything is whole.

use crate::member::{Member, client, fresh};
use crate::running::{Vara, binary, folder};
use eventstore::KILL_POINTS;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Everything that can be asked from outside: no gap, no difference, nothing parked, nothing behind.
fn is_whole(vara: &Vara, at: &str) {
    let begun = Instant::now();
    loop {
        let asks = [
            &["audit", "replay"][..],
            &["projections", "check"],
            &["parked", "list"],
        ];
        let answers: Vec<_> = asks.iter().map(|ask| vara.run(ask)).collect();
        let words: String = answers.iter().map(|(words, _)| words.as_str()).collect();
        let is_whole =
            answers.iter().all(|(_, code)| *code == 0) && words.contains("Nothing is parked");
        let is_signed = words.contains("It is the root that was signed");
        if is_whole && is_signed {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{at}: {words}\n{}",
            vara.log()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Starts a program that will end itself, asks it for a story until it does.
fn ends_itself(at: &str) -> tempfile::TempDir {
    let place = folder();
    let ready = place.path().join("ready.json");
    let log = std::fs::File::create(place.path().join("dying.log")).unwrap();
    let mut dying: Command = binary();
    let mut child = dying
        .args(["up", "--port", "0", "--data-dir"])
        .arg(place.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("VARA_KILL_AT", at)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut asked = false;
    loop {
        if child.try_wait().unwrap().is_some() {
            return place;
        }
        if !asked && let Ok(addresses) = std::fs::read(&ready) {
            let addresses: serde_json::Value = serde_json::from_slice(&addresses).unwrap();
            let api = addresses["api"].as_str().unwrap().to_owned();
            // It dies in the middle of this, so whatever comes back is no answer to look at.
            std::thread::spawn(move || drop(std::panic::catch_unwind(|| a_story(&api))));
            asked = true;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "{at} is never passed"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn a_story(api: &str) {
    let member = Member::joins(api);
    let taken = member.sends_under(&fresh(), sandbox::demo_picture());
    assert_eq!(taken.status, 201, "{taken:?}");
    member.waits_for(&member.starts_a_scan(), Duration::from_secs(20));
}

#[test]
fn whatever_was_half_done_is_whole_after_the_next_start() {
    let places: Vec<&str> = KILL_POINTS
        .iter()
        .copied()
        .filter(|at| !at.starts_with("erasure:"))
        .collect();
    std::thread::scope(|threads| {
        // Two at a time: each is a whole installation.
        for half in [0, 1] {
            let places = places.clone();
            threads.spawn(move || {
                for at in places.iter().skip(half).step_by(2) {
                    let vara = Vara::start_on(ends_itself(at), &[]);
                    a_story(&vara.api);
                    is_whole(&vara, at);
                }
            });
        }
    });
}

#[test]
fn an_erasure_that_was_cut_off_is_finished_by_the_next_one_or_the_next_start() {
    let vara = Vara::start();
    for at in KILL_POINTS.iter().filter(|at| at.starts_with("erasure:")) {
        let member = Member::joins(&vara.api);
        let me = member.get("/users/me").data()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let cut_off = binary()
            .args(["erase", &me, "--data-dir"])
            .arg(vara.data())
            .env("VARA_KILL_AT", at)
            .output()
            .unwrap();
        assert!(!cut_off.status.success(), "{at}");
        let (words, code) = vara.run(&["erase", &me]);
        assert_eq!(code, 0, "{at}: {words}");
        assert_eq!(member.get("/users/me").status, 401, "{at}");
    }
    let member = Member::joins(&vara.api);
    let me = member.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    drop(
        binary()
            .args(["erase", &me, "--data-dir"])
            .arg(vara.data())
            .env("VARA_KILL_AT", "erasure:written")
            .output(),
    );
    let folder = vara.kill();
    let vara = Vara::start_on(folder, &[]);
    let gone = client()
        .get(format!("{}/api/v1/users/me", vara.api))
        .bearer_auth(&member.token)
        .send();
    assert_eq!(gone.unwrap().status().as_u16(), 401);
    is_whole(&vara, "after the next start");
}
