//! Where a run takes place: a server of its own with full durability, or a database of its own on a given one.

use crate::facts::Facts;
use anyhow::{Context, ensure};
use embedded::{Stack, StackOptions};
use eventstore::{Database, MasterKey, Vault, migrate};
use sqlx::{Connection, Executor, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

/// A disk on every system, unlike `/tmp`, which may be memory and then makes durability free (FHS 3.0, 5.15).
const DISK: &str = "/var/tmp";
const SHAPE: &str = include_str!("../sql/shape.sql");

/// An empty database of this release, and the programs to measure it with. Say [`Ground::close`] in the end.
#[derive(Debug)]
pub struct Ground {
    database_url: Url,
    pgbench: PathBuf,
    server: Server,
    may_checkpoint: bool,
    // Last, so that the server in it is gone before it is removed.
    folder: TempDir,
}

#[derive(Debug)]
enum Server {
    Own(Stack),
    /// Somebody else's, with the address of the database that was named, and the name of ours.
    Given {
        theirs: Url,
        name: String,
    },
}

impl Ground {
    /// Prepares a database: on the server of the given address, else on one that is started for this run.
    ///
    /// # Errors
    /// When the server cannot be started or asked, in words that say what to do. Nothing is left behind then.
    pub async fn open(given: Option<&str>) -> anyhow::Result<Self> {
        let fetched = |cache: &Path| embedded::binaries(cache, false);
        let programs = tokio::task::spawn_blocking(move || fetched(&embedded::default_cache()));
        let pgbench = programs.await??.postgres("pgbench");
        let folder = folder()?;
        let (server, database_url) = match given {
            Some(url) => on_theirs(url).await?,
            None => started(folder.path()).await?,
        };
        let mut ground = Self {
            database_url,
            pgbench,
            server,
            may_checkpoint: true,
            folder,
        };
        match ground.prepare().await {
            Ok(()) => Ok(ground),
            Err(fault) => {
                drop(ground.close().await);
                Err(fault)
            }
        }
    }

    async fn prepare(&mut self) -> anyhow::Result<()> {
        let pool = self.connect(1).await?;
        migrate::run(&pool)
            .await
            .context("the database could not be prepared")?;
        // Keys have a database of their own elsewhere; where only notes are sealed they may stand beside them.
        migrate::run_keys(&pool, &pool).await?;
        pool.execute(SHAPE).await?;
        // Not every user of a given server may ask for one.
        self.may_checkpoint = pool.execute("CHECKPOINT").await.is_ok();
        pool.close().await;
        Ok(())
    }

    /// Stops the server that was started, or drops the database that was made.
    ///
    /// # Errors
    /// When a given server does not let go of our database; the text names it.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.server {
            Server::Own(stack) => tokio::task::spawn_blocking(move || stack.stop()).await?,
            Server::Given { theirs, name } => {
                let mut asked = PgConnection::connect(theirs.as_str()).await?;
                let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
                let dropped = asked.execute(drop.as_str()).await;
                dropped.with_context(|| format!("the database {name} could not be dropped"))?;
            }
        }
        self.folder
            .close()
            .context("the temporary folder could not be removed")
    }

    /// A pool of so many connections, as the program opens one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connect(&self, connections: u32) -> anyhow::Result<Database> {
        Ok(migrate::connect(self.database_url.as_str(), connections).await?)
    }

    /// A vault whose master key lies in the temporary folder.
    ///
    /// # Errors
    /// When the key file cannot be written.
    pub fn vault(&self, pool: &Database) -> anyhow::Result<Vault> {
        let master = MasterKey::read_or_create(&self.folder.path().join("master.key"))?;
        Ok(Vault::new(pool.clone(), master))
    }

    /// Empties the tables and writes out what the measurement before left to be written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clean(&self) -> anyhow::Result<()> {
        let mut asked = self.ask().await?;
        asked
            .execute("TRUNCATE events, bench_rows, bench_theirs, bench_views, checkpoints, snapshots, read_digests RESTART IDENTITY")
            .await?;
        asked
            .execute("ALTER SEQUENCE bench_position RESTART")
            .await?;
        if self.may_checkpoint {
            asked.execute("CHECKPOINT").await?;
        }
        Ok(asked.close().await?)
    }

    /// Whether a table holds so many rows: what was counted really happened.
    ///
    /// # Errors
    /// When it does not.
    pub async fn holds(&self, table: &str, rows: u64) -> anyhow::Result<()> {
        let found = self
            .number(&format!("SELECT count(*) FROM {table}"))
            .await?;
        ensure!(
            found == rows,
            "{rows} rows were counted, but {table} holds {found}"
        );
        Ok(())
    }

    /// Whether the log's positions go from 1 to this one without a gap.
    ///
    /// # Errors
    /// When they do not.
    pub async fn is_gapless(&self, newest: u64) -> anyhow::Result<()> {
        let last = self
            .number("SELECT coalesce(max(position), 0) FROM events")
            .await?;
        ensure!(
            last == newest,
            "{newest} events were counted, but the last position is {last}"
        );
        Ok(())
    }

    async fn number(&self, question: &str) -> anyhow::Result<u64> {
        let mut asked = self.ask().await?;
        let number: i64 = sqlx::query_scalar(question).fetch_one(&mut asked).await?;
        asked.close().await?;
        Ok(u64::try_from(number)?)
    }

    /// What a reader must know about the server and the machine.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn facts(&self) -> anyhow::Result<Facts> {
        let mut asked = self.ask().await?;
        let facts = Facts::read(&mut asked, self.may_checkpoint).await?;
        asked.close().await?;
        Ok(facts)
    }

    /// PostgreSQL's load generator.
    #[must_use]
    pub fn pgbench(&self) -> &Path {
        &self.pgbench
    }

    /// The database, with the password in its address.
    #[must_use]
    pub const fn database_url(&self) -> &Url {
        &self.database_url
    }

    /// A folder that goes away in the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A NATS of our own, beside whatever database it is.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn bus(&self) -> anyhow::Result<OwnBus> {
        let options = StackOptions {
            data: self.folder.path().join("bus"),
            cache: embedded::default_cache(),
            postgres: false,
            nats: true,
            quiet: false,
        };
        let stack = tokio::task::spawn_blocking(move || Stack::start(options)).await??;
        let url = stack.nats_url().context("there is no NATS")?;
        Ok(OwnBus { stack, url })
    }

    async fn ask(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.database_url.as_str()).await?)
    }
}

/// A running NATS.
#[derive(Debug)]
pub struct OwnBus {
    stack: Stack,
    url: String,
}

impl OwnBus {
    /// Its address, with the password in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it.
    ///
    /// # Errors
    /// When the task that waits for it ends.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(tokio::task::spawn_blocking(move || self.stack.stop()).await?)
    }
}

fn folder() -> anyhow::Result<TempDir> {
    // The account of the servers passes through, and sees nothing else.
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("vara-bench-")
        .permissions(Permissions::from_mode(0o711));
    let made = builder.tempdir_in(DISK);
    made.with_context(|| format!("no temporary folder can be made in {DISK}"))
}

async fn started(folder: &Path) -> anyhow::Result<(Server, Url)> {
    let options = StackOptions {
        data: folder.join("servers"),
        cache: embedded::default_cache(),
        postgres: true,
        nats: false,
        quiet: false,
    };
    let stack = tokio::task::spawn_blocking(move || Stack::start(options)).await??;
    let url = stack.database_url("vara").context("there is no database")?;
    Ok((Server::Own(stack), url.parse()?))
}

async fn on_theirs(url: &str) -> anyhow::Result<(Server, Url)> {
    let theirs: Url = url.parse().context("DATABASE_URL is no address")?;
    let name = format!(
        "vara_bench_{}",
        Uuid::from_u128(fastrand::u128(..)).simple()
    );
    let mut ours = theirs.clone();
    ours.set_path(&name);
    let asked = PgConnection::connect(theirs.as_str()).await;
    let mut asked = asked.context("the server of DATABASE_URL cannot be reached")?;
    let make = format!("CREATE DATABASE \"{name}\"");
    let made = asked.execute(make.as_str()).await;
    made.context("the user of DATABASE_URL may not make the database that a measurement needs")?;
    asked.close().await?;
    Ok((Server::Given { theirs, name }, ours))
}
