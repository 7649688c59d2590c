//! What a child gives up before it sees a byte of a stranger's.

use nix::sys::resource::{Resource, setrlimit};

/// What a child may hold besides its program: with the program 256 MiB. Decoding may take 216 MiB of it
/// (`pictures` asks that of the header), the file twice, and the rest is air.
const OWN_BYTES_MAX: u64 = 240 * 1024 * 1024;

/// Seconds of processor time; fifty million pixels take about one.
const CPU_SECONDS_MAX: u64 = 10;

/// How far a child steps back behind whoever answers requests (nice(2), 0 to 19): a picture may take a little longer, a list may not.
const STEP_BACK: i32 = 10;

/// Gives up memory, time, precedence, files, other processes and the traces of a crash, for good.
///
/// # Errors
/// When the system refuses; then nothing may be decoded.
pub(crate) fn confine() -> nix::Result<()> {
    close_what_was_inherited();
    // Where the system refuses, children are as good as others, and no less confined.
    let _ = rustix::process::nice(STEP_BACK);
    let program = size_kib().unwrap_or(0) * 1024;
    for (resource, most) in [
        (Resource::RLIMIT_AS, program + OWN_BYTES_MAX),
        (Resource::RLIMIT_CPU, CPU_SECONDS_MAX),
        // A dump of the memory would be her picture in the clear, on disk.
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NPROC, 0),
        // Last: from here on nothing can be opened.
        (Resource::RLIMIT_NOFILE, 0),
    ] {
        setrlimit(resource, most, most)?;
    }
    Ok(())
}

/// Whatever the parent, or whoever started the parent, left open beyond the three.
fn close_what_was_inherited() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    // Gathered first: the folder itself is one of them until it is read.
    let open: Vec<i32> = open
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        let _ = nix::unistd::close(number);
    }
}

/// Address space that the program takes before it has done anything.
fn size_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmSize:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
