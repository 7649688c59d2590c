//! How PostgreSQL is set up, started and recognised as ready.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::at;
use crate::folder::{self, Folder};
use crate::psql::USER;
use crate::stack::Durability;
use crate::supervise::Server;
use crate::{Binaries, Service, StackError, processes};

const MAJOR: &str = "18";
const PID_FILE: &str = "postmaster.pid";
/// Where `postmaster.pid` says that clients are served.
const STATUS_LINE: usize = 7;

/// Settings that hold for every start, whatever the files in the folder say.
///
/// No statement, parameter or value reaches the log: `terse` drops the details of a violated
/// constraint, and messages of level ERROR, which quote values that cannot be read, are left out.
/// Whoever runs a statement gets its error and logs it in words of its own.
const SETTINGS: [&str; 16] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    // A prepared append that was forgotten would hold the lock of the log for ever.
    "max_prepared_transactions=0",
    // Old files of the write-ahead log repeat what read models held: they are let go, not kept to be overwritten.
    "wal_recycle=off",
    "shared_buffers=128MB",
    "log_destination=stderr",
    "logging_collector=off",
    "log_timezone=UTC",
    "timezone=UTC",
    "log_statement=none",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_min_messages=log",
];
/// A database that is thrown away need not survive a power failure.
const HASTY: [&str; 3] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// One cluster of databases on its port.
pub(crate) struct Postgres {
    pub(crate) program: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) port: u16,
    pub(crate) account: Account,
    pub(crate) durability: Durability,
}

/// Where the database lies in a data folder.
pub(crate) fn data_in(folder: &Path) -> PathBuf {
    folder.join("postgres")
}

/// Ends whatever a killed predecessor left running on this data folder.
pub(crate) fn end_left_behind(folder: &Path) -> Result<(), StackError> {
    let data = data_in(folder);
    processes::end_orphan(Service::Postgres, &data.join(PID_FILE), &data, libc::SIGINT)?;
    processes::kill_strays(&data);
    Ok(())
}

/// Makes the cluster where it is missing, and checks that it is of our version.
pub(crate) fn make_cluster(
    folder: &Folder,
    binaries: &Binaries,
    password: &str,
    durability: Durability,
) -> Result<(), StackError> {
    let (data, account) = (data_in(folder.path()), folder.account());
    let version = data.join("PG_VERSION");
    match fs::read_to_string(&version) {
        Ok(found) if found.trim() == MAJOR => return account.own(&data),
        Ok(found) => {
            let found = found.trim().to_owned();
            return Err(StackError::OtherVersion {
                folder: data,
                found,
            });
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(at(&version)(e)),
    }
    // A cluster under its final name is complete, even when we were killed in between.
    let draft = folder.path().join("postgres.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(at(&draft))?;
    }
    folder::make_for(account, &draft)?;
    let secret = folder.write_secret("initdb", password, account)?;
    let made = initdb(account, binaries, &draft, &secret, durability);
    fs::remove_file(&secret).map_err(at(&secret))?;
    made?;
    fs::rename(&draft, &data).map_err(at(&data))
}

/// The builtin locale sorts by code point and does not depend on what the machine has installed.
fn initdb(
    account: Account,
    binaries: &Binaries,
    data: &Path,
    password: &Path,
    durability: Durability,
) -> Result<(), StackError> {
    let program = binaries.postgres("initdb");
    let mut command = account.command(&program);
    command.arg("-D").arg(data).arg("--pwfile").arg(password);
    command.args([
        "--username",
        USER,
        "--auth=scram-sha-256",
        "--data-checksums",
    ]);
    command.args(["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]);
    command.args(["--builtin-locale=C.UTF-8", "--no-instructions"]);
    if durability == Durability::Hasty {
        command.arg("--no-sync");
    }
    let detail = match command.output() {
        Ok(done) if done.status.success() => return Ok(()),
        Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    if detail.contains("No space left on device") {
        return Err(StackError::DiskFull {
            path: data.to_path_buf(),
        });
    }
    Err(StackError::CannotRun { program, detail })
}

impl Server for Postgres {
    fn service(&self) -> Service {
        Service::Postgres
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn log(&self) -> &Path {
        &self.log
    }

    /// SIGTERM would wait for every client to leave.
    fn stop_signal(&self) -> i32 {
        libc::SIGINT
    }

    fn prepare(&self) -> Result<Command, StackError> {
        if let Some(folder) = self.data.parent() {
            end_left_behind(folder)?;
        }
        let mut command = self.account.command(&self.program);
        command
            .arg("-D")
            .arg(&self.data)
            .args(["-c", &format!("port={}", self.port)]);
        let hasty = if self.durability == Durability::Hasty {
            &HASTY[..]
        } else {
            &[]
        };
        for setting in SETTINGS.iter().chain(hasty) {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    /// The file is asked and not the port, which takes connections before the database is repaired.
    fn is_ready(&self, pid: u32) -> bool {
        let file = self.data.join(PID_FILE);
        let text = fs::read_to_string(&file).unwrap_or_default();
        processes::first_number(&file) == Some(pid)
            && text
                .lines()
                .nth(STATUS_LINE)
                .is_some_and(|status| status.trim() == "ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_postgres_on(data: &Path) -> Postgres {
        Postgres {
            program: PathBuf::from("postgres"),
            data: data.to_path_buf(),
            log: data.join("log"),
            port: 1,
            account: Account::Own,
            durability: Durability::Full,
        }
    }

    #[test]
    fn a_server_is_ready_when_its_own_pid_file_says_so() {
        let data = tempfile::tempdir().unwrap();
        let server = a_postgres_on(data.path());
        assert!(!server.is_ready(42));
        let file = |status: &str| format!("42\n/data\n1\n1\n\n127.0.0.1\n  1 2\n{status}\n");
        for (status, ready) in [("starting", false), ("ready   ", true), ("stopping", false)] {
            fs::write(data.path().join(PID_FILE), file(status)).unwrap();
            assert_eq!(server.is_ready(42), ready, "{status}");
            assert!(!server.is_ready(43), "another process wrote it");
        }
    }

    #[test]
    fn data_of_another_major_version_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let folder = Folder::open(base.path(), Account::Own).unwrap();
        fs::create_dir(base.path().join("postgres")).unwrap();
        fs::write(base.path().join("postgres/PG_VERSION"), "16\n").unwrap();
        let binaries = Binaries::below(Path::new("/nowhere"));
        let refusal = make_cluster(&folder, &binaries, "", Durability::Hasty).unwrap_err();
        assert!(matches!(&refusal, StackError::OtherVersion { found, .. } if found == "16"));
    }
}
