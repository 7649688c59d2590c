//! The parent: starts a child for each file, bounds how many there are, and believes none of them.

use crate::child::SUBCOMMAND;
use async_trait::async_trait;
use pictures::reply::{self, Announced, Answer, HEAD_BYTES, PARTS};
use pictures::{NotTaken, TakeIn, Taken};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many, and how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Children at once: as many as decode without waiting for each other on a small machine.
    pub at_once: usize,
    /// Files that wait for a child; more are told to come back.
    pub waiting: usize,
    /// Longest wait for a child.
    pub wait: Duration,
    /// Longest life of a child, by the clock on the wall: a stopped one uses no processor time.
    pub life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 2,
            waiting: 16,
            wait: Duration::from_secs(10),
            life: Duration::from_secs(20),
        }
    }
}

/// Takes pictures in, each in a process of its own.
#[derive(Debug)]
pub struct Cells {
    program: PathBuf,
    limits: Limits,
    /// Files that are here: those in a child and those that wait.
    here: Semaphore,
    children: Semaphore,
}

/// A picture's pixels come in pages of 2 MiB where the system gives them on request: with those of 4 KiB a tenth of the time
/// went into fetching them (glibc's manual, "Memory Allocation Tunables"; another C library ignores it).
const PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// What went wrong with a child; never anything about its picture.
type Broken = &'static str;

impl Cells {
    /// Children are `program`, which must answer to [`SUBCOMMAND`].
    #[must_use]
    pub fn of(program: PathBuf, limits: Limits) -> Self {
        Self {
            here: Semaphore::new(limits.at_once + limits.waiting),
            children: Semaphore::new(limits.at_once),
            program,
            limits,
        }
    }

    /// Children are this very program, even when its file was replaced meanwhile.
    ///
    /// # Errors
    /// When the system does not say which program this is.
    pub fn of_this_program() -> io::Result<Self> {
        let itself = PathBuf::from("/proc/self/exe");
        let program = match itself.exists() {
            true => itself,
            false => std::env::current_exe()?,
        };
        Ok(Self::of(program, Limits::default()))
    }

    async fn place(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), NotTaken> {
        let here = self.here.try_acquire().map_err(|_| NotTaken::Busy)?;
        let child = tokio::time::timeout(self.limits.wait, self.children.acquire()).await;
        match child {
            Ok(Ok(child)) => Ok((here, child)),
            Ok(Err(_)) | Err(_) => Err(NotTaken::Busy),
        }
    }

    /// A child with nothing of ours: no settings of the program's, no folder, no words on the terminal.
    fn start(&self) -> io::Result<(Child, ChildStdin, ChildStdout)> {
        let mut child = Command::new(&self.program)
            .arg(SUBCOMMAND)
            .env_clear()
            .env(PAGES.0, PAGES.1)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("a child without pipes"))?;
        Ok((child, input, output))
    }
}

#[async_trait]
impl TakeIn for Cells {
    async fn take_in(&self, original: Arc<Vec<u8>>) -> Result<Taken, NotTaken> {
        let same = Arc::clone(&original);
        // Some milliseconds for a large file, so not between other people's requests.
        let look = tokio::task::spawn_blocking(move || pictures::look(&same)).await;
        look.map_err(|_| NotTaken::Broke)??;
        let _place = self.place().await?;
        let (mut child, input, output) = self.start().map_err(|fault| {
            tracing::error!(%fault, "a picture cannot be taken in: the child does not start");
            NotTaken::Unavailable
        })?;
        let asking = conversation(&original, input, output);
        let broken = match tokio::time::timeout(self.limits.life, asking).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(broken)) => broken,
            Err(_) => "it took too long",
        };
        // Gone before its place is given to the next one.
        drop(child.start_kill());
        let ended = child.wait().await;
        tracing::warn!(
            reason = broken,
            ?ended,
            "a picture broke the child that decoded it"
        );
        Err(NotTaken::Broke)
    }
}

/// Writes the file and reads the answer.
async fn conversation(
    original: &[u8],
    mut input: ChildStdin,
    mut output: ChildStdout,
) -> Result<Result<Taken, NotTaken>, Broken> {
    let length = u32::try_from(original.len()).map_err(|_| "it is too long")?;
    let mut head = [0; HEAD_BYTES];
    let writing = async {
        input.write_all(&length.to_le_bytes()).await?;
        input.write_all(original).await?;
        drop(input);
        io::Result::Ok(())
    };
    writing.await.map_err(|_| "it did not read the file")?;
    let read = output.read_exact(&mut head).await;
    read.map_err(|_| "it ended without an answer")?;
    match reply::read(&head).map_err(|_| "its answer is garbled")? {
        Answer::Refused(unfit) => Ok(Err(unfit.into())),
        Answer::Taken(announced) => parts(*announced, output).await.map(Ok),
    }
}

async fn parts(announced: Announced, mut output: ChildStdout) -> Result<Taken, Broken> {
    let mut parts: [Vec<u8>; PARTS] = Default::default();
    for (part, length) in parts.iter_mut().zip(announced.lengths()) {
        part.resize(length, 0);
        let read = output.read_exact(part).await;
        read.map_err(|_| "its answer is cut short")?;
    }
    let behind = output.read(&mut [0]).await;
    if !matches!(behind, Ok(0)) {
        return Err("it says more than an answer");
    }
    announced
        .complete(parts)
        .map_err(|_| "its copies are not what they should be")
}
