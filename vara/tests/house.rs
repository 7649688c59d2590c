//! The rules of the house, as tests: who may depend on whom, who may name what, how large things may grow.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may stand on; nothing points back up.
const ARROWS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("pictures", &[]),
    ("pictures/wasm", &[]),
    ("eventstore/proof", &[]),
    ("eventstore", &["domain", "proof"]),
    ("projections", &["domain", "eventstore", "pictures"]),
    ("workers", &["domain", "eventstore", "pictures"]),
    ("api", &["domain", "eventstore", "pictures", "projections"]),
    (
        "vara/bench",
        &[
            "domain",
            "embedded",
            "eventstore",
            "intake",
            "pictures",
            "projections",
        ],
    ),
    ("vara/embedded", &[]),
    ("vara/identity", &[]),
    ("vara/intake", &["pictures"]),
    ("vara/sandbox", &["pictures"]),
    (
        "vara",
        &[
            "api",
            "bench",
            "domain",
            "embedded",
            "eventstore",
            "identity",
            "intake",
            "pictures",
            "projections",
            "proof",
            "sandbox",
            "workers",
        ],
    ),
];

/// A crate, and the places that may name it in production code.
const WHO_MAY_NAME: [(&str, &[&str]); 9] = [
    (
        "sqlx",
        &[
            "eventstore/",
            "projections/",
            "vara/bench/",
            "vara/identity/",
        ],
    ),
    ("async_nats", &["eventstore/"]),
    ("object_store", &["eventstore/src/objects"]),
    // What is measured against.
    ("postgres_es", &["eventstore/", "vara/bench/"]),
    ("pgvector", &["projections/"]),
    (
        "reqwest",
        &[
            "workers/src/providers/",
            "workers/src/fetching/",
            "api/src/identity.rs",
            "vara/src/",
        ],
    ),
    (
        "poem",
        &["api/", "vara/src/", "vara/identity/", "vara/sandbox/"],
    ),
    ("libc", &["vara/embedded/src/"]),
    ("nix", &["vara/intake/src/", "vara/bench/src/images/"]),
];

/// File names that say nothing.
const EMPTY_WORDS: [&str; 8] = [
    "utils", "util", "helpers", "helper", "common", "shared", "manager", "misc",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file of ours, as a path relative to the root.
fn files(ending: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                walk(&path, found);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let relative = |path: PathBuf| {
        path.strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    found
        .into_iter()
        .map(relative)
        .filter(|path| path.ends_with(ending))
        .collect()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// A file without its tests and comments.
fn production(path: &str) -> String {
    let text = text(path);
    let code = text.split("#[cfg(test)]").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/benches/")
        || path.contains("/examples/")
}

#[test]
fn arrows_point_down() {
    for (room, may) in ARROWS {
        let manifest = text(&format!("{room}/Cargo.toml"));
        let normal = manifest.split("[dev-dependencies]").next().unwrap();
        for (other, _) in ARROWS {
            let other = other.rsplit('/').next().unwrap();
            let depends = normal
                .lines()
                .any(|line| line.starts_with(&format!("{other}.workspace")));
            let itself = room.ends_with(other);
            assert!(
                !depends || itself || may.contains(&other),
                "{room} must not stand on {other}"
            );
        }
    }
}

#[test]
fn each_outside_crate_is_named_only_where_it_belongs() {
    for path in files(".rs").iter().filter(|path| !is_test(path)) {
        let code = production(path);
        for (name, places) in WHO_MAY_NAME {
            let named = [
                format!("{name}::"),
                format!("use {name};"),
                format!("extern crate {name}"),
            ];
            let names = code.lines().any(|line| {
                named.iter().any(|n| {
                    line.match_indices(n.as_str()).any(|(at, _)| {
                        let before = line[..at].chars().next_back();
                        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                    })
                })
            });
            let allowed = places.iter().any(|place| path.starts_with(place));
            assert!(!names || allowed, "{path} must not name {name}");
        }
    }
}

#[test]
fn the_domain_knows_no_clock_no_chance_and_no_io() {
    for path in files(".rs")
        .iter()
        .filter(|path| path.starts_with("domain/src/"))
    {
        let code = production(path);
        for word in [
            "Utc::now",
            "SystemTime",
            "Instant::now",
            "std::fs",
            "std::net",
            "tokio",
            "new_v4",
            "now_v7",
        ] {
            assert!(!code.contains(word), "{path} must not name {word}");
        }
    }
}

#[test]
fn there_is_one_sqlx_and_one_kind_of_tls() {
    let lock = text("Cargo.lock");
    let count = |name: &str| lock.matches(&format!("name = \"{name}\"\n")).count();
    assert_eq!(
        count("sqlx"),
        1,
        "postgres-es and pgvector must share one sqlx"
    );
    for other in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs"] {
        assert_eq!(
            count(other),
            0,
            "{other} has no place here: rustls with ring only"
        );
    }
}

#[test]
fn files_stay_within_a_screenful_of_screens() {
    for path in files(".rs") {
        let (all, code) = (text(&path).lines().count(), {
            let text = text(&path);
            text.split("#[cfg(test)]").next().unwrap().lines().count()
        });
        let most = if is_test(&path) { 400 } else { 300 };
        assert!(
            code <= most,
            "{path} has {code} lines without tests, {most} are allowed"
        );
        assert!(all <= 400, "{path} has {all} lines, 400 are allowed");
    }
}

#[test]
fn file_names_say_what_is_inside() {
    for path in files(".rs") {
        let stem = Path::new(&path)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert!(
            !EMPTY_WORDS.contains(&stem.as_str()),
            "{path} says nothing by its name"
        );
    }
}

#[test]
fn every_migration_can_be_taken_back() {
    let ups = files(".up.sql");
    assert!(!ups.is_empty());
    for up in ups {
        let down = up.replace(".up.sql", ".down.sql");
        assert!(root().join(&down).is_file(), "{up} has no way back");
    }
}

#[test]
fn words_that_may_reach_her_do_not_shout() {
    // GEN-2: no exclamation marks in texts of the domain and of the problems.
    let spoken = |path: &&String| {
        path.starts_with("domain/src/") || path.ends_with("api/src/problem/words.rs")
    };
    for path in files(".rs").iter().filter(spoken) {
        for literal in production(path).split('"').skip(1).step_by(2) {
            let shouts = literal.contains("! ") || literal.ends_with('!');
            assert!(
                !shouts || literal.contains("write!"),
                "{path} shouts: {literal}"
            );
        }
    }
}
