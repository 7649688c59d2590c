//! Brings a database to the shape this release needs.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::Duration;

/// Longest wait of a part that starts for a server that starts.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for a connection of a pool whose connections are all taken.
const CONNECTION_WAIT: Duration = Duration::from_secs(2);

/// A pool of connections to the database that holds log and read models.
pub type Database = PgPool;
/// What a database says when it does not do what was asked.
pub type DatabaseFault = sqlx::Error;

/// All migrations of the database of events and read models, oldest first; each one is reversible.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
/// All migrations of the database of keys.
static KEY_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/keys");

/// Opens a pool of connections for one process.
///
/// # Errors
/// When the address is no PostgreSQL address, or nobody answers there within 10 s.
pub async fn connect(database_url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    pool_of(connections)
        .acquire_timeout(ANSWERS_WITHIN)
        .connect_with(connection(database_url)?)
        .await
}

/// What every connection of ours asks for.
pub(crate) fn connection(database_url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = database_url.parse()?;
    // Statements are never logged: their parameters may be personal.
    Ok(options.disable_statement_logging().options([
        ("idle_in_transaction_session_timeout", "30s"),
        ("statement_timeout", "30s"),
        ("synchronous_commit", "on"),
    ]))
}

/// A pool of at most so many connections; whoever gets none within 2 s is told so: while all are taken, who asks comes
/// again instead of standing in a queue that grows.
#[must_use]
pub fn pool_of(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECTION_WAIT)
}

/// Runs the migrations that are missing. Two processes at once are safe: sqlx takes a lock.
///
/// # Errors
/// When a migration fails, or an applied one was changed since.
pub async fn run(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    tolerant(&MIGRATIONS).run(pool).await
}

/// The same for the database of keys. Keys that an earlier release kept beside the events are moved over.
///
/// # Errors
/// When a migration fails, or a key could not be moved; then it is still where it was.
pub async fn run_keys(keys: &PgPool, events: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    tolerant(&KEY_MIGRATIONS).run(keys).await?;
    Ok(move_keys(keys, events).await?)
}

/// Both kinds may stand in one database, as in tests: neither minds the other's.
fn tolerant(migrations: &'static sqlx::migrate::Migrator) -> sqlx::migrate::Migrator {
    let mut tolerant = sqlx::migrate::Migrator {
        migrations: std::borrow::Cow::Borrowed(&migrations.migrations),
        ..sqlx::migrate::Migrator::DEFAULT
    };
    tolerant.set_ignore_missing(true);
    tolerant
}

type KeyRow = (
    uuid::Uuid,
    Option<Vec<u8>>,
    String,
    chrono::DateTime<chrono::Utc>,
    Option<chrono::DateTime<chrono::Utc>>,
);

/// A crash in the middle moves them again; they are deleted only when all of them have arrived.
async fn move_keys(keys: &PgPool, events: &PgPool) -> Result<(), sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('keys.subject_keys') IS NOT NULL")
        .fetch_one(events)
        .await?;
    if !there || same_database(keys, events).await? {
        return Ok(());
    }
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT subject, wrapped, master, created_at, erased_at FROM keys.subject_keys",
    )
    .fetch_all(events)
    .await?;
    let mut tx = keys.begin().await?;
    for (subject, wrapped, master, created_at, erased_at) in rows {
        sqlx::query(
            "INSERT INTO keys.subject_keys (subject, wrapped, master, created_at, erased_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subject) DO NOTHING",
        )
        .bind(subject)
        .bind(wrapped)
        .bind(master)
        .bind(created_at)
        .bind(erased_at)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    let mut tx = events.begin().await?;
    sqlx::query("DROP SCHEMA keys CASCADE")
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

async fn same_database(one: &PgPool, other: &PgPool) -> Result<bool, sqlx::Error> {
    let which =
        "SELECT current_database() || '/' || (SELECT system_identifier FROM pg_control_system())";
    let one: String = sqlx::query_scalar(which).fetch_one(one).await?;
    let other: String = sqlx::query_scalar(which).fetch_one(other).await?;
    Ok(one == other)
}

/// Makes a database beside another one on the same server, unless it is there.
///
/// # Errors
/// When the server does not answer, or the account may not make databases.
pub async fn create_beside(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(pool)
            .await?;
    if there {
        return Ok(());
    }
    let quoted = name.replace('"', "\"\"");
    let made = sqlx::query(&format!("CREATE DATABASE \"{quoted}\""))
        .execute(pool)
        .await;
    match made {
        // Another process was faster.
        Err(sqlx::Error::Database(fault))
            if matches!(fault.code().as_deref(), Some("42P04" | "23505")) =>
        {
            Ok(())
        }
        other => other.map(drop),
    }
}

/// Whether the server lets transactions be prepared: one that holds the lock of the log and is forgotten stops every
/// append, across restarts, until somebody ends it by hand.
///
/// # Errors
/// When the database does not answer.
pub async fn may_prepare(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT current_setting('max_prepared_transactions')::int > 0")
        .fetch_one(pool)
        .await
}

/// Whether every migration of this release was applied.
///
/// # Errors
/// When the database does not answer.
pub async fn is_current(pool: &PgPool) -> Result<bool, sqlx::Error> {
    has_all(pool, &MIGRATIONS).await
}

/// The same of the database of keys.
///
/// # Errors
/// When the database does not answer.
pub async fn keys_are_current(keys: &PgPool) -> Result<bool, sqlx::Error> {
    has_all(keys, &KEY_MIGRATIONS).await
}

async fn has_all(pool: &PgPool, migrations: &sqlx::migrate::Migrator) -> Result<bool, sqlx::Error> {
    let prepared: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(pool)
        .await?;
    if !prepared {
        return Ok(false);
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(pool)
            .await?;
    Ok(migrations
        .iter()
        .all(|migration| applied.contains(&migration.version)))
}
