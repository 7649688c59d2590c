//! A place for one stack, and the questions that tests put to its servers.

// Each test program asks only some of the questions.
#![expect(
    dead_code,
    reason = "every test program compiles this module and uses a part of it"
)]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use embedded::{Stack, StackOptions, binaries, default_cache};
use tempfile::TempDir;

/// Everything that has to happen in a test happens within this time.
const LIMIT: Duration = Duration::from_secs(20);

/// A data folder that any account may enter.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let open = Permissions::from_mode(0o711);
        fs::set_permissions(folder.path(), open).expect("the folder is ours");
        Place { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn start(&self) -> Stack {
        start_on(&self.data())
    }

    pub fn options(&self) -> StackOptions {
        options_for(&self.data())
    }

    pub fn mode(&self, path: &str) -> u32 {
        let found = fs::metadata(self.data().join(path)).expect("the file is there");
        found.permissions().mode() & 0o777
    }
}

pub fn start_on(data: &Path) -> Stack {
    Stack::start(options_for(data)).expect("the stack starts")
}

pub fn options_for(data: &Path) -> StackOptions {
    let (data, cache) = (data.to_path_buf(), default_cache());
    StackOptions {
        data,
        cache,
        postgres: true,
        nats: true,
        quiet: true,
    }
}

/// What PostgreSQL answers, or what it complains about.
pub fn ask(url: &str, sql: &str) -> Result<String, String> {
    let programs = binaries(&default_cache(), true).expect("the servers are fetched");
    let done = Command::new(programs.postgres("psql"))
        .args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-w",
            "-v",
            "ON_ERROR_STOP=1",
            url,
            "-c",
            sql,
        ])
        .stdin(Stdio::null())
        .output()
        .expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() {
        Ok(text(&done.stdout))
    } else {
        Err(text(&done.stderr))
    }
}

/// The first line with which NATS greets a client.
pub fn greeting(url: &str) -> Option<String> {
    let address = url.rsplit('@').next().expect("an address has parts");
    let mut line = String::new();
    let stream = TcpStream::connect(address).ok()?;
    BufReader::new(stream).read_line(&mut line).ok()?;
    Some(line)
}

/// Sends a request to JetStream and returns everything that comes back until the answer is whole.
pub fn jetstream(url: &str, subject: &str, body: &str) -> String {
    let (login, address) = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .expect("an address has a login");
    let (user, password) = login.split_once(':').expect("a login has a password");
    let mut stream = TcpStream::connect(address).expect("NATS listens");
    stream
        .set_read_timeout(Some(LIMIT))
        .expect("a limit can be set");
    let hello = format!(r#"{{"user":"{user}","pass":"{password}","verbose":false}}"#);
    let request = format!(
        "SUB back 1\r\nPUB {subject} back {}\r\n{body}\r\n",
        body.len()
    );
    write!(stream, "CONNECT {hello}\r\n{request}").expect("NATS listens");
    let mut said = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).expect("NATS answers");
        said.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&said);
        let answer = text.split_once("MSG back 1 ").map(|(_, answer)| answer);
        if read == 0 || answer.is_some_and(|answer| answer.ends_with("\r\n") && answer.len() > 8) {
            return text.into_owned();
        }
    }
}

pub fn kill(pid: u32) {
    let done = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(done.success(), "process {pid} can be killed");
}

/// Whether the process runs; a zombie does not.
pub fn lives(pid: u32) -> bool {
    let asked = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output();
    let state = asked.expect("ps runs").stdout;
    !state.is_empty() && !state.starts_with(b"Z")
}

pub fn until(what: &str, done: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < LIMIT,
            "this did not happen in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}
