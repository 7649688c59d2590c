//! Reads say what they show, wait for what they are asked to show, and show again what was shown then.

use crate::member::{Answer, Member};
use crate::running::{Vara, shared};
use serde_json::{Value, json};
use sqlx::Connection;
use std::time::{Duration, Instant};

fn number(answer: &Answer, name: &str) -> i64 {
    let header = answer
        .headers
        .get(name)
        .unwrap_or_else(|| panic!("{name}: {answer:?}"));
    header.to_str().unwrap().parse().unwrap()
}

#[test]
fn every_read_carries_its_position_and_lag_and_every_change_a_position_to_ask_for() {
    let member = Member::joins(&shared().api);
    for path in [
        "/users/me",
        "/images",
        "/scans",
        "/alerts",
        "/protection-plan",
        "/matches/flagged",
    ] {
        let read = member.get(path);
        assert_eq!(read.status, 200, "{path}");
        assert!(number(&read, "vara-position") > 0, "{path}");
        assert!(number(&read, "vara-lag-ms") >= 0, "{path}");
    }
    let change = json!({ "granted": true, "textVersion": "settings-1" });
    let changed = member.put("/users/me/consents/FACE_SEARCH", &change);
    assert_eq!(changed.status, 200);
    let position = number(&changed, "vara-position");
    let read = member.get_with("/users/me", &[("Vara-Min-Position", &position.to_string())]);
    assert_eq!(read.status, 200);
    assert!(number(&read, "vara-position") >= position);
}

#[test]
fn a_read_of_what_is_not_there_yet_waits_and_then_says_when_to_come_back() {
    let member = Member::joins(&shared().api);
    let begun = Instant::now();
    let read = member.get_with("/alerts", &[("Vara-Min-Position", "999999999")]);
    assert_eq!((read.status, read.code()), (503, "NOT_SHOWN_YET"));
    assert!(read.headers.contains_key("retry-after"));
    assert!(
        begun.elapsed() >= Duration::from_millis(1_500),
        "it waited first"
    );
    for wrong in ["soon", "-1", "1.5", ""] {
        let read = member.get_with("/alerts", &[("Vara-Min-Position", wrong)]);
        assert_eq!(read.status, 400, "{wrong}: {read:?}");
    }
}

/// Keeps the rows of a read model as they are: its checkpoint is held by somebody else until this goes on.
struct HeldStill(tokio::runtime::Runtime, sqlx::PgConnection);

impl HeldStill {
    fn of(vara: &Vara, read_model: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let db = runtime.block_on(async {
            let mut db = sqlx::PgConnection::connect(&vara.database_url())
                .await
                .unwrap();
            sqlx::query("BEGIN").execute(&mut db).await.unwrap();
            let held = sqlx::query("SELECT FROM checkpoints WHERE name = $1 FOR UPDATE");
            held.bind(read_model).execute(&mut db).await.unwrap();
            db
        });
        Self(runtime, db)
    }

    fn goes_on(self) {
        let Self(runtime, db) = self;
        runtime.block_on(db.close()).unwrap();
    }
}

#[test]
fn whoever_prefers_not_to_wait_is_answered_at_once_and_still_reads_her_change() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let path = "/users/me/consents/BREACH_LOOKUP";
    let says = |granted: bool, headers: &[(&str, &str)]| {
        let change = json!({ "granted": granted, "textVersion": "settings-1" });
        let begun = Instant::now();
        let changed = member.put_with(path, &change, headers);
        assert_eq!(changed.status, 200, "{changed:?}");
        (changed, begun.elapsed())
    };
    // Nothing can be shown while this lasts, so an answer that waits for it waits as long as it may.
    let held = HeldStill::of(&vara, "users");
    let (waited, long) = says(true, &[]);
    assert!(!waited.headers.contains_key("preference-applied"));
    assert!(long >= Duration::from_millis(1_500), "{long:?}");
    for granted in [false, true, false] {
        let (changed, long) = says(granted, &[("Prefer", "respond-async")]);
        assert_eq!(changed.headers["preference-applied"], "respond-async");
        assert!(long < Duration::from_millis(1_000), "{long:?}");
    }
    let late = member.get("/users/me/consents");
    assert_eq!((late.status, late.code()), (503, "NOT_SHOWN_YET"));
    held.goes_on();
    let begun = Instant::now();
    let consents = loop {
        let read = member.get("/users/me/consents");
        if read.status == 200 {
            break read.data();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{read:?}");
    };
    let consents = consents.as_array().unwrap().iter();
    let mut said = consents.filter(|consent| consent["purpose"] == "BREACH_LOOKUP");
    assert_eq!(said.next().unwrap()["granted"], false);
}

#[test]
fn alerts_matches_scans_and_plan_are_shown_as_they_were_served_then() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let paths = ["/alerts", "/scans", "/protection-plan", "/matches/flagged"];
    let mut served: Vec<(i64, Vec<Value>)> = Vec::new();
    let look = |as_of: Option<&str>| {
        let asked = |path: &&str| match as_of {
            Some(moment) => member.get(&format!("{path}?asOf={moment}")),
            None => member.get(path),
        };
        let reads: Vec<_> = paths.iter().map(asked).collect();
        let after = member.get("/users/me");
        // A picture of one moment: everything was shown before, and nothing happened until after.
        let position = number(&after, "vara-position");
        let quiet = |read: &Answer| {
            number(read, "vara-position") == position && number(read, "vara-lag-ms") == 0
        };
        let is_one = as_of.is_some() || reads.iter().chain([&after]).all(quiet);
        let shown = reads
            .into_iter()
            .map(|read| read.body["data"].clone())
            .collect();
        is_one.then_some((position, shown))
    };
    served.extend(look(None));
    member.uploads(sandbox::demo_picture());
    served.extend(look(None));
    let scan = member.starts_a_scan();
    for _ in 0..60 {
        served.extend(look(None));
    }
    member.waits_for(&scan, Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(800));
    served.extend(look(None));
    assert!(served.len() >= 3, "{}", served.len());
    assert_ne!(served.first().unwrap().1, served.last().unwrap().1);
    for (position, then) in &served {
        let (_, again) = look(Some(&position.to_string())).unwrap();
        assert_eq!(&again, then, "as of {position}");
    }
    for wrong in ["yesterday", "999999999", "2026-13-01"] {
        let read = member.get(&format!("/alerts?asOf={wrong}"));
        assert_eq!(read.status, 400, "{wrong}: {read:?}");
    }
    // An answer about the past says of which moment it is; the moment of a time is one that can be asked for again.
    for (position, _) in &served {
        for path in paths {
            let read = member.get(&format!("{path}?asOf={position}"));
            assert_eq!(number(&read, "vara-position"), *position, "{path}");
            assert!(!read.headers.contains_key("vara-lag-ms"), "{path}");
        }
    }
    let time = eventstore::edge::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let read = member.get(&format!("/alerts?asOf={time}"));
    let position = number(&read, "vara-position");
    Member::joins(&vara.api);
    let again = member.get(&format!("/alerts?asOf={time}"));
    assert_eq!(
        (number(&again, "vara-position"), &again.body),
        (position, &read.body)
    );
    let at = member.get(&format!("/alerts?asOf={position}"));
    assert_eq!(
        (number(&at, "vara-position"), at.body),
        (position, read.body)
    );
    // Before she came there was nothing; of somebody else's past nothing is told.
    let before = member.get("/alerts?asOf=2026-01-01T00:00:00Z");
    assert_eq!(before.body["data"], json!([]));
    let other = Member::joins(&vara.api);
    let (last, _) = served.last().unwrap();
    let theirs = other.get(&format!("/alerts?asOf={last}"));
    assert_eq!(theirs.body["data"], json!([]));
}
