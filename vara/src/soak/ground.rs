//! Where a run takes place: a folder, servers of its own with full durability, and the settings of its processes.

use super::children::{Home, signal};
use crate::kit::{self, Kit};
use crate::settings::{Folder, KEYS_URL, Servers, from_env};
use anyhow::{Context, ensure};
use embedded::{Service, Stack, StackOptions};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk on every system, unlike `/tmp`, which may be memory and then makes durability free (FHS 3.0, 5.15).
const DISK: &str = "/var/tmp";
/// The stand-in's key: the right answer, so many milliseconds late, so that scans are met in the middle.
const ENGINE_KEY: &str = "slow:150";

/// The folder of a run.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// It was made here and goes away, rather than named by the one who asks.
    is_temporary: bool,
}

impl Place {
    /// The named folder, which must be empty or absent, or a new one.
    pub fn open(named: Option<&Path>, seed: u64) -> anyhow::Result<Self> {
        for outside in [KEYS_URL, "VARA_MASTER_KEY_COMMAND"] {
            ensure!(
                from_env(outside).is_none(),
                "{outside} is set, and this run makes and breaks everything it uses: unset it"
            );
        }
        let path = match named {
            Some(path) => {
                let is_empty =
                    !path.exists() || (path.is_dir() && path.read_dir()?.next().is_none());
                ensure!(
                    is_empty,
                    "--data-dir: {} is not an empty folder",
                    path.display()
                );
                std::path::absolute(path)?
            }
            None => Path::new(DISK).join(format!("vara-soak-{}-{seed}", std::process::id())),
        };
        // The account of the servers passes through, and sees nothing else.
        let made = std::fs::DirBuilder::new()
            .recursive(named.is_some())
            .mode(0o711)
            .create(&path)
            .and_then(|()| std::fs::set_permissions(&path, PermissionsExt::from_mode(0o711)));
        made.with_context(|| format!("the folder {} cannot be made", path.display()))?;
        let place = Self {
            path,
            is_temporary: named.is_none(),
        };
        for folder in [place.data(), place.acks(), place.logs()] {
            std::fs::DirBuilder::new().mode(0o700).create(folder)?;
        }
        Ok(place)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Files of acknowledgements.
    pub fn acks(&self) -> PathBuf {
        self.path.join("acks")
    }

    /// What the processes said.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Takes a temporary folder away.
    pub fn remove(self) -> anyhow::Result<()> {
        if self.is_temporary {
            std::fs::remove_dir_all(&self.path)
                .with_context(|| format!("{} cannot be removed", self.path.display()))?;
        }
        Ok(())
    }
}

/// Two ports of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub api: u16,
    pub engine: u16,
}

impl Ports {
    /// Two that are free now: the processes that come back must be found where they were.
    fn free() -> anyhow::Result<Self> {
        let one = TcpListener::bind("127.0.0.1:0")?;
        let other = TcpListener::bind("127.0.0.1:0")?;
        Ok(Self {
            api: one.local_addr()?.port(),
            engine: other.local_addr()?.port(),
        })
    }
}

/// Running servers, and the run's own view of the log. Say [`Ground::close`] in the end.
pub struct Ground {
    pub kit: Kit,
    pub home: Home,
    /// Where the API and the stand-in of the engine are served, whenever they are.
    pub ports: Ports,
    /// The little web.
    pub web: PathBuf,
    stack: Stack,
    psql: PathBuf,
    store: PathBuf,
}

impl Ground {
    /// Starts servers in the folder and prepares the database. Nothing is left running where this fails.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        let servers = place.path().join("servers");
        let options = StackOptions {
            data: servers.clone(),
            cache: embedded::default_cache(),
            postgres: true,
            nats: true,
            quiet: false,
        };
        let stack = tokio::task::spawn_blocking(move || Stack::start(options)).await??;
        let psql = embedded::binaries(&embedded::default_cache(), true)?.postgres("psql");
        let at = Servers {
            database_url: stack.database_url("vara").context("there is no database")?,
            nats_url: stack.nats_url().context("there is no NATS")?,
        };
        kit::migrate(&at.database_url).await?;
        let ports = Ports::free()?;
        let home = Home {
            program: std::env::current_exe()?,
            environment: vec![
                ("DATABASE_URL", at.database_url.clone()),
                ("NATS_URL", at.nats_url.clone()),
                ("VARA_DATA_DIR", place.data().display().to_string()),
                (
                    "VARA_TINEYE_URL",
                    format!("http://127.0.0.1:{}/rest", ports.engine),
                ),
                ("VARA_TINEYE_KEY", ENGINE_KEY.to_owned()),
                ("VARA_LOG", "warn".to_owned()),
            ],
            logs: place.logs(),
        };
        let data = crate::cli::Data {
            data_dir: Some(place.data()),
        };
        let kit = Kit::open(Folder::of(&data), at).await?;
        Ok(Self {
            web: kit.folder.web(),
            kit,
            home,
            ports,
            stack,
            psql,
            store: servers.join("jetstream"),
        })
    }

    /// Whether both servers run now.
    pub fn is_well(&self) -> bool {
        [Service::Postgres, Service::Nats]
            .iter()
            .all(|server| self.stack.pid(*server).is_some())
    }

    /// SIGKILL of a server; whether it ran.
    pub fn kill(&self, server: Service) -> anyhow::Result<bool> {
        let Some(pid) = self.stack.pid(server) else {
            return Ok(false);
        };
        signal(pid, "-KILL")?;
        Ok(true)
    }

    /// SIGSTOP of a server; its process, if it ran.
    pub fn pause(&self, server: Service) -> anyhow::Result<Option<u32>> {
        let pid = self.stack.pid(server);
        if let Some(pid) = pid {
            signal(pid, "-STOP")?;
        }
        Ok(pid)
    }

    /// Kills NATS and deletes its store before it comes back; whether it ran.
    pub fn wipe(&self) -> anyhow::Result<bool> {
        let Some(pid) = self.stack.pid(Service::Nats) else {
            return Ok(false);
        };
        // Stopped first: nothing is written between the one and the other.
        signal(pid, "-STOP")?;
        let gone = self.store.with_extension("gone");
        let moved = std::fs::rename(&self.store, &gone);
        signal(pid, "-KILL")?;
        moved
            .and_then(|()| std::fs::remove_dir_all(&gone))
            .context("the store of NATS cannot be deleted")?;
        Ok(true)
    }

    /// PostgreSQL's own client, as somebody else would use it.
    pub fn psql(&self) -> anyhow::Result<Command> {
        let url: url::Url = self.kit.servers.database_url.parse()?;
        let mut psql = Command::new(&self.psql);
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
        ])
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or_default().to_string())
        .env("PGUSER", url.username())
        // Not on the command line, which everybody may read.
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .env("PGDATABASE", url.path().trim_start_matches('/'))
        .env("PGCONNECT_TIMEOUT", "5");
        Ok(psql)
    }

    /// Stops the servers.
    pub async fn close(self) -> anyhow::Result<()> {
        let Self { kit, stack, .. } = self;
        drop(kit);
        Ok(tokio::task::spawn_blocking(move || stack.stop()).await?)
    }
}
