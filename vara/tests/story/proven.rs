//! The record is proved from outside: with the binary, an export and an older checkpoint, and no database.

use crate::member::Member;
use crate::running::{Vara, binary, folder};
use std::path::Path;
use std::time::{Duration, Instant};

/// Waits until the checkpoint covers the whole log.
pub fn is_signed(vara: &Vara) {
    let begun = Instant::now();
    loop {
        let (words, code) = vara.run(&["audit", "replay"]);
        if code == 0 && words.contains("It is the root that was signed") {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{words}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Verifies without any server; words and exit code.
pub fn verify(arguments: &[&str]) -> (String, i32) {
    let output = binary()
        .args(["audit", "verify"])
        .args(arguments)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let faults = String::from_utf8_lossy(&output.stderr).into_owned();
    (words + &faults, output.status.code().unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_export_is_verified_offline_and_every_change_of_it_is_noticed() {
    // I9
    let (vara, place) = (Vara::start(), folder());
    let member = Member::joins(&vara.api);
    is_signed(&vara);
    let older = place.path().join("older.checkpoint");
    let kept = reqwest::blocking::get(format!("{}/ledger/checkpoint", vara.api)).unwrap();
    std::fs::write(&older, kept.text().unwrap()).unwrap();
    member.uploads(sandbox::demo_picture());
    member.waits_for(&member.starts_a_scan(), Duration::from_secs(20));
    is_signed(&vara);
    let (key, code) = vara.run(&["audit", "key"]);
    assert_eq!(code, 0, "{key}");
    let out = place.path().join("export");
    let (words, code) = vara.run(&["audit", "export", "--out", text(&out)]);
    assert_eq!(code, 0, "{words}");
    let asked = [text(&out), "--key", key.trim(), "--against", text(&older)];
    let (words, code) = verify(&asked);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("go on from the older checkpoint"), "{words}");
    // One letter of one stored event.
    let events = std::fs::read_to_string(out.join("events.jsonl")).unwrap();
    let changed = events.replacen("ScanStarted", "ScanStopped", 1);
    std::fs::write(out.join("events.jsonl"), changed).unwrap();
    let (words, code) = verify(&asked);
    assert_ne!(code, 0, "{words}");
    std::fs::write(out.join("events.jsonl"), &events).unwrap();
    // Another log's checkpoint is no older checkpoint of this one.
    let other = Vara::start();
    Member::joins(&other.api);
    is_signed(&other);
    let foreign = reqwest::blocking::get(format!("{}/ledger/checkpoint", other.api)).unwrap();
    std::fs::write(&older, foreign.text().unwrap()).unwrap();
    let (words, code) = verify(&asked);
    assert_ne!(code, 0, "{words}");
}

/// The checkpoint as somebody outside keeps it.
fn keeps_a_checkpoint(vara: &Vara, file: &Path) {
    let kept = reqwest::blocking::get(format!("{}/ledger/checkpoint", vara.api)).unwrap();
    std::fs::write(file, kept.text().unwrap()).unwrap();
}

#[test]
fn a_part_of_the_record_is_made_for_a_checkpoint_that_somebody_kept_and_for_no_other() {
    // I9
    let (vara, place) = (Vara::start(), folder());
    let (older, out) = (place.path().join("older"), place.path().join("part"));
    // An uneven number of events, and more than a tile of them later.
    let member = Member::joins(&vara.api);
    is_signed(&vara);
    keeps_a_checkpoint(&vara, &older);
    for n in 0..300 {
        let change = serde_json::json!({ "granted": n % 2 == 0, "textVersion": "settings-1" });
        let path = "/users/me/consents/FACE_SEARCH";
        let said = member.put_with(path, &change, &[("Prefer", "respond-async")]);
        assert_eq!(said.status, 200, "{said:?}");
    }
    is_signed(&vara);
    let part = ["audit", "export", "--from", "290", "--to", "295"];
    let (words, code) = vara.run(&[&part[..], &["--out", text(&out)]].concat());
    assert_eq!(code, 0, "{words}");
    let (words, code) = verify(&[text(&out), "--against", text(&older)]);
    assert_ne!(code, 0, "it was made for nobody: {words}");
    assert!(words.contains("ask for one that is made for it"), "{words}");
    std::fs::remove_dir_all(&out).unwrap();
    let made_for = |file: &Path| {
        let rest = ["--for", text(file), "--out", text(&out)];
        vara.run(&[&part[..], &rest].concat())
    };
    let (words, code) = made_for(&older);
    assert_eq!(code, 0, "{words}");
    let (words, code) = verify(&[text(&out), "--against", text(&older)]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("go on from the older checkpoint"), "{words}");
    std::fs::remove_dir_all(&out).unwrap();

    // Another log's checkpoint, one that is no checkpoint, and one that this log has not come to.
    let wrong = place.path().join("wrong");
    let other = Vara::start();
    Member::joins(&other.api);
    is_signed(&other);
    keeps_a_checkpoint(&other, &wrong);
    let (words, code) = made_for(&wrong);
    assert!(
        code != 0 && words.contains("no checkpoint of this log"),
        "{words}"
    );
    std::fs::write(&wrong, "nothing of the kind").unwrap();
    let (words, code) = made_for(&wrong);
    assert!(
        code != 0 && words.contains("no checkpoint of this log"),
        "{words}"
    );
    let signed = vara.data().join("ledger/checkpoint");
    std::fs::copy(&signed, &wrong).unwrap();
    std::fs::copy(&older, &signed).unwrap();
    let early = [
        "audit",
        "export",
        "--to",
        "1",
        "--for",
        text(&wrong),
        "--out",
        text(&out),
    ];
    let (words, code) = vara.run(&early);
    assert!(
        code != 0 && words.contains("this log lost events"),
        "{words}"
    );
    assert!(!out.exists(), "nothing was written");
}

#[test]
fn one_event_is_proved_by_a_small_file() {
    let (vara, place) = (Vara::start(), folder());
    Member::joins(&vara.api);
    is_signed(&vara);
    let (key, _) = vara.run(&["audit", "key"]);
    let proof = place.path().join("proof.json");
    let (words, code) = vara.run(&["audit", "prove", "1", "--out", text(&proof)]);
    assert_eq!(code, 0, "{words}");
    let (words, code) = verify(&[text(&proof), "--key", key.trim()]);
    assert_eq!(code, 0, "{words}");
    let changed =
        std::fs::read_to_string(&proof)
            .unwrap()
            .replacen("UserRegistered", "UserRegistereD", 1);
    std::fs::write(&proof, changed).unwrap();
    assert_ne!(verify(&[text(&proof), "--key", key.trim()]).1, 0);
    for wrong in [
        "0",
        "999999",
        "nobody",
        "018f0000-0000-7000-8000-000000000000",
    ] {
        let (words, code) = vara.run(&["audit", "prove", wrong]);
        assert_ne!(code, 0, "{wrong}: {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}

/// What somebody does who owns the database and means harm.
fn changes_history(vara: &Vara) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        for change in [
            "ALTER TABLE events DISABLE TRIGGER USER",
            "UPDATE events SET recorded_at = recorded_at - interval '1 day' WHERE position = 1",
        ] {
            sqlx::query(change).execute(&pool).await.unwrap();
        }
    });
}

#[test]
fn a_replay_tells_a_log_that_was_changed_behind_it() {
    let vara = Vara::start();
    Member::joins(&vara.api);
    is_signed(&vara);
    changes_history(&vara);
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_ne!(code, 0, "{words}");
    assert!(words.contains("not the one that was signed"), "{words}");
    // A shorter look at it is no better.
    let (words, code) = vara.run(&["audit", "replay", "--until", "1"]);
    assert_ne!(code, 0, "{words}");
}

#[test]
fn a_replay_compares_as_far_as_was_signed_and_a_checkpoint_that_makes_no_sense_is_no_excuse() {
    let vara = Vara::start();
    Member::joins(&vara.api);
    is_signed(&vara);
    let checkpoint = vara.data().join("ledger/checkpoint");
    let older = std::fs::read(&checkpoint).unwrap();
    Member::joins(&vara.api);
    is_signed(&vara);
    std::fs::write(&checkpoint, &older).unwrap();
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("are not signed yet"), "{words}");
    changes_history(&vara);
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_ne!(code, 0, "{words}");
    assert!(words.contains("not the one that was signed"), "{words}");
    let mut garbled = older;
    garbled.extend_from_slice(b"x");
    std::fs::write(&checkpoint, garbled).unwrap();
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_ne!(code, 0, "{words}");
    assert!(!words.contains("not signed yet"), "{words}");
}

#[test]
fn one_stream_is_replayed_alone_and_wrong_questions_are_told() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let me = member.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (words, code) = vara.run(&["audit", "replay", "--stream", &format!("user/{me}")]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("events, "), "{words}");
    for wrong in [
        &["audit", "replay", "--stream", "user"][..],
        &["audit", "replay", "--stream", "user/nobody"],
        &["audit", "replay", "--until", "99999999"],
        &["audit", "replay", "--until", "yesterday"],
        &["audit", "export", "--out", "/dev/null/x"],
        &["audit", "verify", "/nowhere/at/all"],
    ] {
        let (words, code) = if wrong[1] == "verify" {
            verify(&wrong[2..])
        } else {
            vara.run(wrong)
        };
        assert_ne!(code, 0, "{wrong:?}: {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}
