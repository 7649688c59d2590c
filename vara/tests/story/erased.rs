//! After an erasure nothing of hers can be read anywhere, also from a backup; and every proof stays as it was (AUD-4).

use crate::at_rest::{files, holds};
use crate::canaries::{Canaries, dumps};
use crate::member::Member;
use crate::pieces::png;
use crate::proven::{is_signed, verify};
use crate::running::{Vara, folder};
use crate::vectors::MODEL;
use eventstore::stored::Stored;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs one of PostgreSQL's own programs on the running database.
fn psql(vara: &Vara, statement: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    });
}

fn id_of(member: &Member) -> String {
    let me = member.get("/users/me").data();
    me["id"].as_str().unwrap().to_owned()
}

fn receipt_in(words: &str) -> Value {
    let (start, end) = (words.find('{').unwrap(), words.rfind('}').unwrap());
    serde_json::from_str(&words[start..=end]).unwrap()
}

/// A member of whom everything is kept that Vara keeps, her row also in a generation to fall back to.
fn everything_kept(vara: &Vara) -> (Member, String, Canaries) {
    let ana = Member::joins(&vara.api);
    let image = ana.uploads(sandbox::demo_picture());
    ana.waits_for(&ana.starts_a_scan(), Duration::from_secs(20));
    let me = id_of(&ana);
    let canaries = Canaries::of(vara, &ana, &me, &image);
    for model in ["alerts", "images"] {
        let (words, code) = vara.run(&["projections", "rebuild", model]);
        assert_eq!(code, 0, "{words}");
    }
    (ana, me, canaries)
}

/// The search works: what read models show is found in files and dumps, and whatever else is left in the clear.
fn are_found(vara: &Vara, canaries: &Canaries) {
    psql(vara, "CHECKPOINT");
    std::fs::write(vara.data().join("planted"), canaries.in_the_clear()).unwrap();
    let told = canaries.told_in(&vara.data());
    std::fs::remove_file(vara.data().join("planted")).unwrap();
    let planted = told.iter().find(|(file, _)| file == "planted").unwrap();
    assert_eq!(planted.1, canaries.names());
    let shown = [
        "her e-mail address",
        "page 0",
        "hash, bytes",
        "vector, as stored",
    ];
    let in_tables = |name| {
        let in_postgres = told
            .iter()
            .filter(|(file, _)| file.starts_with("postgres/base/"));
        in_postgres.clone().any(|(_, names)| names.contains(name))
    };
    assert!(shown.into_iter().all(in_tables), "{told:?}");
    let dumped = [
        "her e-mail address",
        "page 0",
        "hash, bits as text",
        "vector, text",
    ];
    assert_eq!(
        canaries
            .told_by(&dumps(vara))
            .into_iter()
            .filter(|name| dumped.contains(name))
            .count(),
        4
    );
}

#[test]
fn nothing_of_hers_is_left_in_files_dumps_and_logs() {
    // AUD-4, I8
    let vara = Vara::start_with(&[("VARA_CLIP_MODEL", MODEL)]);
    let web = files(&vara.data().join("sandbox-web"));
    let eva = Member::joins(&vara.api);
    let (ana, me, canaries) = everything_kept(&vara);
    are_found(&vara, &canaries);

    let (words, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{words}");
    let receipt = receipt_in(&words);
    assert_eq!(receipt["subject"], me.as_str());
    assert_eq!(receipt["signInAccountDeleted"], true);
    assert_eq!(receipt["objectsDeleted"], 4);
    assert!(receipt["rowsDeleted"]["snapshots"].is_u64(), "{receipt}");
    assert_eq!(receipt["rowsDeleted"]["picture_keys"], 1, "{receipt}");
    let engine = &receipt["sentOutside"]["engines"][0];
    assert_eq!(
        (&engine["engine"], &engine["answered"]),
        (&"tineye".into(), &1.into())
    );
    let gone = ana.get("/users/me");
    assert_eq!((gone.status, gone.code()), (401, "AUTH_ACCOUNT_DELETED"));
    assert_eq!(eva.get("/users/me").status, 200, "others go on");
    // Whoever asks again gets the same erasure.
    let (again, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{again}");
    assert_eq!(receipt_in(&again)["erasureId"], receipt["erasureId"]);
    for wrong in ["nobody", "018f0000-0000-7000-8000-000000000000"] {
        let (words, code) = vara.run(&["erase", wrong]);
        assert_ne!(code, 0, "{words}");
    }
    assert_eq!(canaries.told_by(&dumps(&vara)), BTreeSet::new(), "a dump");
    let folder = vara.stop();
    let data = folder.path().join("data");
    assert_eq!(canaries.told_in(&data), [], "still told");
    let log = std::fs::read(folder.path().join("vara.log")).unwrap();
    assert_eq!(canaries.told_by(&log), BTreeSet::new(), "our own log");
    // The bus keeps messages as they are, and was looked at: her id is no secret and stands there.
    let bus = files(&data.join("jetstream"));
    let reads = |file: &PathBuf| holds(&std::fs::read(file).unwrap(), me.as_bytes());
    assert!(bus.iter().any(reads), "{bus:?}");
    assert_eq!(
        files(&data.join("sandbox-web")),
        web,
        "the stand-in kept a copy"
    );
}

#[test]
fn every_proof_and_every_file_of_the_tree_from_before_is_byte_for_byte_the_same() {
    // I9
    let (vara, place) = (Vara::start(), folder());
    let ana = Member::joins(&vara.api);
    ana.uploads(sandbox::demo_picture());
    let me = id_of(&ana);
    is_signed(&vara);
    let served = |path: &str| {
        let answer = reqwest::blocking::get(format!("{}/ledger/{path}", vara.api)).unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().unwrap()
    };
    let checkpoint = String::from_utf8(served("checkpoint").to_vec()).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let tile = format!("tile/0/000.p/{size}");
    let tiles = served(&tile);
    let (key, _) = vara.run(&["audit", "key"]);
    let key = key.trim();
    let (proof, export) = (place.path().join("proof.json"), place.path().join("before"));
    let write = ["audit", "prove", "1", "--out", proof.to_str().unwrap()];
    for ask in [
        &write[..],
        &["audit", "export", "--out", export.to_str().unwrap()],
    ] {
        let (words, code) = vara.run(ask);
        assert_eq!(code, 0, "{words}");
    }
    let before = all_proofs(&vara, &checkpoint, size, key);
    assert_eq!(before[0], std::fs::read_to_string(&proof).unwrap());

    let (words, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{words}");
    is_signed(&vara);
    assert_ne!(
        served("checkpoint"),
        checkpoint.as_bytes(),
        "the log went on"
    );
    assert_eq!(served(&tile), tiles);
    // Made anew from today's rows and tiles for the checkpoint of then.
    assert_eq!(all_proofs(&vara, &checkpoint, size, key), before);
    let verified = |arguments: &[&str]| {
        let (words, code) = verify(arguments);
        assert_eq!(code, 0, "{words}");
    };
    verified(&[proof.to_str().unwrap(), "--key", key]);
    verified(&[export.to_str().unwrap(), "--key", key]);
    let (older, now) = (place.path().join("older"), place.path().join("after"));
    std::fs::write(&older, &checkpoint).unwrap();
    let (words, code) = vara.run(&["audit", "export", "--out", now.to_str().unwrap()]);
    assert_eq!(code, 0, "{words}");
    verified(&[
        now.to_str().unwrap(),
        "--key",
        key,
        "--against",
        older.to_str().unwrap(),
    ]);
    let lines = |export: &Path| std::fs::read_to_string(export.join("events.jsonl")).unwrap();
    assert!(lines(&now).starts_with(&lines(&export)));
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
}

/// Proofs of every event that a checkpoint covers, as `vara audit prove` writes them.
fn all_proofs(vara: &Vara, checkpoint: &str, size: u64, key: &str) -> Vec<String> {
    let (tiles, key) = (
        proof::Tiles::at(&vara.data().join("ledger")),
        key.parse().unwrap(),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let events = runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        let until = i64::try_from(size).unwrap();
        Stored::read(&pool, 0, until, until).await.unwrap()
    });
    assert_eq!(events.len() as u64, size);
    let proved = events.into_iter().map(|event| {
        let proof = proof::prove(&tiles, event.entry(), checkpoint, &key).unwrap();
        serde_json::to_string_pretty(&proof).unwrap() + "\n"
    });
    proved.collect()
}

#[test]
fn an_event_of_hers_that_nobody_can_read_does_not_keep_her_pictures() {
    let vara = Vara::start();
    let ana = Member::joins(&vara.api);
    for picture in [
        sandbox::demo_picture().to_vec(),
        png(200, 160, |x, y| x + y / 3.0),
    ] {
        ana.uploads(&picture);
    }
    let me = id_of(&ana);
    psql(
        &vara,
        "ALTER TABLE events DISABLE TRIGGER USER;
         UPDATE events SET payload = replace(payload::text, 'size_bytes', 'bytes')::json
          WHERE position = (SELECT min(position) FROM events WHERE event_type = 'ImageUploaded');
         ALTER TABLE events ENABLE TRIGGER USER",
    );
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_ne!(code, 0, "that event cannot be read: {words}");
    let (words, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(receipt_in(&words)["objectsDeleted"], 8);
    let left = files(&vara.data().join("objects"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_backup_from_before_is_erased_again_before_anybody_is_served() {
    // I8: the events' database is restored, the keys' is not.
    let vara = Vara::start();
    let ana = Member::joins(&vara.api);
    let me = id_of(&ana);
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
