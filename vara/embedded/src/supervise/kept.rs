//! One server under supervision: brought up, looked after, and waited for.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::{Ending, Pids, Server};
use crate::{StackError, error::at, folder, kernel, ports};

/// The first start may have to repair a large database after a crash.
const READY_WITHIN: Duration = Duration::from_secs(120);
const READY_POLL: Duration = Duration::from_millis(3);
/// Processes of a killed predecessor can hold the memory of the database for a moment.
const FIRST_ATTEMPTS: u32 = 3;
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Deaths longer ago than this are forgiven.
const DEATHS_COUNT_FOR: Duration = Duration::from_secs(60);
const DEATHS_MAX: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// A server with its process, if it has one now.
pub(super) struct Kept {
    server: Box<dyn Server>,
    pids: Arc<Pids>,
    child: Option<Child>,
    deaths: Vec<Instant>,
    /// Without a child whose death was noticed: not to be started before this moment.
    wait: Option<Instant>,
}

impl Kept {
    pub(super) fn new(server: Box<dyn Server>, pids: Arc<Pids>) -> Kept {
        Kept {
            server,
            pids,
            child: None,
            deaths: Vec::new(),
            wait: None,
        }
    }

    /// Starts the server for the first time and returns when it answers.
    pub(super) fn bring_up(&mut self) -> Result<(), StackError> {
        let begun = Instant::now();
        for attempt in 1..=FIRST_ATTEMPTS {
            let pid = self.spawn()?;
            while !self.has_ended() {
                if self.server.is_ready(pid) {
                    return Ok(());
                }
                if begun.elapsed() > READY_WITHIN {
                    return Err(self.would_not_start());
                }
                thread::sleep(READY_POLL);
            }
            let (service, port) = (self.server.service(), self.server.port());
            if !ports::is_free(port) {
                return Err(StackError::PortTaken { service, port });
            }
            thread::sleep(FIRST_PAUSE * attempt);
        }
        Err(self.would_not_start())
    }

    fn would_not_start(&self) -> StackError {
        let log = self.server.log().to_path_buf();
        let detail = folder::last_words(&log);
        StackError::WouldNotStart {
            service: self.server.service(),
            detail,
            log,
        }
    }

    /// Starts a process, from this thread, with which it will also end.
    fn spawn(&mut self) -> Result<u32, StackError> {
        let mut command = self.server.prepare()?;
        let log = folder::open_log(self.server.log())?;
        let second = log.try_clone().map_err(at(self.server.log()))?;
        command.stdin(Stdio::null()).stdout(log).stderr(second);
        // Ctrl-C at a terminal must reach Vara alone, which stops the servers when it is done.
        command.process_group(0);
        kernel::end_with_this_thread(&mut command, self.server.stop_signal());
        let child = command.spawn().map_err(|refusal| StackError::CannotRun {
            program: command.get_program().into(),
            detail: refusal.to_string(),
        })?;
        let pid = child.id();
        self.child = Some(child);
        self.pids
            .of(self.server.service())
            .store(pid, Ordering::Relaxed);
        self.server.note(pid)?;
        Ok(pid)
    }

    fn has_ended(&mut self) -> bool {
        let Some(child) = &mut self.child else {
            return true;
        };
        if matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        self.child = None;
        self.pids
            .of(self.server.service())
            .store(0, Ordering::Relaxed);
        true
    }

    /// Notices a death, and starts the server anew when its pause is over.
    pub(super) fn look_after(&mut self) {
        if !self.has_ended() {
            return;
        }
        match self.wait {
            None => self.notice_death(),
            Some(until) if Instant::now() >= until => self.try_again(),
            Some(_) => {}
        }
    }

    fn notice_death(&mut self) {
        let service = self.server.service();
        self.deaths
            .retain(|death| death.elapsed() < DEATHS_COUNT_FOR);
        self.deaths.push(Instant::now());
        let (pause, hopeless) = pause_after(self.deaths.len());
        let last_words = folder::last_words(self.server.log());
        if hopeless {
            tracing::error!(%service, last_words, "{service} ends again and again; trying rarely");
        } else {
            tracing::warn!(%service, last_words, "{service} ended by itself; starting it again");
        }
        self.wait = Some(Instant::now() + pause);
    }

    fn try_again(&mut self) {
        let service = self.server.service();
        self.wait = None;
        match self.spawn() {
            Ok(pid) => tracing::info!(%service, pid, "{service} was started again"),
            // Without a child the next look counts this as another death.
            Err(refusal) => tracing::error!(%service, %refusal, "{service} cannot be started"),
        }
    }

    /// Keeps the log from filling the disk.
    pub(super) fn cap_log(&self) {
        let _ = folder::cap_log(self.server.log());
    }

    /// Sends the signal for this ending, without waiting for it.
    pub(super) fn tell(&self, ending: Ending) {
        let signal = match ending {
            Ending::Orderly => self.server.stop_signal(),
            Ending::Killed => libc::SIGKILL,
        };
        if let Some(child) = &self.child {
            let _ = kernel::signal(child.id(), signal);
        }
    }

    /// Waits until the server is gone, and helps with force when that takes too long.
    pub(super) fn wait_for_end(&mut self) {
        let told = Instant::now();
        while !self.has_ended() {
            if told.elapsed() > ENDS_WITHIN
                && let Some(child) = &mut self.child
            {
                let service = self.server.service();
                tracing::warn!(%service, "{service} did not end in time and was killed");
                let _ = child.kill();
                let _ = child.wait();
            }
            thread::sleep(READY_POLL);
        }
    }
}

/// How long to wait after so many deaths in the last minute, and whether that looks hopeless.
fn pause_after(deaths: usize) -> (Duration, bool) {
    let deaths = u32::try_from(deaths).unwrap_or(u32::MAX);
    if deaths > DEATHS_MAX {
        return (LONG_PAUSE, true);
    }
    (FIRST_PAUSE * 2_u32.pow(deaths.saturating_sub(1)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_quick_and_a_hopeless_server_is_tried_rarely() {
        assert_eq!(pause_after(1), (Duration::from_millis(100), false));
        assert_eq!(pause_after(6), (Duration::from_millis(3200), false));
        assert_eq!(pause_after(7), (LONG_PAUSE, true));
        assert_eq!(pause_after(usize::MAX), (LONG_PAUSE, true));
    }
}
