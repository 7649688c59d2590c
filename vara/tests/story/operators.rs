//! What operators do with a Vara that runs, by the binary: read models, parked items, keys.

use crate::member::Member;
use crate::running::Vara;
use std::time::Duration;

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
