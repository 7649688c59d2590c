//! After a restore, and in a wrong folder: parts erase again before they read, and nobody makes a key that opens nothing.

use crate::running::{binary, folder};
use domain::ids::UserId;
use domain::user::{RegisterUser, User, UserCommand};
use embedded::testing::{self, TestNats};
use eventstore::edge::{fresh_id, now};
use eventstore::{MasterKey, Store, Vault, Why, migrate};
use sqlx::PgPool;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Generous: the machine may be busy with other things.
const LONGEST: Duration = Duration::from_secs(60);

/// How a process ends itself where a test asked for it: SIGABRT.
const ABORTED: i32 = 6;

/// Parts that read the log, and where each has read its first events.
pub const READING: [(&str, &str); 3] = [
    ("relay", "relay:read"),
    ("projections", "projector:read"),
    ("workers", "policy:read"),
];

/// Databases and a bus, prepared by `vara migrate`, and a data folder that is not made yet.
pub struct Ground {
    pub runtime: Runtime,
    pub events: PgPool,
    pub keys: PgPool,
    url: String,
    nats: TestNats,
    place: TempDir,
}

impl Ground {
    pub fn fresh() -> Self {
        let (runtime, url) = (Runtime::new().unwrap(), testing::database("parts", |_| {}));
        let (nats, place) = (testing::nats(), folder());
        let keys_url = format!("{url}_keys");
        let mut command = binary();
        let migrated = command.arg("migrate").env("DATABASE_URL", &url).status();
        assert!(migrated.unwrap().success());
        let (events, keys) = runtime.block_on(async {
            let events = migrate::connect(&url, 4).await.unwrap();
            (events, migrate::connect(&keys_url, 4).await.unwrap())
        });
        Self {
            runtime,
            events,
            keys,
            url,
            nats,
            place,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub fn command(&self, arguments: &[&str], data: &Path) -> Command {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.place.path().join("parts.log"));
        let mut command = binary();
        command
            .args(arguments)
            .env("DATABASE_URL", &self.url)
            .env("NATS_URL", self.nats.url())
            .env("VARA_DATA_DIR", data)
            .env("VARA_TINEYE_URL", "http://127.0.0.1:9/")
            .stdout(Stdio::null())
            .stderr(log.unwrap());
        command
    }

    /// Words and exit code of a command that ends by itself.
    pub fn run(&self, arguments: &[&str], data: &Path) -> (String, i32) {
        let mut command = self.command(arguments, data);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        (
            String::from_utf8_lossy(&words).into_owned(),
            output.status.code().unwrap_or(-1),
        )
    }

    /// A part that ends itself as it has read its first events, and so by another signal than one that fails.
    pub fn reads_with(&self, part: &str, at: &str) {
        let mut command = self.command(&[part], &self.data());
        let mut part = Part(command.env("VARA_KILL_AT", at).spawn().unwrap());
        until(at, self, || part.0.try_wait().unwrap().is_some());
        let ended = part.0.wait().unwrap();
        assert_eq!(
            ended.signal(),
            Some(ABORTED),
            "{at} was not reached: {ended}\n{}",
            self.log()
        );
    }

    /// An API that says that it is ready.
    pub fn serves(&self) -> Part {
        let ready = self.place.path().join("ready.json");
        let arguments = [
            "api",
            "--port",
            "0",
            "--ready-file",
            ready.to_str().unwrap(),
        ];
        let api = Part(self.command(&arguments, &self.data()).spawn().unwrap());
        until("the API answers", self, || ready.exists());
        api
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join("parts.log")).unwrap_or_default()
    }

    /// A member whose values are sealed under the master key of the data folder.
    pub fn member(&self) -> Erased<'_> {
        let who = UserId(fresh_id());
        std::fs::create_dir_all(self.data().join("keys")).unwrap();
        let master = MasterKey::read_or_create(&self.data().join("keys/master.key")).unwrap();
        let register = UserCommand::Register(RegisterUser {
            user_id: who,
            email: "ana@example.test".to_owned().into(),
            registered_at: now(),
        });
        let backup = self.runtime.block_on(async {
            let store = Store::open(self.events.clone(), Vault::new(self.keys.clone(), master));
            let why = Why::member(who, fresh_id(), fresh_id());
            store.execute::<User>(who.0, register, why).await.unwrap();
            let row = "SELECT wrapped, master FROM keys.subject_keys WHERE subject = $1";
            let row = sqlx::query_as(row).bind(who.0).fetch_one(&self.keys);
            row.await.unwrap()
        });
        Erased {
            ground: self,
            who,
            backup,
        }
    }
}

/// A member, and her key in an older backup of the database of keys.
pub struct Erased<'g> {
    pub ground: &'g Ground,
    pub who: UserId,
    backup: (Vec<u8>, String),
}

impl Erased<'_> {
    /// The file beside the pictures is never restored to an older state.
    fn is_in_the_file(&self) {
        let line = format!("{} {}\n", self.who, fresh_id());
        std::fs::write(self.ground.data().join("erasures.ledger"), line).unwrap();
    }

    /// The database of keys as it was before her erasure: her key is there, and no line about her.
    fn is_restored(&self) {
        let Self { who, backup, .. } = self;
        self.ground.runtime.block_on(async {
            sqlx::query("DELETE FROM keys.erasures")
                .execute(&self.ground.keys)
                .await
                .unwrap();
            sqlx::query(
                "UPDATE keys.subject_keys SET wrapped = $2, master = $3, erased_at = NULL WHERE subject = $1",
            )
            .bind(who.0)
            .bind(&backup.0)
            .bind(&backup.1)
            .execute(&self.ground.keys)
            .await
            .unwrap();
        });
        assert!(self.has_a_key());
    }

    pub fn has_a_key(&self) -> bool {
        let asked = "SELECT wrapped IS NOT NULL FROM keys.subject_keys WHERE subject = $1";
        self.asked(asked)
    }

    fn has_a_receipt(&self) -> bool {
        let asked = "SELECT receipt IS NOT NULL AND reopened_at IS NULL FROM keys.erasures WHERE subject = $1";
        self.asked(asked)
    }

    fn asked(&self, question: &str) -> bool {
        let answer = sqlx::query_scalar(question).bind(self.who.0);
        let answer = self
            .ground
            .runtime
            .block_on(answer.fetch_optional(&self.ground.keys));
        answer.unwrap().unwrap_or_default()
    }
}

pub fn until(what: &str, ground: &Ground, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONGEST, "{what}\n{}", ground.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A part that is killed when this is dropped.
pub struct Part(pub Child);

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn with_an_older_backup_of_the_keys_each_part_destroys_her_key_before_it_reads_anything() {
    // I8: the keys' database is restored as well; only the file knows of her erasure.
    let ground = Ground::fresh();
    let ana = ground.member();
    ana.is_in_the_file();
    for (part, at) in READING {
        ana.is_restored();
        ground.reads_with(part, at);
        assert!(!ana.has_a_key(), "{at}\n{}", ground.log());
    }
    // One that stays takes rows and pictures away too.
    ana.is_restored();
    let spawned = ground.command(&["projections"], &ground.data()).spawn();
    let _projections = Part(spawned.unwrap());
    until("a receipt", &ground, || ana.has_a_receipt());
    assert!(!ana.has_a_key());
    // The API says that it is ready when it answers.
    ana.is_restored();
    let _api = ground.serves();
    assert!(!ana.has_a_key() && ana.has_a_receipt());
}

#[test]
fn an_operators_command_opens_nothing_while_somebody_who_was_erased_has_a_key() {
    let ground = Ground::fresh();
    let ana = ground.member();
    let (words, code) = ground.run(&["audit", "replay"], &ground.data());
    assert_eq!(code, 0, "{words}");
    ana.is_in_the_file();
    for ask in [
        &["audit", "replay"][..],
        &["projections", "rebuild", "users"],
    ] {
        let (words, code) = ground.run(ask, &ground.data());
        assert_ne!(code, 0, "{words}");
        assert!(words.contains("erased members have a key (1)"), "{words}");
        assert!(ana.has_a_key(), "it only looks");
    }
}

#[test]
fn a_data_folder_named_by_mistake_is_refused_and_not_made() {
    let ground = Ground::fresh();
    ground.member();
    let wrong = ground.place.path().join("dta");
    for ask in [
        &["relay"][..],
        &["projections"],
        &["workers"],
        &["api", "--port", "0"],
        &["keys", "status"],
        &["audit", "replay"],
        &["erase", "018f0000-0000-7000-8000-000000000000"],
    ] {
        let (words, code) = ground.run(ask, &wrong);
        assert_ne!(code, 0, "{ask:?}: {words}");
        assert!(words.contains("holds wrapped keys (1)"), "{words}");
        assert!(words.contains("dta/keys/master.key"), "{words}");
        assert!(!wrong.exists(), "{ask:?} made it");
    }
}

#[test]
fn who_only_looks_makes_no_file() {
    let ground = Ground::fresh();
    for _ in 0..2 {
        for ask in [
            &["keys", "status"][..],
            &["parked", "list"],
            &["projections", "list"],
            &["audit", "replay"],
        ] {
            let (words, code) = ground.run(ask, &ground.data());
            assert_eq!(code, 0, "{ask:?}: {words}");
        }
        assert_eq!(entries(&ground.data()), [] as [PathBuf; 0]);
        // The second time the folder is there, and empty.
        std::fs::create_dir_all(ground.data()).unwrap();
    }
    ground.member();
    let before = entries(&ground.data());
    let (words, code) = ground.run(&["audit", "replay"], &ground.data());
    assert_eq!(code, 0, "{words}");
    let (words, code) = ground.run(&["audit", "key"], &ground.data());
    assert_ne!(code, 0, "nothing is signed yet: {words}");
    assert_eq!(entries(&ground.data()), before);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return Vec::new();
    }
    let inside = std::fs::read_dir(folder).unwrap().flatten();
    let mut all: Vec<PathBuf> = inside
        .flat_map(|entry| {
            let path = entry.path();
            let mut within = match path.is_dir() {
                true => entries(&path),
                false => Vec::new(),
            };
            within.push(path);
            within
        })
        .collect();
    all.sort();
    all
}
