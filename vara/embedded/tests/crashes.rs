//! What happens when a server, or Vara itself, is killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use embedded::Service;

mod place;
use place::{Place, ask, greeting, kill, lives, start_on, until};

const FOLDER_FOR_THE_VICTIM: &str = "EMBEDDED_TEST_FOLDER";

#[test]
fn a_killed_server_comes_back_on_the_same_port() {
    let place = Place::new();
    let stack = place.start();
    let (postgres, nats) = (
        stack.database_url("vara").unwrap(),
        stack.nats_url().unwrap(),
    );
    ask(
        &postgres,
        "CREATE TABLE kept AS SELECT generate_series(1, 1000)",
    )
    .unwrap();

    let (old_postgres, old_nats) = (stack.pid(Service::Postgres), stack.pid(Service::Nats));
    kill(old_nats.unwrap());
    kill(old_postgres.unwrap());
    until("NATS answers", || greeting(&nats).is_some());
    until("PostgreSQL answers", || ask(&postgres, "SELECT 1").is_ok());
    assert_eq!(ask(&postgres, "SELECT count(*) FROM kept").unwrap(), "1000");
    assert_ne!(stack.pid(Service::Postgres), old_postgres);
    assert_ne!(stack.pid(Service::Nats), old_nats);

    let backend = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    kill(ask(&postgres, backend).unwrap().parse().unwrap());
    let took = until("PostgreSQL answers", || ask(&postgres, "SELECT 1").is_ok());
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_postmaster_killed_with_a_busy_backend_comes_back() {
    let place = Place::new();
    let stack = place.start();
    let postgres = stack.database_url("vara").unwrap();
    let busy = postgres.clone();
    let client = std::thread::spawn(move || ask(&busy, "SELECT pg_sleep(60), 'canary-asleep'"));
    until("the client is busy", || {
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%canary-asleep%' \
                    AND pid <> pg_backend_pid()";
        ask(&postgres, busy).unwrap() == "1"
    });
    kill(stack.pid(Service::Postgres).unwrap());
    until("PostgreSQL answers", || ask(&postgres, "SELECT 1").is_ok());
    assert!(client.join().unwrap().is_err());
}

#[test]
fn no_value_of_a_failing_statement_reaches_the_log() {
    let place = Place::new();
    let stack = place.start();
    let url = stack.database_url("vara").unwrap();
    ask(
        &url,
        "CREATE TABLE her (name text PRIMARY KEY CHECK (name <> 'canary-check'))",
    )
    .unwrap();
    ask(&url, "INSERT INTO her VALUES ('canary-unique')").unwrap();
    for failing in [
        "INSERT INTO her VALUES ('canary-unique')",
        "INSERT INTO her VALUES ('canary-check')",
        "SELECT 'canary-cast'::int",
        "SELECT canary_syntax FROM",
        "DO $$ BEGIN RAISE EXCEPTION 'canary-raised'; END $$",
        "DO $$ BEGIN RAISE WARNING 'canary-warned'; PERFORM 1 / 0; END $$",
    ] {
        assert!(ask(&url, failing).is_err(), "{failing}");
    }
    // A crash names the statement that ran.
    let crash = "SELECT pg_backend_pid(), 'canary-crash', pg_sleep(60)";
    let client = std::thread::spawn({
        let url = url.clone();
        move || ask(&url, crash)
    });
    let find = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%canary-crash%' \
                AND pid <> pg_backend_pid()";
    until("the client is busy", || {
        !ask(&url, find).unwrap().is_empty()
    });
    kill(ask(&url, find).unwrap().parse().unwrap());
    assert!(client.join().unwrap().is_err());
    until("PostgreSQL answers", || ask(&url, "SELECT 1").is_ok());

    let log = std::fs::read_to_string(place.data().join("logs/postgres.log")).unwrap();
    assert!(log.contains("terminated by signal 9"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn a_killed_vara_leaves_no_server_behind_and_the_next_start_works() {
    let place = Place::new();
    let (mut victim, pids) = a_vara_on(&place.data());
    assert!(pids.iter().all(|pid| lives(*pid)));

    kill(victim.id());
    victim.wait().unwrap();
    // At once, while the old servers may still be ending.
    let stack = place.start();
    assert!(!pids.iter().any(|pid| lives(*pid)));
    assert_eq!(
        ask(&stack.database_url("vara").unwrap(), "SELECT 1").unwrap(),
        "1"
    );
    assert!(greeting(&stack.nats_url().unwrap()).is_some());
}

#[test]
#[cfg(target_os = "linux")]
fn the_servers_of_a_killed_vara_end_by_themselves() {
    let place = Place::new();
    let (mut victim, pids) = a_vara_on(&place.data());
    kill(victim.id());
    victim.wait().unwrap();
    until("the servers end", || !pids.iter().any(|pid| lives(*pid)));
    let log = std::fs::read_to_string(place.data().join("logs/postgres.log")).unwrap();
    assert!(
        log.contains("database system is shut down"),
        "it ended in order: {log}"
    );
}

/// Another process with a stack on this folder, and the process ids of its servers.
fn a_vara_on(data: &Path) -> (Child, Vec<u32>) {
    let mut vara = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([
            "--exact",
            "a_vara_that_will_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER_FOR_THE_VICTIM, data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started again");
    let mut lines = BufReader::new(vara.stdout.take().expect("it is piped")).lines();
    let pids = lines.find_map(|line| Some(line.ok()?.split_once("servers: ")?.1.to_owned()));
    let pids = pids.expect("it tells the process ids of its servers");
    (
        vara,
        pids.split(' ')
            .map(|pid| pid.parse().expect("a number"))
            .collect(),
    )
}

#[test]
#[ignore = "not a test by itself: others start it as a process of its own and kill it"]
fn a_vara_that_will_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER_FOR_THE_VICTIM) else {
        return;
    };
    let stack = start_on(Path::new(&folder));
    let pid = |service| stack.pid(service).unwrap();
    println!("servers: {} {}", pid(Service::Postgres), pid(Service::Nats));
    std::thread::sleep(Duration::from_secs(60));
}
