//! What every part of Vara is built on: database, keys, bus, record, pictures.

use crate::settings::{Folder, Servers};
use anyhow::Context;
use eventstore::bus::Bus;
use eventstore::objects::Objects;
use eventstore::{MasterKey, Store, Vault, migrate};

/// Connections to the database of one process.
const CONNECTIONS: u32 = 24;

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
        let master = MasterKey::read_or_create(&folder.keys()?.join("master.key"))?;
        let vault = Vault::new(database.clone(), master);
        vault.check().await?;
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
}

/// Brings the database to the shape this release needs.
pub async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let database = migrate::connect(database_url, 1)
        .await
        .context("the database cannot be reached")?;
    migrate::run(&database)
        .await
        .context("the database could not be migrated")?;
    database.close().await;
    Ok(())
}
