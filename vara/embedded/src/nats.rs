//! How NATS with JetStream is set up, started and recognised as ready.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::account::{self, Account};
use crate::folder::{self, Folder};
use crate::psql::USER;
use crate::stack::Durability;
use crate::supervise::Server;
use crate::{Binaries, Service, StackError, processes};

const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// One NATS server on its port.
#[derive(Debug)]
pub(crate) struct Nats {
    program: PathBuf,
    config: PathBuf,
    pid_file: PathBuf,
    store: PathBuf,
    log: PathBuf,
    port: u16,
    account: Account,
}

/// Ends the server of a killed predecessor on this data folder.
pub(crate) fn end_left_behind(folder: &Path) -> Result<(), StackError> {
    processes::end_orphan(
        Service::Nats,
        &pid_file(folder),
        &config(folder),
        libc::SIGTERM,
    )
}

/// Where the streams lie in a data folder.
pub(crate) fn store_in(folder: &Path) -> PathBuf {
    folder.join("jetstream")
}

/// The address of a server, with the password in it.
pub(crate) fn url(port: u16, password: &str) -> String {
    format!("nats://{USER}:{password}@127.0.0.1:{port}")
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("nats.pid")
}

fn config(folder: &Path) -> PathBuf {
    folder.join("secrets/nats.conf")
}

impl Nats {
    /// Writes the settings of a server for this folder.
    pub(crate) fn new(
        folder: &Folder,
        binaries: &Binaries,
        port: u16,
        password: &str,
        durability: Durability,
    ) -> Result<Nats, StackError> {
        let (path, account) = (folder.path(), folder.account());
        let store = store_in(path);
        let text = settings(path, &store, port, password, durability);
        Ok(Nats {
            program: binaries.nats_server(),
            config: folder.write_secret("nats.conf", &text, account)?,
            pid_file: pid_file(path),
            store,
            log: folder.log("nats"),
            port,
            account,
        })
    }
}

/// The password stands in a file and not on the command line, which everybody may read.
fn settings(
    folder: &Path,
    store: &Path,
    port: u16,
    password: &str,
    durability: Durability,
) -> String {
    let name = name_in(folder);
    let store = quoted(store);
    // By default a power failure takes up to two minutes of acknowledged messages with it. Not "always": that costs sixteen times the rate (measured), for a server whose store may be lost at any time. After a
    // power cut that forgot what was acknowledged, the relay sees that and publishes the log anew.
    let sync = if durability == Durability::Full {
        "\"10s\""
    } else {
        "\"2m\""
    };
    format!(
        "server_name: \"{name}\"\n\
         host: \"127.0.0.1\"\n\
         port: {port}\n\
         max_payload: 1MB\n\
         authorization {{ user: \"{USER}\", password: \"{password}\" }}\n\
         jetstream {{\n  store_dir: {store}\n  sync_interval: {sync}\n  \
           max_memory_store: 256MB\n  max_file_store: 4GB\n}}\n"
    )
}

/// The name by which a server on this folder is told from a stranger's on the same port.
fn name_in(folder: &Path) -> String {
    format!("vara-{}", account::fingerprint(folder))
}

fn quoted(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{text}\"")
}

impl Server for Nats {
    fn service(&self) -> Service {
        Service::Nats
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn log(&self) -> &Path {
        &self.log
    }

    fn stop_signal(&self) -> i32 {
        libc::SIGTERM
    }

    fn prepare(&self) -> Result<Command, StackError> {
        processes::end_orphan(Service::Nats, &self.pid_file, &self.config, libc::SIGTERM)?;
        // Whoever wants an empty store may delete the folder while Vara is stopped.
        folder::make_for(self.account, &self.store)?;
        let mut command = self.account.command(&self.program);
        command.arg("-c").arg(&self.config);
        Ok(command)
    }

    fn note(&self, pid: u32) -> Result<(), StackError> {
        folder::write_whole(&self.pid_file, &pid.to_string(), Account::Own)
    }

    /// NATS greets every client with its name, and listens only when its streams are read.
    fn is_ready(&self, _pid: u32) -> bool {
        let name = self.pid_file.parent().map(name_in).unwrap_or_default();
        greeting(self.port).is_some_and(|line| line.starts_with("INFO ") && line.contains(&name))
    }
}

fn greeting(port: u16) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN).ok()?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN)).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_name_cannot_end_its_quotes() {
        assert_eq!(quoted(Path::new(r#"/a "b" \c"#)), r#""/a \"b\" \\c""#);
    }

    #[test]
    fn kept_messages_are_written_to_the_disk_within_seconds() {
        let path = Path::new("/data");
        let text = settings(path, &store_in(path), 4, "secret", Durability::Full);
        assert!(text.contains("sync_interval: \"10s\""), "{text}");
        assert!(text.contains("store_dir: \"/data/jetstream\""), "{text}");
        assert!(text.contains("host: \"127.0.0.1\""), "{text}");
    }
}
