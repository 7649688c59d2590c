//! Anything killed in the middle of a scan: after a restart the story completes, and nothing is there twice.

use crate::member::Member;
use crate::running::{Vara, binary, folder};
use embedded::{Service, Stack, StackOptions};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An unacknowledged scan is handed out again after ten seconds; twice that and some more.
const LONGEST: Duration = Duration::from_secs(60);
/// Every part of Vara that can run as a process of its own.
const PARTS: [&str; 3] = ["relay", "projections", "workers"];

/// All parts as separate processes on servers of their own.
struct Pieces {
    parts: BTreeMap<&'static str, Child>,
    environment: Vec<(&'static str, String)>,
    api: String,
    stack: Option<Stack>,
    folder: TempDir,
}

impl Pieces {
    fn start() -> Self {
        let folder = folder();
        let stack = Stack::start(StackOptions {
            data: folder.path().join("servers"),
            cache: embedded::default_cache(),
            postgres: true,
            nats: true,
            quiet: true,
        })
        .unwrap();
        let environment = vec![
            ("DATABASE_URL", stack.database_url("vara").unwrap()),
            ("NATS_URL", stack.nats_url().unwrap()),
            (
                "VARA_DATA_DIR",
                folder.path().join("data").display().to_string(),
            ),
            // Slow enough to be killed in the middle of the work on each picture.
            ("VARA_TINEYE_KEY", "slow:700".to_owned()),
        ];
        let mut pieces = Self {
            parts: BTreeMap::new(),
            environment,
            api: String::new(),
            stack: Some(stack),
            folder,
        };
        std::fs::create_dir_all(pieces.folder.path().join("data")).unwrap();
        assert!(pieces.command("migrate").status().unwrap().success());
        let sandbox = pieces.begin_at_a_free_port();
        pieces
            .environment
            .push(("VARA_TINEYE_URL", format!("{sandbox}/rest")));
        for part in PARTS {
            pieces.begin(part);
        }
        pieces.begin_api();
        pieces
    }

    fn command(&self, part: &str) -> Command {
        let mut command = binary();
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.path().join(format!("{part}.log")))
            .unwrap();
        command.arg(part).stdout(Stdio::null()).stderr(log);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn begin(&mut self, part: &'static str) {
        let child = self.command(part).spawn().unwrap();
        self.parts.insert(part, child);
    }

    fn begin_api(&mut self) {
        let ready = self.folder.path().join("api.json");
        drop(std::fs::remove_file(&ready));
        let mut command = self.command("api");
        let child = command
            .args(["--port", "0", "--ready-file"])
            .arg(&ready)
            .spawn()
            .unwrap();
        self.parts.insert("api", child);
        let there = std::panic::catch_unwind(|| read_when_there(&ready));
        let Ok(addresses) = there else {
            panic!("the API never came\n{}", self.logs())
        };
        self.api = addresses["api"].as_str().unwrap().to_owned();
    }

    fn begin_at_a_free_port(&mut self) -> String {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = self
            .command("sandbox")
            .args(["--port", &port.to_string()])
            .spawn()
            .unwrap();
        self.parts.insert("sandbox", child);
        format!("http://127.0.0.1:{port}")
    }

    fn kill(&mut self, part: &'static str) {
        let mut child = self.parts.remove(part).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn kill_server(&self, server: Service) {
        let pid = self
            .stack
            .as_ref()
            .unwrap()
            .pid(server)
            .unwrap()
            .to_string();
        assert!(
            Command::new("kill")
                .args(["-KILL", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn logs(&self) -> String {
        let read = |part: &&str| {
            let path = self.folder.path().join(format!("{part}.log"));
            format!(
                "--- {part}\n{}",
                std::fs::read_to_string(path).unwrap_or_default()
            )
        };
        ["relay", "projections", "workers", "api"]
            .iter()
            .map(read)
            .collect()
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        for child in self.parts.values_mut() {
            drop(child.kill());
            drop(child.wait());
        }
        if let Some(stack) = self.stack.take() {
            stack.stop();
        }
    }
}

fn read_when_there(path: &Path) -> Value {
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read(path) {
            return serde_json::from_slice(&text).unwrap();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A scan of two pictures, something killed in the middle, then the whole again.
fn survives(what: &str, kill: impl FnOnce(&mut Pieces)) {
    let mut pieces = Pieces::start();
    let mut member = Member::joins(&pieces.api);
    let images = [
        member.uploads(sandbox::demo_picture()),
        member.uploads(&longer_picture()),
    ];
    let scan = member.starts_a_scan();
    // Between a tenth of a second and the middle of the second picture, differently in each run.
    std::thread::sleep(Duration::from_millis(
        100 + u64::from(std::process::id() % 900),
    ));
    kill(&mut pieces);
    member.moves_to(&pieces.api);
    let over = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        member.waits_for(&scan, LONGEST)
    }));
    let Ok(over) = over else {
        panic!("{what}: the scan hangs\n{}", pieces.logs())
    };
    assert_eq!(over["status"], "COMPLETED", "{what}: {over}");
    is_there_once(&member, &images, what);
}

fn is_there_once(member: &Member, images: &[String], what: &str) {
    let mut pages = 0;
    let mut matches = BTreeSet::new();
    for image in images {
        let found = member
            .get(&format!("/images/{image}/matches?limit=100"))
            .data();
        let found = found.as_array().unwrap().clone();
        let distinct: BTreeSet<_> = found
            .iter()
            .map(|page| page["sourceUrl"].to_string())
            .collect();
        assert_eq!(distinct.len(), found.len(), "{what}: a page twice");
        pages += found.len();
        matches.extend(found.iter().map(|page| page["id"].to_string()));
    }
    assert!(pages >= 8, "{what}: both pictures were found");
    let told = member.is_told(pages);
    let causes: BTreeSet<_> = told
        .iter()
        .map(|a| a["metadata"]["matchId"].to_string())
        .collect();
    assert_eq!(told.len(), pages, "{what}: one cause, one alert");
    assert_eq!(causes, matches, "{what}: every match is told once");
    assert_eq!(member.has_to_do(1).len(), 1, "{what}: one item");
}

/// Another file, the same picture: bytes after its end change the hash and nothing else.
fn longer_picture() -> Vec<u8> {
    let mut picture = sandbox::demo_picture().to_vec();
    picture.push(0);
    picture
}

#[test]
fn the_worker_may_be_killed() {
    survives("worker", |pieces| {
        pieces.kill("workers");
        pieces.begin("workers");
    });
}

#[test]
fn the_relay_may_be_killed() {
    survives("relay", |pieces| {
        pieces.kill("relay");
        std::thread::sleep(Duration::from_millis(300));
        pieces.begin("relay");
    });
}

#[test]
fn the_projections_may_be_killed() {
    survives("projections", |pieces| {
        pieces.kill("projections");
        std::thread::sleep(Duration::from_millis(300));
        pieces.begin("projections");
    });
}

#[test]
fn the_api_may_be_killed() {
    survives("api", |pieces| {
        pieces.kill("api");
        pieces.begin_api();
    });
}

#[test]
fn nats_may_be_killed() {
    survives("NATS", |pieces| pieces.kill_server(Service::Nats));
}

#[test]
fn postgresql_may_be_killed() {
    survives("PostgreSQL", |pieces| pieces.kill_server(Service::Postgres));
}

#[test]
fn everything_may_be_killed_at_once() {
    let vara = Vara::start_with(&[("VARA_TINEYE_KEY", "slow:700")]);
    let mut member = Member::joins(&vara.api);
    let images = [
        member.uploads(sandbox::demo_picture()),
        member.uploads(&longer_picture()),
    ];
    let scan = member.starts_a_scan();
    std::thread::sleep(Duration::from_millis(300));
    let folder = vara.kill();
    let vara = Vara::start_on(folder, &[]);
    member.moves_to(&vara.api);
    let over = member.waits_for(&scan, LONGEST);
    assert_eq!(over["status"], "COMPLETED");
    is_there_once(&member, &images, "everything");
}
