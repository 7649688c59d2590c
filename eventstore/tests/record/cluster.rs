//! A PostgreSQL with a folder of its own, so that it can be backed up, killed, restored and followed by a standby.

use crate::support::{PATIENCE, Record};
use embedded::{Service, Stack, StackOptions, binaries, default_cache};
use sqlx::PgPool;
use std::fs::{self, File, Metadata};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};
use tempfile::TempDir;
use url::Url;

/// What belongs to the running server and not to its data.
const NOT_COPIED: [&str; 3] = ["postmaster.pid", "postmaster.opts", "pg_wal"];
/// Where `postmaster.pid` says that clients are served.
const STATUS_LINE: usize = 7;
/// Ports as the embedded servers choose them: none that a client could be given.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// A server at one address, whatever stands in its folder.
pub struct Cluster {
    stack: Option<Stack>,
    place: TempDir,
    /// The address, which stays the same.
    pub url: String,
}

impl Cluster {
    /// A server with this release's tables, and the record in it.
    pub async fn begin() -> (Self, Record) {
        let place = tempfile::tempdir().unwrap();
        // As root the servers run as somebody else, who must get in.
        fs::set_permissions(place.path(), PermissionsExt::from_mode(0o711)).unwrap();
        let mut cluster = Self {
            stack: None,
            place,
            url: String::new(),
        };
        cluster.start();
        let record = Record::at(&cluster.url).await;
        (cluster, record)
    }

    fn start(&mut self) {
        let options = StackOptions {
            data: self.folder("primary"),
            cache: default_cache(),
            postgres: true,
            nats: false,
            quiet: true,
        };
        let started = tokio::task::block_in_place(|| Stack::start(options));
        let stack = started.unwrap();
        let url = stack.database_url("vara").unwrap();
        assert!(self.url.is_empty() || self.url == url, "it has moved");
        (self.stack, self.url) = (Some(stack), url);
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.folder("primary/postgres")
    }

    /// A base backup by PostgreSQL's own functions (chapter 25.3.4 of its manual), taken while it serves.
    pub async fn backup(&self, pool: &PgPool, name: &str) -> PathBuf {
        let (data, copy) = (self.data(), self.folder(name));
        let mut session = pool.acquire().await.unwrap();
        sqlx::query("SELECT pg_backup_start('of a test', true)")
            .execute(&mut *session)
            .await
            .unwrap();
        copied(&data, &copy, &NOT_COPIED);
        let stop = "SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)";
        let label: String = sqlx::query_scalar(stop)
            .fetch_one(&mut *session)
            .await
            .unwrap();
        copied(&data.join("pg_wal"), &copy.join("pg_wal"), &[]);
        written(&copy.join("backup_label"), &label);
        copy
    }

    /// Without a farewell. The supervisor may bring it back once more in between, which changes nothing of note.
    pub fn kill(&mut self) {
        let pid = self
            .stack
            .as_ref()
            .and_then(|stack| stack.pid(Service::Postgres));
        signal("-KILL", pid.unwrap());
        tokio::task::block_in_place(|| drop(self.stack.take()));
    }

    /// Puts other data into the folder of the killed server, and starts it where clients look for it.
    pub fn restore(&mut self, data: &Path) {
        fs::rename(self.data(), self.folder("lost")).unwrap();
        fs::rename(data, self.data()).unwrap();
        self.start();
    }

    /// A server on other data and at another address.
    pub fn beside(&self, data: &Path) -> Beside {
        Beside::start(self, data, &[])
    }

    /// A server that follows this one, until it is promoted.
    pub async fn standby(&self, pool: &PgPool, data: &Path) -> Beside {
        let made = "CREATE ROLE follower LOGIN REPLICATION PASSWORD 'of a test'";
        sqlx::query(made).execute(pool).await.unwrap();
        written(&data.join("standby.signal"), "");
        let port = Url::parse(&self.url).unwrap().port().unwrap();
        let primary = format!(
            "primary_conninfo=host=127.0.0.1 port={port} user=follower password='of a test'"
        );
        Beside::start(self, data, &[primary])
    }
}

/// A server that was started without a supervisor, which waits for one that can be written to.
pub struct Beside {
    child: Child,
    pub url: String,
}

impl Beside {
    fn start(cluster: &Cluster, data: &Path, settings: &[String]) -> Self {
        let mut ports = std::iter::repeat_with(|| fastrand::u16(PORTS));
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let port = ports.find(is_free).unwrap();
        let programs = binaries(&default_cache(), true).unwrap();
        let mut command = Command::new(programs.postgres("postgres"));
        let (owner, ours) = (fs::metadata(data).unwrap(), cluster.place.path());
        if owner.uid() != fs::metadata(ours).unwrap().uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let own = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            // A standby allows no fewer than its primary.
            "max_connections=200".to_owned(),
        ];
        command.arg("-D").arg(data).env("LC_ALL", "C");
        for setting in own.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        let log = File::create(cluster.folder("beside.log")).unwrap();
        command.current_dir("/").stdout(Stdio::null()).stderr(log);
        let mut url = Url::parse(&cluster.url).unwrap();
        url.set_port(Some(port)).unwrap();
        let child = command.spawn().unwrap();
        let mut server = Self {
            child,
            url: url.into(),
        };
        tokio::task::block_in_place(|| server.serves(data));
        server
    }

    fn serves(&mut self, data: &Path) {
        let begun = Instant::now();
        let status = || fs::read_to_string(data.join(NOT_COPIED[0])).unwrap_or_default();
        let serves = |file: &str| {
            let status = file.lines().nth(STATUS_LINE).unwrap_or_default();
            ["ready", "standby"].contains(&status.trim())
        };
        while !serves(&status()) {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended");
            assert!(begun.elapsed() < PATIENCE, "it does not serve in time");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// In order, so that its data can be used elsewhere.
    pub fn stop(mut self) {
        signal("-INT", self.child.id());
        let ended = tokio::task::block_in_place(|| self.child.wait());
        assert!(ended.unwrap().success());
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn signal(which: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([which, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Copies a folder that is being written to: files may come and go meanwhile.
fn copied(from: &Path, to: &Path, without: &[&str]) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, PermissionsExt::from_mode(0o700)).unwrap();
    let owner = fs::metadata(from).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (name, path) = (entry.file_name(), entry.path());
        if without.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let copy = to.join(&name);
        if path.is_dir() {
            copied(&path, &copy, &[]);
            continue;
        }
        match fs::copy(&path, &copy) {
            Ok(_) => owned_like(&copy, &owner),
            Err(gone) => assert_eq!(gone.kind(), io::ErrorKind::NotFound),
        }
    }
    owned_like(to, &owner);
}

fn written(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    owned_like(path, &fs::metadata(path.parent().unwrap()).unwrap());
}

fn owned_like(path: &Path, owner: &Metadata) {
    if fs::metadata(path).unwrap().uid() != owner.uid() {
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}
