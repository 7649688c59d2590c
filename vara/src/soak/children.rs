//! The processes of a run: started, killed, stopped and brought back; all gone when this is dropped.

use super::plan::{Part, Role};
use super::writer::WRONG_ANSWER;
use ::bench::images::resident_kib;
use anyhow::{Context, ensure};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one that ended by itself stays away, as an operator's supervisor would have it.
const AWAY: Duration = Duration::from_millis(200);

/// Time between two looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What all of them are started with.
#[derive(Debug, Clone)]
pub struct Home {
    /// This very program.
    pub program: PathBuf,
    /// Their settings.
    pub environment: Vec<(&'static str, String)>,
    /// Where their output goes.
    pub logs: PathBuf,
}

impl Home {
    /// A process of ours that knows nothing of the settings of whoever runs it.
    pub fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("VARA_") || ["DATABASE_URL", "NATS_URL"].contains(&name.as_str()) {
                command.env_remove(name);
            }
        }
        command.args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }
}

struct Kept {
    role: Role,
    arguments: Vec<String>,
    child: Option<Child>,
    /// Not to be started before this moment.
    back_at: Instant,
    goes_on_at: Option<Instant>,
    /// It did what it had to do, and is not started again.
    finished: bool,
}

/// A shell whose input ends when the run does, however it does; then it ends everything in its process group, which is where
/// all processes of the run are.
struct Guard(Child);

impl Guard {
    fn start() -> anyhow::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", "cat > /dev/null; kill -KILL 0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Also: Ctrl-C at a terminal must reach the run alone, which ends the others when it is done.
            .process_group(0)
            .spawn();
        Ok(Self(shell.context("the program sh cannot be run")?))
    }

    fn group(&self) -> anyhow::Result<i32> {
        Ok(i32::try_from(self.0.id())?)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The processes.
pub struct Children {
    home: Home,
    kept: Vec<Kept>,
    guard: Option<Guard>,
    /// Ends that nobody asked for: a start while the database is away fails, and is tried again.
    pub ended_by_themselves: u64,
}

impl Children {
    pub fn new(home: Home) -> Self {
        Self {
            home,
            kept: Vec::new(),
            guard: None,
            ended_by_themselves: 0,
        }
    }

    /// Has a process run from now on, in the place of one that had the same role.
    pub fn keep(&mut self, role: Role, arguments: Vec<String>) {
        self.kept.retain(|kept| kept.role != role);
        self.kept.push(Kept {
            role,
            arguments,
            child: None,
            back_at: Instant::now(),
            goes_on_at: None,
            finished: false,
        });
    }

    /// Brings back what is away and has waited, and lets go on what stood still long enough.
    pub fn look_after(&mut self) -> anyhow::Result<()> {
        let guard = match self.guard.take() {
            Some(guard) => guard,
            None => Guard::start()?,
        };
        let group = self.guard.insert(guard).group()?;
        for kept in &mut self.kept {
            if let Some(child) = &mut kept.child {
                if kept.goes_on_at.is_some_and(|at| Instant::now() >= at) {
                    signal(child.id(), "-CONT")?;
                    kept.goes_on_at = None;
                }
                if let Some(status) = child.try_wait()? {
                    kept.child = None;
                    ensure!(
                        status.code() != Some(WRONG_ANSWER.into()),
                        "I1: a writer got an answer that no fault excuses; {} says which",
                        log_name(kept.role)
                    );
                    kept.finished = kept.role.part == Part::Writer && status.success();
                    self.ended_by_themselves += u64::from(!kept.finished);
                    kept.back_at = Instant::now() + AWAY;
                }
            } else if !kept.finished && Instant::now() >= kept.back_at {
                kept.child = Some(started(&self.home, kept, group)?);
            }
        }
        Ok(())
    }

    /// Looks after them while something else is waited for.
    pub async fn kept_during<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::pin!(work);
        loop {
            self.look_after()?;
            tokio::select! {
                ended = &mut work => return ended,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// SIGKILL; whether there was something to kill.
    pub fn kill(&mut self, role: Role, away: Duration) -> anyhow::Result<bool> {
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.role == role) else {
            return Ok(false);
        };
        let Some(mut child) = kept.child.take() else {
            return Ok(false);
        };
        child.kill()?;
        child.wait()?;
        (kept.goes_on_at, kept.back_at) = (None, Instant::now() + away);
        Ok(true)
    }

    /// SIGSTOP; whether there was something to stop.
    pub fn pause(&mut self, role: Role, pause: Duration) -> anyhow::Result<bool> {
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.role == role) else {
            return Ok(false);
        };
        let Some(child) = &kept.child else {
            return Ok(false);
        };
        signal(child.id(), "-STOP")?;
        kept.goes_on_at = Some(Instant::now() + pause);
        Ok(true)
    }

    /// Whether all run, or have finished.
    pub fn are_well(&self) -> bool {
        let well =
            |kept: &Kept| kept.finished || (kept.child.is_some() && kept.goes_on_at.is_none());
        self.kept.iter().all(well)
    }

    /// What each one that runs holds, in KiB.
    pub fn memory(&self) -> Vec<(Role, u64)> {
        let held = |kept: &Kept| Some((kept.role, resident_kib(kept.child.as_ref()?.id())?));
        self.kept.iter().filter_map(held).collect()
    }

    /// Whether every writer has done what it had to do.
    pub fn have_written(&self) -> bool {
        let mut writers = self
            .kept
            .iter()
            .filter(|kept| kept.role.part == Part::Writer);
        writers.all(|kept| kept.finished)
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in self.kept.iter_mut().filter_map(|kept| kept.child.as_mut()) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn started(home: &Home, kept: &Kept, group: i32) -> anyhow::Result<Child> {
    let log = log_of(&home.logs.join(log_name(kept.role)))?;
    let mut command = home.command(&kept.arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(group);
    command
        .spawn()
        .context("a process of the run cannot be started")
}

fn log_name(role: Role) -> String {
    format!("{}-{}.log", role.part, role.number)
}

fn log_of(path: &Path) -> anyhow::Result<std::fs::File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.with_context(|| format!("{} cannot be written", path.display()))
}

/// Sends a signal by the program that every Unix has, since the standard library sends only one.
pub fn signal(pid: u32, signal: &str) -> anyhow::Result<()> {
    let status = Command::new("kill")
        .args([signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .context("the program kill cannot be run")?;
    ensure!(status.success(), "process {pid} could not be sent {signal}");
    Ok(())
}
