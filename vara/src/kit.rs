//! What every part of Vara is built on: database, keys, bus, record, pictures.

use crate::settings::{self, Folder, Servers, from_env};
use anyhow::{Context, bail};
use eventstore::bus::Bus;
use eventstore::objects::{Objects, Place};
use eventstore::role::connect_as;
use eventstore::{Database, MasterKey, Role, Store, Vault, migrate};

/// Connections to the database of one process.
const CONNECTIONS: u32 = 24;

/// Connections to the database of keys of one process; one of them listens for destroyed keys.
const KEY_CONNECTIONS: u32 = 7;

/// What of the data folder may be made where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// What a part needs to work.
    Made,
    /// Nothing.
    AsTheyAre,
}

/// The common ground of all parts in one process.
#[derive(Debug, Clone)]
pub struct Kit {
    pub folder: Folder,
    pub servers: Servers,
    pub store: Store,
    pub vault: Vault,
    pub bus: Bus,
    pub objects: Objects,
}

impl Kit {
    /// Opens everything for a part that works, and makes what is missing in the data folder; the databases must have the
    /// shape this release needs. A master key is made for a database of keys that holds none yet, and for no other.
    pub async fn open(folder: Folder, servers: Servers) -> anyhow::Result<Self> {
        Self::on(folder, servers, Files::Made).await
    }

    /// Opens everything for somebody who looks or repairs; makes no file.
    pub async fn look(folder: Folder, servers: Servers) -> anyhow::Result<Self> {
        Self::on(folder, servers, Files::AsTheyAre).await
    }

    async fn on(folder: Folder, servers: Servers, files: Files) -> anyhow::Result<Self> {
        let database = migrate::connect(&servers.database_url, CONNECTIONS)
            .await
            .context("the database cannot be reached")?;
        if !migrate::is_current(&database).await? {
            bail!("the database is not prepared for this release: run `vara migrate`");
        }
        if migrate::may_prepare(&database).await? {
            tracing::warn!(
                "the database server allows prepared transactions; set max_prepared_transactions to 0 (docs/operating.md)"
            );
        }
        let keys = migrate::connect(&servers.keys_url()?, KEY_CONNECTIONS)
            .await
            .context("the database of keys cannot be reached")?;
        if !migrate::keys_are_current(&keys).await? {
            bail!("the database of keys is not prepared for this release: run `vara migrate`");
        }
        let master = master_key_of(&keys, &folder, files).await?;
        let vault = Vault::new(keys, master);
        vault.check().await?;
        vault.follow();
        let bus = Bus::connect(&servers.nats_url).await?;
        let objects = match (settings::objects(&folder)?, files) {
            (Place::Folder(folder), Files::Made) => Objects::open(&folder, vault.clone())?,
            (place, Files::Made | Files::AsTheyAre) => Objects::at(place, vault.clone())?,
        };
        Ok(Self {
            store: Store::open(database, vault.clone()),
            folder,
            servers,
            vault,
            bus,
            objects,
        })
    }

    /// The same ground for a part that may do only what a role may.
    pub async fn acting_as(&self, role: Role) -> anyhow::Result<Self> {
        let database = connect_as(role, &self.servers.database_url, CONNECTIONS)
            .await
            .context("the database cannot be reached")?;
        Ok(Self {
            store: Store::open(database, self.vault.clone()),
            ..self.clone()
        })
    }
}

/// The master key: told by a command, or in a file of the data folder.
pub fn master_key(folder: &Folder) -> anyhow::Result<MasterKey> {
    Ok(match from_env("VARA_MASTER_KEY_COMMAND") {
        Some(command) => MasterKey::told_by(&command)?,
        None => MasterKey::read(&folder.master_key())?,
    })
}

/// The master key for this database of keys. A missing file is made only where nothing was wrapped yet: in a folder that
/// was named by mistake, or after the file was lost, a fresh key would open nothing and seal what nobody opens later.
async fn master_key_of(
    keys: &Database,
    folder: &Folder,
    files: Files,
) -> anyhow::Result<MasterKey> {
    // Asked before the file is looked for: a process that starts beside this one makes the file, then wraps.
    let wrapped = Vault::wrapped_in(keys).await?;
    let path = folder.master_key();
    let is_there = from_env("VARA_MASTER_KEY_COMMAND").is_some()
        || path
            .try_exists()
            .with_context(|| format!("{} cannot be looked for", path.display()))?;
    if !is_there && wrapped > 0 {
        bail!(
            "the database of keys holds wrapped keys ({wrapped}), and there is no master key at {}: \
             either the data folder is another one than it was written with (--data-dir, VARA_DATA_DIR), \
             or that file is to be restored",
            path.display()
        );
    }
    match files {
        Files::Made => {
            folder.make_keys()?;
            if !is_there {
                return Ok(MasterKey::read_or_create(&path)?);
            }
        }
        Files::AsTheyAre if !is_there => return Ok(MasterKey::awaited(&path)),
        Files::AsTheyAre => {}
    }
    master_key(folder)
}

/// Brings both databases to the shape this release needs; the one of keys is made where nobody named it.
pub async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let database = migrate::connect(database_url, 1)
        .await
        .context("the database cannot be reached")?;
    migrate::run(&database)
        .await
        .context("the database could not be migrated")?;
    if from_env(settings::KEYS_URL).is_none() {
        let name = settings::keys_database(database_url)?;
        let made = migrate::create_beside(&database, &name).await;
        made.with_context(|| {
            format!(
                "the database of keys could not be made: make {name}, or set {}",
                settings::KEYS_URL
            )
        })?;
    }
    let keys = migrate::connect(&settings::keys_url(database_url)?, 1)
        .await
        .context("the database of keys cannot be reached")?;
    migrate::run_keys(&keys, &database)
        .await
        .context("the database of keys could not be migrated")?;
    keys.close().await;
    database.close().await;
    Ok(())
}
