//! The servers as one thing that a caller starts, asks for addresses, and stops.

use std::fmt;
use std::path::PathBuf;

use crate::account::Account;
use crate::folder::Folder;
use crate::nats::{self, Nats};
use crate::postgres::{self, Postgres};
use crate::psql::Psql;
use crate::supervise::{Server, Supervisor};
use crate::{Binaries, StackError, binaries, ports};

/// How often another port is tried when somebody takes the chosen one in the last moment.
const PORT_TRIES: u32 = 4;
const DATABASE: &str = "vara";

/// One of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// PostgreSQL with pgvector.
    Postgres,
    /// NATS with JetStream.
    Nats,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Service::Postgres => "PostgreSQL",
            Service::Nats => "NATS",
        })
    }
}

/// What to run, and where it lies.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The data folder of this stack, made where it is missing; see [`crate::default_base`].
    pub data: PathBuf,
    /// Where fetched programs are kept; see [`crate::default_cache`].
    pub cache: PathBuf,
    /// Whether PostgreSQL is run.
    pub postgres: bool,
    /// Whether NATS is run.
    pub nats: bool,
    /// Whether a fetch shows no progress bar.
    pub quiet: bool,
}

/// What a server does for data that a power failure would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Everything acknowledged is on the disk.
    Full,
    /// For tests, which throw the data away.
    Hasty,
}

/// Running servers. They are restarted when they die, and stopped when this value is dropped.
pub struct Stack {
    // First, so that the servers are gone before the folder is free for others.
    supervisor: Supervisor,
    psql: Option<Psql>,
    nats_url: Option<String>,
    _folder: Folder,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("supervisor", &self.supervisor)
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts the servers and returns when all of them answer and the database `vara` exists.
    ///
    /// The first start fetches the programs and makes the database, which takes some seconds. What
    /// a killed predecessor left running on the folder is ended first. Ports and password stay the
    /// same from start to start, unless somebody else has taken a port meanwhile.
    ///
    /// # Errors
    /// Each says what to do; see [`StackError`]. Nothing is left running then.
    pub fn start(options: StackOptions) -> Result<Stack, StackError> {
        Stack::start_with(&options, Durability::Full)
    }

    pub(crate) fn start_with(
        options: &StackOptions,
        durability: Durability,
    ) -> Result<Stack, StackError> {
        let account = Account::of_this_process();
        let folder = Folder::open(&options.data, account)?;
        let programs = binaries(&options.cache, options.quiet)?;
        account.probe(&programs.postgres("postgres"), folder.path())?;
        // Before the ports are chosen, which orphans of an earlier start would hold.
        postgres::end_left_behind(folder.path())?;
        nats::end_left_behind(folder.path())?;
        let mut tries = PORT_TRIES;
        let (supervisor, psql, nats_url) = loop {
            tries -= 1;
            match launch(options, &folder, &programs, durability) {
                Err(StackError::PortTaken { .. }) if tries > 0 => {}
                other => break other?,
            }
        };
        let stack = Stack {
            supervisor,
            psql,
            nats_url,
            _folder: folder,
        };
        if stack.psql.is_some() {
            stack.create_database(DATABASE, None)?;
        }
        Ok(stack)
    }

    /// The address of a database, with the password in it; `None` when PostgreSQL is not run here.
    pub fn database_url(&self, database: &str) -> Option<String> {
        Some(self.psql.as_ref()?.url(database))
    }

    /// The address of NATS, with the password in it; `None` when NATS is not run here.
    pub fn nats_url(&self) -> Option<String> {
        self.nats_url.clone()
    }

    /// The present process id of a server, which changes with every restart.
    ///
    /// `None` when it is not run here, or is dead and not yet started again.
    pub fn pid(&self, service: Service) -> Option<u32> {
        self.supervisor.pid(service)
    }

    /// Makes a database, empty or as a copy of `template`. One that exists already stays as it is.
    ///
    /// # Errors
    /// When a name is not of 1 to 63 lower-case letters, digits and `_`, when PostgreSQL is not run
    /// here, or when it refuses, for example because somebody is connected to the template.
    pub fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), StackError> {
        self.psql()?.create_database(name, template)
    }

    /// Stops the servers: quickly, in order, and by force only after twenty seconds.
    ///
    /// Dropping the value does the same.
    pub fn stop(self) {
        drop(self);
    }

    pub(crate) fn psql(&self) -> Result<&Psql, StackError> {
        let absent = || StackError::Refused {
            detail: "it is not run here".to_owned(),
        };
        self.psql.as_ref().ok_or_else(absent)
    }
}

type Launched = (Supervisor, Option<Psql>, Option<String>);

fn launch(
    options: &StackOptions,
    folder: &Folder,
    programs: &Binaries,
    durability: Durability,
) -> Result<Launched, StackError> {
    let password = folder.password()?;
    let mut servers: Vec<Box<dyn Server>> = Vec::new();
    let (mut psql, mut nats_url) = (None, None);
    if options.postgres {
        postgres::make_cluster(folder, programs, &password, durability)?;
        let port = ports::choose(folder.path(), Service::Postgres)?;
        servers.push(Box::new(Postgres {
            program: programs.postgres("postgres"),
            data: postgres::data_in(folder.path()),
            log: folder.log("postgres"),
            port,
            account: folder.account(),
            durability,
        }));
        psql = Some(Psql {
            program: programs.postgres("psql"),
            port,
            password: password.clone(),
        });
    }
    if options.nats {
        let port = ports::choose(folder.path(), Service::Nats)?;
        servers.push(Box::new(Nats::new(
            folder, programs, port, &password, durability,
        )?));
        nats_url = Some(nats::url(port, &password));
    }
    Ok((Supervisor::start(servers)?, psql, nats_url))
}
