//! A running `vara up`, started as its users start it.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for a start: the first one on a machine fetches the servers.
const READY_WITHIN: Duration = Duration::from_secs(120);

pub struct Vara {
    child: Child,
    folder: TempDir,
    pub api: String,
    /// From the call to the ready file.
    pub ready_after: Duration,
}

/// A folder that the servers' own account may enter when the tests run as root.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("vara-story-")
        .tempdir()
        .unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vara"));
    for name in [
        "DATABASE_URL",
        "NATS_URL",
        "VARA_TINEYE_URL",
        "VARA_TINEYE_KEY",
        "VARA_CLIP_MODEL",
        "VARA_CLIP_PREPACKED",
        "VARA_CLIP_URL",
        "VARA_DEEPFACE_URL",
        "VARA_FACE_DETECTOR",
        "VARA_FACE_MODEL",
        "VARA_KEYS_URL",
        "VARA_MASTER_KEY_COMMAND",
        "VARA_STORAGE_BUCKET",
        "VARA_PUBLIC_URL",
        "VARA_LINK_SECONDS",
    ] {
        command.env_remove(name);
    }
    command.env_remove("VARA_DATA_DIR");
    command
}

impl Vara {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_on(folder(), settings)
    }

    pub fn start_on(folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let begun = Instant::now();
        let ready = folder.path().join("ready.json");
        drop(std::fs::remove_file(&ready));
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(folder.path().join("vara.log"))
            .unwrap();
        let mut child = binary()
            .args(["up", "--port", "0", "--data-dir"])
            .arg(folder.path().join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let addresses = wait_for(&ready, &mut child, &folder);
        let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
        Self {
            api: address("api"),
            ready_after: begun.elapsed(),
            child,
            folder,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn database_url(&self) -> String {
        let note = std::fs::read_to_string(self.data().join("running.json")).unwrap();
        let note: Value = serde_json::from_str(&note).unwrap();
        note["database_url"].as_str().unwrap().to_owned()
    }

    /// Memory that the program itself holds, without the servers and children it started; in kB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("vara.log")).unwrap_or_default()
    }

    /// As an operator stops it; the folder stays.
    pub fn stop(mut self) -> TempDir {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "a clean stop: {status}\n{}", self.log());
        std::mem::replace(&mut self.folder, folder())
    }

    /// As a power cut of the process stops it; the folder stays.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, folder())
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().unwrap();
    }

    /// Runs another subcommand against this one; its words and its exit code.
    pub fn run(&self, arguments: &[&str]) -> (String, i32) {
        let output = binary()
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let faults = String::from_utf8_lossy(&output.stderr).into_owned();
        (words + &faults, output.status.code().unwrap_or(-1))
    }
}

impl Drop for Vara {
    fn drop(&mut self) {
        self.signal("-TERM");
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait_for(ready: &Path, child: &mut Child, folder: &TempDir) -> Value {
    let begun = Instant::now();
    loop {
        if let Ok(addresses) = std::fs::read(ready) {
            return serde_json::from_slice(&addresses).unwrap();
        }
        let log = || std::fs::read_to_string(folder.path().join("vara.log")).unwrap_or_default();
        if let Some(status) = child.try_wait().unwrap() {
            panic!("vara ended with {status} before it was ready:\n{}", log());
        }
        assert!(
            begun.elapsed() < READY_WITHIN,
            "vara is not ready:\n{}",
            log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One Vara that all gentle tests of this program share; the last one out stops it.
pub fn shared() -> &'static Vara {
    static SHARED: OnceLock<Vara> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock().unwrap_or_else(|broken| broken.into_inner());
    SHARED.get_or_init(|| {
        let vara = Vara::start();
        end_with_this_program(vara.child.id(), vara.folder.path());
        vara
    })
}

/// Statics are never dropped: a small shell waits for this program to end, then stops and tidies.
#[expect(
    clippy::zombie_processes,
    reason = "it outlives this program, which is its purpose"
)]
fn end_with_this_program(vara: u32, folder: &Path) {
    let (here, folder) = (std::process::id(), folder.display());
    let script = format!(
        "while kill -0 {here} 2>/dev/null; do sleep 0.2; done; kill -TERM {vara} 2>/dev/null; \
         while kill -0 {vara} 2>/dev/null; do sleep 0.1; done; rm -rf '{folder}'"
    );
    Command::new("setsid")
        .args(["sh", "-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
}
