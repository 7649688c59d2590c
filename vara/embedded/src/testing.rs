//! Servers for the tests of other crates: one PostgreSQL per test process, one NATS per call.
//!
//! Nothing needs to be cleaned up: the servers end with the process, and the next test process
//! removes the folders of those that are gone. Whatever fails here panics: a test could not go on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::account::Account;
use crate::folder::{self, Folder};
use crate::nats::{self, Nats};
use crate::stack::Durability;
use crate::supervise::{Ending, Supervisor};
use crate::{Binaries, Service, Stack, StackError, StackOptions};
use crate::{default_cache, ports, postgres, processes};

const FOLDER: &str = "vara-test-";
const PORT_TRIES: u32 = 4;

/// The address of a fresh database, copied from the template database of that name.
///
/// The template is made once per process: it is created empty, then `prepare` gets its address and
/// fills it, for example by running the migrations. `prepare` must close its connections before it
/// returns, because PostgreSQL copies only a database to which nobody is connected. Other threads
/// that want the same template wait meanwhile. This blocks; in async code, call it by
/// `spawn_blocking`.
///
/// # Panics
/// When PostgreSQL cannot be started or asked, or when `prepare` panics.
pub fn database(template: &str, prepare: impl FnOnce(&str)) -> String {
    static TEMPLATES: Mutex<BTreeMap<String, Arc<OnceLock<()>>>> = Mutex::new(BTreeMap::new());
    static COPIES: AtomicU32 = AtomicU32::new(1);

    let stack = stack();
    let psql = stack.psql().expect("the test stack runs PostgreSQL");
    let made = Arc::clone(
        unpoisoned(&TEMPLATES)
            .entry(template.to_owned())
            .or_default(),
    );
    made.get_or_init(|| {
        stack
            .create_database(template, None)
            .expect("the template database can be made");
        prepare(&psql.url(template));
    });
    let name = format!("{template}_{}", COPIES.fetch_add(1, Ordering::Relaxed));
    // Without the log of changes, which only costs time where data is thrown away.
    let copy = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY file_copy");
    psql.run(&copy)
        .expect("the template database can be copied");
    psql.url(&name)
}

/// A NATS server of its own, with an empty store.
///
/// # Panics
/// When it cannot be started.
pub fn nats() -> TestNats {
    static SERVERS: AtomicU32 = AtomicU32::new(1);

    let folder = root().join(format!("nats-{}", SERVERS.fetch_add(1, Ordering::Relaxed)));
    let folder = Folder::open(&folder, Account::of_this_process()).expect("a folder can be made");
    let password = folder.password().expect("a password can be written");
    for _ in 0..PORT_TRIES {
        let port = ports::choose(folder.path(), Service::Nats).expect("a port is free");
        let started = start_nats(&folder, port, &password);
        if !matches!(started, Err(StackError::PortTaken { .. })) {
            let running = Mutex::new(Some(started.expect("NATS starts")));
            return TestNats {
                folder,
                port,
                password,
                running,
            };
        }
    }
    unreachable!("no chosen port stayed free until NATS was started")
}

/// A NATS server for one test. It ends, and its store is removed, when this value is dropped.
#[derive(Debug)]
pub struct TestNats {
    folder: Folder,
    port: u16,
    password: String,
    running: Mutex<Option<Supervisor>>,
}

impl TestNats {
    /// The address, with the password in it. It stays the same from start to start.
    pub fn url(&self) -> String {
        nats::url(self.port, &self.password)
    }

    /// Kills the server as a crash would, and leaves it dead until [`TestNats::start`].
    pub fn kill(&self) {
        if let Some(mut supervisor) = unpoisoned(&self.running).take() {
            supervisor.end(Ending::Killed);
        }
    }

    /// Starts the server again, on the same port and the same store. Does nothing while it runs.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self) {
        let mut running = unpoisoned(&self.running);
        if running.is_none() {
            *running =
                Some(start_nats(&self.folder, self.port, &self.password).expect("NATS starts"));
        }
    }

    /// Deletes the store, as somebody might who lost a disk. The server must have been killed.
    ///
    /// # Panics
    /// When the server runs, or the store cannot be deleted.
    pub fn wipe(&self) {
        let running = unpoisoned(&self.running);
        assert!(
            running.is_none(),
            "kill the server before its store is deleted"
        );
        let store = nats::store_in(self.folder.path());
        fs::remove_dir_all(store).expect("the store can be deleted");
    }
}

impl Drop for TestNats {
    fn drop(&mut self) {
        drop(unpoisoned(&self.running).take());
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

fn start_nats(folder: &Folder, port: u16, password: &str) -> Result<Supervisor, StackError> {
    let server = Nats::new(folder, programs(), port, password, Durability::Hasty)?;
    Supervisor::start(vec![Box::new(server)])
}

fn programs() -> &'static Binaries {
    static PROGRAMS: OnceLock<Binaries> = OnceLock::new();
    PROGRAMS.get_or_init(|| crate::binaries(&default_cache(), true).expect("the servers are there"))
}

/// A static is never dropped; the kernel ends the servers when the last thread of the process ends.
fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        let (data, cache) = (root().join("stack"), default_cache());
        let options = StackOptions {
            data,
            cache,
            postgres: true,
            nats: false,
            quiet: true,
        };
        Stack::start_with(&options, Durability::Hasty).expect("PostgreSQL starts")
    })
}

/// The folder of this test process.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let account = Account::of_this_process();
        let usual = std::env::temp_dir();
        let closed = account.first_closed(&usual).is_some();
        let base = if closed {
            PathBuf::from("/var/tmp")
        } else {
            usual
        };
        remove_left_behind(&base);
        let root = base.join(format!("{FOLDER}{}", std::process::id()));
        // Process ids come again, and we are certainly not the owner of what lies there.
        let _ = fs::remove_dir_all(&root);
        folder::make(&root, account.folder_mode()).expect("a folder for tests can be made");
        folder::refuse_a_stranger(&root).expect("the folder for tests is ours");
        root
    })
}

/// Removes the folders of test processes that are gone.
fn remove_left_behind(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(FOLDER).and_then(|pid| pid.parse().ok());
        if owner.is_some_and(|pid| !processes::exists(pid)) {
            // Where the kernel does not end servers with their owner, they still run.
            for inner in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let _ = postgres::end_left_behind(&inner.path());
                let _ = nats::end_left_behind(&inner.path());
            }
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that panicked in between has left nothing half done behind this lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
