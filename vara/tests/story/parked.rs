//! What cannot be used is parked for each kind of reader, and is used, or let go, by one command.

use crate::member::Member;
use crate::running::Vara;
use domain::scan::{ScanEvent, ScanKind, ScanSlot};
use eventstore::edge::{fresh_id, now};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Does something to the database as its owner, behind the program's back.
fn behind<T, F>(vara: &Vara, act: impl FnOnce(sqlx::PgPool) -> F) -> T
where
    F: Future<Output = T>,
{
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        act(pool).await
    })
}

/// Records a fact of hers as no program of ours would; its event id.
fn records(vara: &Vara, who: Uuid, slot: Uuid, payload: Value) -> Uuid {
    let id = fresh_id();
    let why = json!({
        "subject": who, "actor": format!("user:{who}"), "request_id": id, "cause_id": id,
        "correlation_id": id, "command_id": id,
    });
    behind(vara, |pool| async move {
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                                 event_id)
             VALUES ('scan', $1, 1, 'ScanStarted', '1', $2::text::json, $3::text::json, $4)",
        )
        .bind(slot.to_string())
        .bind(payload.to_string())
        .bind(why.to_string())
        .bind(id)
        .execute(&pool)
        .await
        .unwrap();
    });
    id
}

/// Stands for a program that can read it: the fact is put right.
fn is_put_right(vara: &Vara, event: Uuid, payload: Value) {
    behind(vara, |pool| async move {
        let mut db = pool.acquire().await.unwrap();
        for change in [
            "ALTER TABLE events DISABLE TRIGGER USER",
            "UPDATE events SET payload = $2::text::json WHERE event_id = $1",
            "ALTER TABLE events ENABLE TRIGGER USER",
        ] {
            let change = match change.contains("$1") {
                true => sqlx::query(change).bind(event).bind(payload.to_string()),
                false => sqlx::query(change),
            };
            change.execute(&mut *db).await.unwrap();
        }
    });
}

/// What is parked, by reader, once these readers have something there.
fn parked(vara: &Vara, readers: &[&str]) -> BTreeMap<String, String> {
    let begun = Instant::now();
    loop {
        let rows: Vec<(String, Uuid)> = behind(vara, |pool| async move {
            let parked = sqlx::query_as("SELECT reader, id FROM parked WHERE let_go_at IS NULL");
            parked.fetch_all(&pool).await.unwrap()
        });
        let (words, code) = vara.run(&["parked", "list"]);
        assert_eq!(code, 0, "{words}");
        let named = |reader: &&str| rows.iter().any(|(name, _)| name == reader);
        if readers.iter().all(named) && rows.len() == readers.len() {
            assert!(
                rows.iter().all(|(_, id)| words.contains(&id.to_string())),
                "{words}"
            );
            let rows = rows.into_iter();
            return rows.map(|(reader, id)| (reader, id.to_string())).collect();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{rows:?}\n{}",
            vara.log()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn agree(vara: &Vara, read_models: &[&str]) {
    for name in read_models {
        let (words, code) = vara.run(&["projections", "check", name]);
        assert_eq!(code, 0, "{words}");
    }
}

#[test]
fn a_fact_that_nobody_could_use_is_taken_up_by_worker_policies_and_read_models_once_it_can_be() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    let image = member
        .uploads(sandbox::demo_picture())
        .parse::<Uuid>()
        .unwrap();
    let me = member.get("/users/me").data()["id"].clone();
    let me: Uuid = me.as_str().unwrap().parse().unwrap();
    let slot = ScanSlot::id(me.into(), ScanKind::ImageScan);
    let broken = json!({ "ScanStarted": { "scan_id": "no id" } });
    let event = records(&vara, me, slot, broken);
    let items = parked(&vara, &["image-scan", "policies", "scans", "streams"]);
    // Others go on meanwhile.
    Member::joins(&vara.api).uploads(sandbox::demo_picture());
    for (reader, id) in &items {
        let (words, code) = vara.run(&["parked", "show", id]);
        assert!(
            code == 0 && words.contains(&event.to_string()),
            "{reader}: {words}"
        );
        assert!(!words.contains("no id"), "values are told nowhere: {words}");
    }
    for reader in ["policies", "scans", "streams"] {
        let (words, code) = vara.run(&["parked", "retry", &items[reader]]);
        assert!(
            code != 0 && words.contains("it still waits"),
            "{reader}: {words}"
        );
    }
    // Let go, a read model leaves the stream out as before, and says so no more than once.
    let (words, code) = vara.run(&["parked", "drop", &items["streams"]]);
    assert_eq!(code, 0, "{words}");
    parked(&vara, &["image-scan", "policies", "scans"]);
    let (words, _) = vara.run(&["parked", "list"]);
    assert!(
        words.contains("Let go: streams leaves out scan/"),
        "{words}"
    );
    agree(&vara, &["scans", "streams"]);
    let (words, code) = vara.run(&["projections", "rebuild", "streams"]);
    assert_eq!(code, 0, "{words}");
    parked(&vara, &["image-scan", "policies", "scans"]);

    let scan = fresh_id();
    let started = ScanEvent::ScanStarted {
        owner: me.into(),
        scan_id: scan.into(),
        kind: ScanKind::ImageScan,
        target: None,
        images: vec![image.into()],
        started_at: now(),
    };
    is_put_right(&vara, event, serde_json::to_value(started).unwrap());
    let (words, code) = vara.run(&["parked", "retry", &items["image-scan"]]);
    assert_eq!(code, 0, "{words}");
    assert!(
        !member.is_told(1).is_empty(),
        "the worker has done its work"
    );
    // The scan's own events wait behind the first one, for those who could not use it.
    let unseen = member.get(&format!("/scans/{scan}"));
    assert_eq!(unseen.status, 404, "{unseen:?}");
    for reader in ["policies", "scans", "streams"] {
        let (words, code) = vara.run(&["parked", "retry", &items[reader]]);
        assert_eq!(code, 0, "{reader}: {words}\n{}", vara.log());
    }
    let seen = member.waits_for(&scan.to_string(), Duration::from_secs(20));
    assert_eq!(seen["status"], "COMPLETED");
    let (words, code) = vara.run(&["parked", "list"]);
    assert!(code == 0 && words.trim() == "Nothing is parked.", "{words}");
    agree(&vara, &["scans", "streams", "matches", "alerts", "plan"]);
}

#[test]
fn what_is_let_go_stays_out_and_its_reader_goes_on() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let me = member.get("/users/me").data()["id"].clone();
    let me: Uuid = me.as_str().unwrap().parse().unwrap();
    // A stream of its own, so that hers goes on.
    let broken = json!({ "ScanStarted": { "scan_id": "no id" } });
    records(&vara, me, fresh_id(), broken);
    let items = parked(&vara, &["image-scan", "policies", "scans", "streams"]);
    for id in items.values() {
        let (words, code) = vara.run(&["parked", "drop", id]);
        assert_eq!(code, 0, "{words}");
    }
    let (words, _) = vara.run(&["parked", "list"]);
    assert!(words.contains("Nothing is parked."), "{words}");
    let scan = member.starts_a_scan();
    let seen = member.waits_for(&scan, Duration::from_secs(20));
    assert_eq!(seen["status"], "COMPLETED");
    assert!(!member.is_told(1).is_empty());
    agree(&vara, &["scans", "streams"]);
}
