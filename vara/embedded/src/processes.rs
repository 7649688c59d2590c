//! Which processes of an earlier start still live on a data folder, and how they are ended.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Service, StackError, kernel};

const POLL: Duration = Duration::from_millis(10);
/// How long a server left behind may take to end by itself: a fast stop writes a checkpoint.
const ORPHAN_ENDS_WITHIN: Duration = Duration::from_secs(20);
const KILLED_ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Ends the server named in `pid_file`, if it is really ours, and removes the file.
///
/// Ours means: its command line holds `argument`. A number in the file that is dead, a zombie, or
/// in use by somebody else is stale; PostgreSQL alone would refuse to start over a zombie.
pub(crate) fn end_orphan(
    service: Service,
    pid_file: &Path,
    argument: &Path,
    stop_signal: i32,
) -> Result<(), StackError> {
    if let Some(pid) = first_number(pid_file).filter(|pid| runs_with(*pid, argument)) {
        tracing::warn!(%service, pid, "{service} of an earlier start still runs; stopping it");
        let _ = kernel::signal(pid, stop_signal);
        if !within(ORPHAN_ENDS_WITHIN, || !runs_with(pid, argument)) {
            let _ = kernel::signal(pid, libc::SIGKILL);
            if !within(KILLED_ENDS_WITHIN, || !runs_with(pid, argument)) {
                return Err(StackError::OldServerStays { service, pid });
            }
        }
    }
    match fs::remove_file(pid_file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(crate::error::at(pid_file)(e)),
        _ => Ok(()),
    }
}

/// Kills whatever still works inside `folder`, and waits until it is gone.
///
/// After kill -9 of a postmaster its backends hold the shared memory for a moment, and a busy one
/// for long. Best effort: where this may not be seen, starting is tried until they are gone.
pub(crate) fn kill_strays(folder: &Path) {
    for pid in working_in(folder) {
        let _ = kernel::signal(pid, libc::SIGKILL);
    }
    within(KILLED_ENDS_WITHIN, || working_in(folder).is_empty());
}

/// The number on the first line of a pid file.
pub(crate) fn first_number(pid_file: &Path) -> Option<u32> {
    fs::read_to_string(pid_file)
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Asks `done` again and again until it is true or the time is over; tells which.
pub(crate) fn within(limit: Duration, done: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if done() {
            return true;
        }
        if begun.elapsed() > limit {
            return false;
        }
        std::thread::sleep(POLL);
    }
}

/// Whether the process exists, whoever owns it.
pub(crate) fn exists(pid: u32) -> bool {
    match kernel::signal(pid, 0) {
        Ok(()) => true,
        Err(refusal) => refusal.raw_os_error() == Some(libc::EPERM),
    }
}

/// A zombie has no command line any more, so it counts as gone.
#[cfg(target_os = "linux")]
fn runs_with(pid: u32, argument: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;

    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0)
        .any(|part| part == argument.as_os_str().as_bytes())
}

#[cfg(not(target_os = "linux"))]
fn runs_with(pid: u32, argument: &Path) -> bool {
    let asked = std::process::Command::new("ps")
        .args(["-o", "stat=,command=", "-p", &pid.to_string()])
        .output();
    asked.is_ok_and(|answer| {
        let line = String::from_utf8_lossy(&answer.stdout).into_owned();
        !line.starts_with('Z') && line.contains(&*argument.to_string_lossy())
    })
}

#[cfg(target_os = "linux")]
fn working_in(folder: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_postgres(*pid))
        .collect()
}

/// A shell that somebody left standing in the folder must live.
#[cfg(target_os = "linux")]
fn is_postgres(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

#[cfg(not(target_os = "linux"))]
fn working_in(_folder: &Path) -> Vec<u32> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_pid_file_that_names_somebody_elses_process_is_only_removed() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("postmaster.pid");
        let mut stranger = Command::new("sleep").arg("30").spawn().unwrap();
        fs::write(&pid_file, stranger.id().to_string()).unwrap();

        end_orphan(Service::Postgres, &pid_file, folder.path(), libc::SIGINT).unwrap();

        assert!(!pid_file.exists());
        assert!(
            stranger.try_wait().unwrap().is_none(),
            "the stranger still runs"
        );
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = Command::new("sleep").arg("0.01").spawn().unwrap();
        assert!(within(Duration::from_secs(5), || !runs_with(
            child.id(),
            Path::new("0.01")
        )));
        assert!(exists(child.id()), "it has not been waited for yet");
        child.wait().unwrap();
    }

    #[test]
    fn a_shell_in_the_data_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sleep")
            .arg("30")
            .current_dir(&folder)
            .spawn()
            .unwrap();
        kill_strays(&folder.path().canonicalize().unwrap());
        assert!(shell.try_wait().unwrap().is_none());
        shell.kill().unwrap();
        shell.wait().unwrap();
    }
}
