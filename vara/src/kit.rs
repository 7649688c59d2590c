//! What every part of Vara is built on: database, keys, bus, record, pictures.

use crate::settings::{self, Folder, Servers, from_env};
use anyhow::Context;
use eventstore::bus::Bus;
use eventstore::objects::Objects;
use eventstore::role::connect_as;
use eventstore::{MasterKey, Role, Store, Vault, migrate};

/// Connections to the database of one process.
const CONNECTIONS: u32 = 24;

/// Connections to the database of keys of one process; one of them listens for destroyed keys.
const KEY_CONNECTIONS: u32 = 7;

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
    /// Opens everything; the database must have the shape this release needs.
    pub async fn open(folder: Folder, servers: Servers) -> anyhow::Result<Self> {
        let database = migrate::connect(&servers.database_url, CONNECTIONS)
            .await
            .context("the database cannot be reached")?;
        if !migrate::is_current(&database).await? {
            anyhow::bail!("the database is not prepared for this release: run `vara migrate`");
        }
        if migrate::may_prepare(&database).await? {
            tracing::warn!(
                "the database server allows prepared transactions; set max_prepared_transactions to 0 (docs/operating.md)"
            );
        }
        let keys = migrate::connect(&servers.keys_url()?, KEY_CONNECTIONS)
            .await
            .context("the database of keys cannot be reached")?;
        let vault = Vault::new(keys, master_key(&folder)?);
        vault.check().await?;
        vault.follow();
        let bus = Bus::connect(&servers.nats_url).await?;
        let objects = Objects::open(&folder.objects(), vault.clone())?;
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
        None => MasterKey::read_or_create(&folder.keys()?.join("master.key"))?,
    })
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
