//! After an erasure nothing of hers can be read anywhere, also from a backup; and every proof stays as it was (AUD-4).

use crate::at_rest::{files, holds};
use crate::member::Member;
use crate::running::Vara;
use std::path::Path;
use std::time::Duration;

/// Runs one of PostgreSQL's own programs on the running database.
fn psql(vara: &Vara, statement: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    });
}

/// Files under a folder that hold one of these values.
fn told_in(folder: &Path, canaries: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for file in files(folder) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        if canaries
            .iter()
            .any(|canary| holds(&bytes, canary.as_bytes()))
        {
            told.push(file.strip_prefix(folder).unwrap().display().to_string());
        }
    }
    // The little web is the outside world.
    told.retain(|file| !file.starts_with("sandbox-web/"));
    told
}

#[test]
fn nothing_of_hers_is_left_and_every_proof_is_byte_for_byte_the_same() {
    let vara = Vara::start();
    let (ana, eva) = (Member::joins(&vara.api), Member::joins(&vara.api));
    let image = ana.uploads(sandbox::demo_picture());
    ana.waits_for(&ana.starts_a_scan(), Duration::from_secs(20));
    let found = ana
        .get(&format!("/images/{image}/matches?limit=100"))
        .data();
    let me = ana.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut canaries = vec![ana.email.clone()];
    for page in found.as_array().unwrap() {
        canaries.push(page["sourceUrl"].as_str().unwrap().to_owned());
    }
    // A generation to fall back to holds her rows as well.
    let (words, code) = vara.run(&["projections", "rebuild", "alerts"]);
    assert_eq!(code, 0, "{words}");
    std::thread::sleep(Duration::from_millis(1_500));
    let (proof, code) = vara.run(&["audit", "prove", "2"]);
    assert_eq!(code, 0, "{proof}");

    let (receipt, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{receipt}");
    let start = receipt.find('{').unwrap();
    let receipt: serde_json::Value =
        serde_json::from_str(&receipt[start..=receipt.rfind('}').unwrap()]).unwrap();
    assert_eq!(receipt["subject"], me.as_str());
    assert_eq!(receipt["signInAccountDeleted"], true);
    assert!(receipt["objectsDeleted"].as_u64().unwrap() >= 4);

    let gone = ana.get("/users/me");
    assert_eq!((gone.status, gone.code()), (401, "AUTH_ACCOUNT_DELETED"));
    assert_eq!(eva.get("/users/me").status, 200, "others go on");
    // Whoever asks again gets the same erasure.
    let (again, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{again}");
    assert!(again.contains(receipt["erasureId"].as_str().unwrap()));
    let (same, _) = vara.run(&["audit", "prove", "2"]);
    let (before, after): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&proof).unwrap(),
        serde_json::from_str(&same).unwrap(),
    );
    assert_eq!(before["event"], after["event"]);
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
    for wrong in ["nobody", "018f0000-0000-7000-8000-000000000000"] {
        let (words, code) = vara.run(&["erase", wrong]);
        assert_ne!(code, 0, "{words}");
    }
    let folder = vara.stop();
    let told = told_in(&folder.path().join("data"), &canaries);
    assert!(told.is_empty(), "still told in {told:?}");
    let log = std::fs::read(folder.path().join("vara.log")).unwrap();
    assert!(!canaries.iter().any(|canary| holds(&log, canary.as_bytes())));
}

#[test]
fn a_backup_from_before_is_erased_again_before_anybody_is_served() {
    // I8: the events' database is restored, the keys' is not.
    let vara = Vara::start();
    let ana = Member::joins(&vara.api);
    let me = ana.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    psql(
        &vara,
        "CREATE TABLE public.old_events AS SELECT * FROM events;
         CREATE TABLE public.old_users AS SELECT * FROM read_users;
         CREATE TABLE public.old_checkpoints AS SELECT name, position FROM checkpoints",
    );
    let (receipt, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{receipt}");
    // As an older backup of the events' database would leave it: without the last event, with her row.
    let folder = vara.stop();
    let vara = Vara::start_on(folder, &[]);
    psql(
        &vara,
        "ALTER TABLE events DISABLE TRIGGER USER;
         DELETE FROM events WHERE position > (SELECT max(position) FROM old_events);
         ALTER TABLE events ENABLE TRIGGER USER;
         INSERT INTO read_users SELECT * FROM old_users WHERE user_id NOT IN (SELECT user_id FROM read_users);
         UPDATE checkpoints c SET position = o.position, event_id = NULL FROM old_checkpoints o WHERE o.name = c.name;
         UPDATE read_generations SET digest = NULL",
    );
    let folder = vara.kill();
    std::fs::remove_dir_all(folder.path().join("data/ledger")).unwrap();
    let vara = Vara::start_on(folder, &[]);
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
    let mut gone = ana;
    gone.moves_to(&vara.api);
    assert_eq!(gone.get("/users/me").status, 401);
    std::thread::sleep(Duration::from_millis(1_500));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let left: i64 = runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        let rows = "SELECT count(*) FROM read_users WHERE email IS NOT NULL";
        sqlx::query_scalar(rows).fetch_one(&pool).await.unwrap()
    });
    assert_eq!(left, 0);
}
