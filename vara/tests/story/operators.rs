//! What operators do with a Vara that runs, by the binary: read models, parked items, keys.

use crate::member::Member;
use crate::running::Vara;
use std::time::{Duration, Instant};

#[test]
fn read_models_are_listed_checked_rebuilt_and_taken_back_while_she_looks() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let image = member.uploads(sandbox::demo_picture());
    member.waits_for(&member.starts_a_scan(), Duration::from_secs(20));
    let found = member
        .get(&format!("/images/{image}/matches?limit=100"))
        .data();
    member.is_told(found.as_array().unwrap().len());
    // What is told last may be counted a moment later.
    std::thread::sleep(Duration::from_millis(500));
    let before = member.get("/scans").body["data"].clone();
    for (ask, wanted) in [
        (&["projections", "list"][..], "alerts"),
        (&["projections", "check"], "nowhere"),
        (&["projections", "rebuild", "scans"], "generation 2"),
        (&["projections", "rollback", "scans"], "generation 1"),
        (&["projections", "rebuild", "alerts"], "generation 2"),
        (&["parked", "list"], "Nothing is parked"),
    ] {
        let (words, code) = vara.run(ask);
        assert_eq!(code, 0, "{ask:?}: {words}");
        assert!(words.contains(wanted), "{ask:?}: {words}");
        assert_eq!(member.get("/scans").body["data"], before);
    }
    for wrong in [
        &["projections", "rebuild", "weather"][..],
        &["projections", "rollback", "matches"],
        &["projections", "check", "weather"],
        &["parked", "show", "018f0000-0000-7000-8000-000000000000"],
        &["parked", "retry", "nothing"],
    ] {
        let (words, code) = vara.run(wrong);
        assert_ne!(code, 0, "{wrong:?}: {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}

#[test]
fn a_row_that_is_not_what_the_log_says_is_found_and_put_right() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        let change = "UPDATE read_plan_items SET urgency = 9";
        sqlx::query(change).execute(&pool).await.unwrap();
    });
    let (words, code) = vara.run(&["projections", "check", "plan"]);
    assert_ne!(code, 0, "{words}");
    assert!(words.contains("differs in read_plan_items"), "{words}");
    let (words, code) = vara.run(&["projections", "rebuild", "plan"]);
    assert_eq!(code, 0, "{words}");
    let (words, code) = vara.run(&["projections", "check", "plan"]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(member.get("/protection-plan").status, 200);
}

#[test]
fn keys_are_wrapped_anew_while_she_goes_on() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let (before, code) = vara.run(&["keys", "status"]);
    assert_eq!(code, 0, "{before}");
    let (after, code) = vara.run(&["keys", "rotate"]);
    assert_eq!(code, 0, "{after}");
    assert!(after.contains("keys were wrapped anew"), "{after}");
    // Both she who was here and she who comes now are read by the process that runs.
    assert_eq!(member.get("/users/me").status, 200);
    member.uploads(sandbox::demo_picture());
    Member::joins(&vara.api);
    let folder = vara.stop();
    let vara = Vara::start_on(folder, &[]);
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
}

/// What `vara projections list` tells, once it says this so often.
fn is_listed(vara: &Vara, words: &str, times: usize) {
    let begun = Instant::now();
    loop {
        let (listed, code) = vara.run(&["projections", "list"]);
        assert_eq!(code, 0, "{listed}");
        if listed.matches(words).count() == times {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{listed}\n{}",
            vara.log()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn rows_are_held_against_the_log_without_anybody_asking_and_those_who_watch_are_told() {
    // A little more than three seconds.
    let vara = Vara::start_with(&[("VARA_CHECK_EVERY_HOURS", "0.001")]);
    let member = Member::joins(&vara.api);
    is_listed(&vara, ": as the log up to ", projections::READ_MODELS.len());
    let ready = member.get("/health/ready");
    let seen = &ready.body["checks"]["standingCheck"];
    assert!(seen["checkedAt"].is_string(), "{ready:?}");
    assert_eq!(seen["diverging"], serde_json::json!([]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        let change = "UPDATE read_plan_items SET urgency = 9";
        sqlx::query(change).execute(&pool).await.unwrap();
    });
    is_listed(&vara, ": not as the log from ", 1);
    let ready = member.get("/health/ready");
    assert_eq!(
        (ready.status, &ready.body["status"]),
        (200, &"degraded".into())
    );
    let diverging = &ready.body["checks"]["standingCheck"]["diverging"];
    assert_eq!(*diverging, serde_json::json!(["plan"]));
    assert!(vara.log().contains("live rows are not what the log says"));
    let (words, code) = vara.run(&["projections", "rebuild", "plan"]);
    assert_eq!(code, 0, "{words}");
    is_listed(&vara, ": as the log up to ", projections::READ_MODELS.len());
    assert_eq!(member.get("/health/ready").body["status"], "ok");
}
