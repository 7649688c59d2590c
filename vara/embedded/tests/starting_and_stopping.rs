//! What a user sees of the servers from the first start to the last stop.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;
use std::time::{Duration, Instant};

use embedded::{Service, Stack, StackError, binaries};

mod place;
use place::{Place, ask, greeting, jetstream, lives};

const NEW_STREAM: &str = r#"{"name":"facts","subjects":["vara.>"]}"#;

#[test]
fn a_first_start_makes_both_servers_answer_and_a_second_finds_everything_again() {
    let place = Place::new();
    let stack = place.start();
    let (postgres, nats) = (
        stack.database_url("vara").unwrap(),
        stack.nats_url().unwrap(),
    );

    assert!(
        ask(&postgres, "SHOW server_version")
            .unwrap()
            .starts_with("18.")
    );
    ask(&postgres, "CREATE EXTENSION vector").unwrap();
    assert_eq!(
        ask(&postgres, "SELECT '[1,2]'::vector <-> '[4,6]'::vector").unwrap(),
        "5"
    );
    assert_eq!(ask(&postgres, "SHOW data_checksums").unwrap(), "on");
    assert_eq!(
        ask(&postgres, "SELECT upper('é') || lower('Ä')").unwrap(),
        "Éä"
    );
    ask(
        &postgres,
        "CREATE TABLE kept (fact text); INSERT INTO kept VALUES ('one')",
    )
    .unwrap();
    let greeted = greeting(&nats).unwrap();
    assert!(greeted.contains("\"jetstream\":true"), "{greeted}");
    assert!(greeted.contains("\"max_payload\":1048576"), "{greeted}");
    let made = jetstream(&nats, "$JS.API.STREAM.CREATE.facts", NEW_STREAM);
    assert!(made.contains("\"did_create\":true"), "{made}");

    let begun = Instant::now();
    stack.stop();
    let stack = place.start();
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stack.database_url("vara").unwrap(), postgres);
    assert_eq!(stack.nats_url().unwrap(), nats);
    assert_eq!(ask(&postgres, "SELECT fact FROM kept").unwrap(), "one");
    let found = jetstream(&nats, "$JS.API.STREAM.INFO.facts", "");
    assert!(found.contains("\"messages\":0"), "{found}");
}

#[test]
fn a_stopped_stack_leaves_no_process_and_a_deleted_jetstream_folder_is_made_anew() {
    let place = Place::new();
    let stack = place.start();
    let pids = [Service::Postgres, Service::Nats].map(|service| stack.pid(service).unwrap());
    let made = jetstream(
        &stack.nats_url().unwrap(),
        "$JS.API.STREAM.CREATE.facts",
        NEW_STREAM,
    );
    assert!(made.contains("\"did_create\":true"), "{made}");
    stack.stop();
    assert!(!pids.into_iter().any(lives));

    fs::remove_dir_all(place.data().join("jetstream")).unwrap();
    let stack = place.start();
    let found = jetstream(&stack.nats_url().unwrap(), "$JS.API.STREAM.INFO.facts", "");
    assert!(found.contains("stream not found"), "{found}");
}

#[test]
fn secrets_are_for_their_owner_alone_and_stand_on_no_command_line() {
    let place = Place::new();
    let stack = place.start();
    for (path, mode) in [
        ("secrets/password", 0o600),
        ("secrets/nats.conf", 0o600),
        ("logs/postgres.log", 0o600),
        ("logs/nats.log", 0o600),
        ("logs", 0o700),
        ("postgres", 0o700),
        ("jetstream", 0o700),
    ] {
        assert_eq!(place.mode(path), mode, "{path}");
    }
    assert!(!place.data().join("secrets/initdb").exists());

    let password = fs::read_to_string(place.data().join("secrets/password")).unwrap();
    let listed = Command::new("ps").args(["axww", "-o", "command="]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("nats-server"), "{listed}");
    assert!(!listed.contains(&password));
    let url = stack
        .database_url("vara")
        .unwrap()
        .replace(&password, "guessed");
    assert!(
        ask(&url, "SELECT 1")
            .unwrap_err()
            .contains("password authentication failed")
    );
    assert!(!format!("{stack:?}").contains(&password));
}

#[test]
fn root_runs_the_servers_as_nobody() {
    let place = Place::new();
    if fs::metadata(place.data().parent().unwrap()).unwrap().uid() != 0 {
        return;
    }
    let stack = place.start();
    for service in [Service::Postgres, Service::Nats] {
        let process = format!("/proc/{}", stack.pid(service).unwrap());
        assert_eq!(fs::metadata(&process).unwrap().uid(), 65534, "{service}");
    }
    assert_eq!(
        fs::metadata(place.data().join("secrets/password"))
            .unwrap()
            .uid(),
        0
    );
    assert_eq!(
        fs::metadata(place.data().join("postgres")).unwrap().uid(),
        65534
    );
    stack.stop();

    let closed = place.data().parent().unwrap().to_path_buf();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let refusal = Stack::start(place.options()).unwrap_err();
    assert!(
        matches!(&refusal, StackError::Unreachable { folder, uid: 65534 } if *folder == closed),
        "{refusal}"
    );
}

#[test]
fn ctrl_c_at_a_terminal_does_not_reach_the_servers() {
    let place = Place::new();
    let options = embedded::StackOptions {
        postgres: false,
        ..place.options()
    };
    let stack = Stack::start(options).unwrap();
    let pid = stack.pid(Service::Nats).unwrap().to_string();
    let group = Command::new("ps")
        .args(["-o", "pgid=", "-p", &pid])
        .output();
    let group = String::from_utf8(group.unwrap().stdout).unwrap();
    assert_eq!(group.trim(), pid, "a server leads a group of its own");
}

#[test]
fn two_stacks_on_one_folder_are_refused() {
    let place = Place::new();
    let options = embedded::StackOptions {
        postgres: false,
        ..place.options()
    };
    let first = Stack::start(options.clone()).unwrap();
    assert_eq!(first.database_url("vara"), None);
    assert!(first.create_database("more", None).is_err());
    let second = Stack::start(options.clone()).unwrap_err();
    assert!(matches!(second, StackError::InUse { .. }), "{second}");
    first.stop();
    Stack::start(options).unwrap();
}

#[test]
fn a_port_that_somebody_took_meanwhile_is_replaced() {
    let place = Place::new();
    let options = embedded::StackOptions {
        postgres: false,
        ..place.options()
    };
    let stack = Stack::start(options.clone()).unwrap();
    let url = stack.nats_url().unwrap();
    stack.stop();
    let _taken = TcpListener::bind(url.rsplit('@').next().unwrap()).unwrap();
    let stack = Stack::start(options).unwrap();
    assert_ne!(stack.nats_url().unwrap(), url);
    assert!(
        greeting(&stack.nats_url().unwrap())
            .unwrap()
            .starts_with("INFO ")
    );
}

#[test]
#[ignore = "fetches 32 MB; run it after a change of the pins"]
fn two_first_starts_at_once_fetch_once_and_both_find_the_servers() {
    let cache = tempfile::tempdir().unwrap();
    let fetch = || binaries(cache.path(), true).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(fetch);
        assert!(fetch().nats_server().is_file());
        assert!(other.join().unwrap().postgres("pg_dump").is_file());
    });
    let mut left: Vec<_> = fs::read_dir(cache.path()).unwrap().flatten().collect();
    left.retain(|entry| entry.file_name() != "fetch.lock");
    assert_eq!(left.len(), 1, "{left:?}");
}
