//! A log and read models of one's own for each test.

use embedded::testing;
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::feed::{Feed, Tail};
use eventstore::role::connect_as;
use eventstore::{Log, MasterKey, Recorded, Role, Store, Vault, Why, migrate};
use projections::page::Page;
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Generous: the machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// All of a list that is shorter than a page.
pub const ALL: Page = Page {
    number: 1,
    size: 100,
};

/// A database; it goes when the value goes, else the next test process must delete it from the disk.
pub struct Database {
    pub pool: PgPool,
    url: String,
}

impl Database {
    pub async fn fresh() -> Self {
        let made = tokio::task::spawn_blocking(|| testing::database("read_models", migrated));
        let url = made.await.unwrap();
        let pool = migrate::connect(&url, 16).await.unwrap();
        Self { pool, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = self.url.clone();
        let dropping = std::thread::spawn(move || {
            small_runtime().block_on(async {
                let (server, name) = url.rsplit_once('/').unwrap();
                let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
                let mut asked = PgConnection::connect(&format!("{server}/postgres")).await?;
                asked.execute(drop.as_str()).await
            })
        });
        let dropped = dropping.join();
        assert!(matches!(dropped, Ok(Ok(_))) || std::thread::panicking());
    }
}

fn small_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn migrated(url: &str) {
    small_runtime().block_on(async {
        let pool = migrate::connect(url, 1).await.unwrap();
        migrate::run(&pool).await.unwrap();
        migrate::run_keys(&pool, &pool).await.unwrap();
        pool.close().await;
    });
}

/// A log, and the read models beside it.
pub struct World {
    pub pool: PgPool,
    pub store: Store,
    pub folder: TempDir,
    database: Database,
}

impl World {
    pub async fn fresh() -> Self {
        let database = Database::fresh().await;
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let pool = database.pool.clone();
        let store = Store::open(pool.clone(), Vault::new(pool.clone(), master));
        Self {
            pool,
            store,
            folder,
            database,
        }
    }

    /// A vault that has opened no key yet.
    pub fn vault(&self) -> Vault {
        let master = MasterKey::read(&self.folder.path().join("master.key")).unwrap();
        Vault::new(self.pool.clone(), master)
    }

    /// What a part sees that may do only what a role may.
    pub async fn acting_as(&self, role: Role) -> PgPool {
        connect_as(role, &self.database.url, 4).await.unwrap()
    }

    pub async fn events(&self) -> Vec<Recorded> {
        let log = Log::new(self.pool.clone());
        log.read_after(0, 10_000).await.unwrap()
    }

    /// A feed without a bus: the log alone, looked at four times a second.
    pub async fn feed(&self) -> Feed {
        let nowhere = Bus::connect("nats://nobody:nothing@127.0.0.1:9").await;
        Tail::follow(nowhere.unwrap()).feed(Log::new(self.pool.clone()))
    }

    /// Puts a fact into the log as it is written in the catalogue, unsealed; its event's id.
    pub async fn records(&self, noun: &str, stream: &str, payload: &Value, why: &Why) -> Uuid {
        let event_id = fresh_id();
        let kind = payload.as_object().unwrap().keys().next().unwrap();
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                                 payload, metadata, event_id)
             VALUES ($1, $2, (SELECT count(*) + 1 FROM events WHERE aggregate_type = $1 AND aggregate_id = $2),
                     $3, '1', $4::text::json, $5::text::json, $6)",
        )
        .bind(noun)
        .bind(stream)
        .bind(kind)
        .bind(payload.to_string())
        .bind(serde_json::to_string(why).unwrap())
        .bind(event_id)
        .execute(&self.pool)
        .await
        .unwrap();
        event_id
    }
}

/// Every row of every read model, as text, by table.
pub async fn shown(pool: &PgPool) -> BTreeMap<String, Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT viewname::text FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'read\\_%' ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(tables.len() >= 9);
    let mut shown = BTreeMap::new();
    for table in tables {
        // The primary key's columns stand in every row, so the text orders the rows the same way each time.
        let rows = format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1");
        let rows = sqlx::query_scalar(&rows).fetch_all(pool).await.unwrap();
        shown.insert(table, rows);
    }
    shown
}

/// Waits until something is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
