//! Questions to the kernel that the standard library does not put; all unsafe code is here.

use std::io;
use std::process::Command;

/// Whether this process may change to other users.
pub(crate) fn is_root() -> bool {
    user() == 0
}

/// The user as whom this process acts.
#[expect(
    unsafe_code,
    reason = "the standard library has no way to ask for the effective user"
)]
pub(crate) fn user() -> u32 {
    // SAFETY: geteuid takes nothing, changes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Sends a signal to one process. Signal 0 only asks whether the process exists.
#[expect(unsafe_code, reason = "the standard library can send SIGKILL only")]
pub(crate) fn signal(pid: u32, signal: i32) -> io::Result<()> {
    // Zero and negative numbers would mean whole groups of processes, ours among them.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: kill takes two numbers and touches no memory of ours.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes the child receive `signal` when the **thread** that spawns it ends, however it ends.
///
/// The standard library runs this after it has changed the user, which would clear the setting.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "a parent-death signal can be set only between fork and exec"
)]
pub(crate) fn end_with_this_thread(command: &mut Command, signal: i32) {
    use std::os::unix::process::CommandExt as _;

    let parent = std::process::id();
    let before_exec = move || {
        // SAFETY: both calls are async-signal-safe, take numbers only and touch no memory.
        let (failed, found) = unsafe {
            (
                libc::prctl(libc::PR_SET_PDEATHSIG, signal) != 0,
                libc::getppid(),
            )
        };
        match failed {
            true => Err(io::Error::last_os_error()),
            // The parent died in between, so its signal will never come.
            false if u32::try_from(found) != Ok(parent) => Err(io::ErrorKind::NotFound.into()),
            false => Ok(()),
        }
    };
    // SAFETY: the closure allocates nothing and takes no locks, as code after a fork must.
    unsafe { command.pre_exec(before_exec) };
}

/// No such signal outside Linux: the next start stops what was left behind.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_with_this_thread(_command: &mut Command, _signal: i32) {}
