//! Brings a database to the shape this release needs.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::Duration;

/// A pool of connections to the database that holds log and read models.
pub type Database = PgPool;
/// What a database says when it does not do what was asked.
pub type DatabaseFault = sqlx::Error;

/// All migrations, oldest first; each one is reversible.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Opens a pool of connections for one process.
///
/// # Errors
/// When the address is no PostgreSQL address, or nobody answers there within 10 s.
pub async fn connect(database_url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = database_url.parse()?;
    // Statements are never logged: their parameters may be personal.
    let options = options.disable_statement_logging().options([
        ("idle_in_transaction_session_timeout", "30s"),
        ("statement_timeout", "30s"),
        ("synchronous_commit", "on"),
    ]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options)
        .await
}

/// Runs the migrations that are missing. Two processes at once are safe: sqlx takes a lock.
///
/// # Errors
/// When a migration fails, or an applied one was changed since.
pub async fn run(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(pool).await
}

/// Whether every migration of this release was applied.
///
/// # Errors
/// When the database does not answer.
pub async fn is_current(pool: &PgPool) -> Result<bool, sqlx::Error> {
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
    Ok(MIGRATIONS
        .iter()
        .all(|migration| applied.contains(&migration.version)))
}
