//! What lies in the data folder tells a thief nothing: personal values stand in the clear in read models only.

use crate::member::Member;
use crate::running::Vara;
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files of the read models and their indexes, relative to the database's folder.
const OF_READ_MODELS: &str = "
    WITH shown AS (SELECT oid, reltoastrelid FROM pg_class WHERE relname LIKE 'read\\_%' AND relkind = 'r')
    SELECT pg_relation_filepath(oid) FROM shown
    UNION SELECT pg_relation_filepath(reltoastrelid) FROM shown WHERE reltoastrelid <> 0
    UNION SELECT pg_relation_filepath(i.indexrelid) FROM pg_index i JOIN shown s ON i.indrelid IN (s.oid, s.reltoastrelid)";

#[test]
fn her_address_and_the_pages_stand_in_the_clear_in_read_models_only() {
    // AUD-2, AUD-5
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    // Enough rows for the planner to want samples of them.
    let others: Vec<_> = (0..40).map(|_| Member::joins(&vara.api).email).collect();
    let image = member.uploads(sandbox::demo_picture());
    member.waits_for(&member.starts_a_scan(), Duration::from_secs(20));
    let found = member
        .get(&format!("/images/{image}/matches?limit=100"))
        .data();
    let mut canaries = vec![
        member.email.clone(),
        member.password.clone(),
        member.token.clone(),
    ];
    canaries.extend(others);
    for page in found.as_array().unwrap() {
        canaries.push(page["sourceUrl"].as_str().unwrap().to_owned());
    }
    member.is_told(found.as_array().unwrap().len());
    let (events, allowed) = asked(&vara);
    assert!(events.len() > 10);
    for event in &events {
        assert!(
            !canaries.iter().any(|canary| event.contains(canary)),
            "an event in the clear"
        );
    }
    let folder = vara.stop();
    let data = folder.path().join("data");
    let mut searched = 0;
    let mut in_read_models = false;
    for file in files(&data) {
        let relative = file
            .strip_prefix(&data)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        // The little web is the outside world; the write-ahead log repeats what read models hold.
        if relative.starts_with("sandbox-web/") || relative.starts_with("postgres/pg_wal/") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        searched += 1;
        let told = canaries
            .iter()
            .any(|canary| holds(&bytes, canary.as_bytes()));
        let is_read_model = allowed.iter().any(|path| {
            let path = format!("postgres/{path}");
            relative.strip_prefix(&path).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with('_')
            })
        });
        assert!(
            !told || is_read_model,
            "{relative} holds a personal value in the clear"
        );
        in_read_models |= told;
    }
    let log = std::fs::read(folder.path().join("vara.log")).unwrap();
    assert!(
        !canaries.iter().any(|canary| holds(&log, canary.as_bytes())),
        "our own log"
    );
    assert!(
        in_read_models,
        "the search itself works: read models hold what she is shown"
    );
    println!(
        "{searched} files were searched for {} values",
        canaries.len()
    );
}

/// The events as they are stored, and the files that may hold what she is shown.
fn asked(vara: &Vara) -> (Vec<String>, BTreeSet<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = PgPool::connect(&vara.database_url()).await.unwrap();
        // The planner's statistics must not keep what the tables hold.
        sqlx::query("ANALYZE").execute(&pool).await.unwrap();
        let events = sqlx::query_scalar("SELECT payload::text || metadata::text FROM events");
        let events = events.fetch_all(&pool).await.unwrap();
        let allowed: Vec<String> = sqlx::query_scalar(OF_READ_MODELS)
            .fetch_all(&pool)
            .await
            .unwrap();
        (events, allowed.into_iter().collect())
    })
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

pub fn holds(bytes: &[u8], value: &[u8]) -> bool {
    let first = value[0];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(value) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[test]
fn keys_and_passwords_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let vara = Vara::start();
    for name in ["keys/master.key", "keys/identity.key", "running.json"] {
        let mode = std::fs::metadata(vara.data().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}
