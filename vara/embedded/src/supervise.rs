//! One thread whose children the servers are: it starts them, brings them back and ends them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{Service, StackError, error::at};

mod kept;
use kept::Kept;

const LOOK_EVERY: Duration = Duration::from_millis(50);
const CAP_LOGS_EVERY: Duration = Duration::from_secs(20);

/// What the supervisor must know about a server.
pub(crate) trait Server: Send {
    /// Which one it is.
    fn service(&self) -> Service;
    /// Its port on 127.0.0.1, the same at every start.
    fn port(&self) -> u16;
    /// Where its output goes.
    fn log(&self) -> &Path;
    /// The signal for a quick and orderly end.
    fn stop_signal(&self) -> i32;
    /// Removes what a dead predecessor left, and says how to start a new process.
    fn prepare(&self) -> Result<Command, StackError>;
    /// Notes the process id, for a later start that finds the process orphaned.
    fn note(&self, _pid: u32) -> Result<(), StackError> {
        Ok(())
    }
    /// Whether this very process answers its clients.
    fn is_ready(&self, pid: u32) -> bool;
}

/// How the servers are to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// By their own signal, and by force only after a limit.
    Orderly,
    /// By SIGKILL, as in a crash.
    Killed,
}

/// Running servers, which end with this value.
#[derive(Debug)]
pub(crate) struct Supervisor {
    orders: Sender<Ending>,
    pids: Arc<Pids>,
    thread: Option<JoinHandle<()>>,
}

/// Process ids for other threads to read; 0 stands for none.
#[derive(Debug, Default)]
struct Pids {
    postgres: AtomicU32,
    nats: AtomicU32,
}

impl Pids {
    fn of(&self, service: Service) -> &AtomicU32 {
        match service {
            Service::Postgres => &self.postgres,
            Service::Nats => &self.nats,
        }
    }
}

impl Supervisor {
    /// Starts the servers, and returns when all of them answer.
    ///
    /// They get a thread that lives as long as they do, because the kernel ends them with the
    /// thread that started them, and not with the process.
    pub(crate) fn start(servers: Vec<Box<dyn Server>>) -> Result<Supervisor, StackError> {
        let (orders, received) = mpsc::channel();
        let (report, outcome) = mpsc::channel();
        let pids = Arc::new(Pids::default());
        let shared = Arc::clone(&pids);
        let work = move || run(servers, shared, &report, &received);
        let thread = thread::Builder::new()
            .name("vara-servers".to_owned())
            .spawn(work);
        let thread = Some(thread.map_err(at(Path::new("a thread for the servers")))?);
        let supervisor = Supervisor {
            orders,
            pids,
            thread,
        };
        // The thread reports before it ends, unless it panicked; then nothing is started.
        outcome.recv().unwrap_or_else(|_| Err(panicked()))?;
        Ok(supervisor)
    }

    /// The process id of a server that runs now.
    pub(crate) fn pid(&self, service: Service) -> Option<u32> {
        Some(self.pids.of(service).load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Ends the servers and returns when they are gone.
    pub(crate) fn end(&mut self, ending: Ending) {
        let _ = self.orders.send(ending);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end(Ending::Orderly);
    }
}

fn panicked() -> StackError {
    let source = std::io::Error::other("it ended without a word");
    at(Path::new("the thread of the servers"))(source)
}

fn run(
    servers: Vec<Box<dyn Server>>,
    pids: Arc<Pids>,
    report: &Sender<Result<(), StackError>>,
    orders: &Receiver<Ending>,
) {
    let keep = |server| Kept::new(server, Arc::clone(&pids));
    let mut kept: Vec<Kept> = servers.into_iter().map(keep).collect();
    let started = kept.iter_mut().try_for_each(Kept::bring_up);
    let failed = started.is_err();
    if failed {
        end(&mut kept, Ending::Orderly);
    }
    let _ = report.send(started);
    if failed {
        return;
    }
    let mut logs_capped = Instant::now();
    loop {
        match orders.recv_timeout(LOOK_EVERY) {
            Ok(ending) => return end(&mut kept, ending),
            Err(RecvTimeoutError::Disconnected) => return end(&mut kept, Ending::Orderly),
            Err(RecvTimeoutError::Timeout) => kept.iter_mut().for_each(Kept::look_after),
        }
        if logs_capped.elapsed() > CAP_LOGS_EVERY {
            logs_capped = Instant::now();
            kept.iter().for_each(Kept::cap_log);
        }
    }
}

/// All are told before any is waited for, so that they end at the same time.
fn end(kept: &mut [Kept], ending: Ending) {
    for one in kept.iter() {
        one.tell(ending);
    }
    for one in kept {
        one.wait_for_end();
    }
}
