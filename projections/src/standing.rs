//! The standing check: each read model is held against a replay from zero now and then, without anybody asking.
//!
//! It takes half of one processor at most, one read model at a time, in one process of all that keep read models.

use crate::check::{Checked, check_gently};
use crate::projector::ReadModel;
use crate::rebuild::RebuildFault;
use crate::{Operation, READ_MODELS, named};
use chrono::{DateTime, Utc};
use eventstore::Vault;
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

/// Wait after a start, so that what is behind catches up first.
const FIRST_AFTER: Duration = Duration::from_secs(600);
/// Longest wait between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The advisory lock of whoever checks; the next number after that of the append.
const LOCK: i64 = 7_370_712_602;

/// What the standing check saw last of a read model.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastCheck {
    /// The read model.
    pub name: String,
    /// The position up to which rows and log were compared.
    pub position: i64,
    /// When.
    pub checked_at: DateTime<Utc>,
    /// The first position whose effect on the rows is not the log's; none where they agree.
    pub diverges_at: Option<i64>,
}

/// What was seen last of each read model whose generation of today was checked.
///
/// # Errors
/// When the database does not answer.
pub async fn last(pool: &PgPool) -> Result<Vec<LastCheck>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.name, c.position, c.checked_at, c.diverges_at
           FROM read_checks c JOIN read_generations g
             ON g.name = c.name AND g.generation = c.generation AND g.state = 'live'
          ORDER BY c.name",
    )
    .fetch_all(pool)
    .await
}

/// Checks every read model once in so long, until the process ends.
pub async fn run(pool: PgPool, vault: Vault, every: Duration) {
    tokio::time::sleep(FIRST_AFTER.min(every)).await;
    let look = (every / 24).clamp(Duration::from_secs(1), LOOK_EVERY);
    loop {
        for name in READ_MODELS {
            let due = Due {
                pool: &pool,
                vault: &vault,
                every,
            };
            if let Some(Err(fault)) = named(name, due).await {
                tracing::warn!(read_model = name, %fault, "a standing check is made later");
            }
        }
        tokio::time::sleep(look).await;
    }
}

struct Due<'a> {
    pool: &'a PgPool,
    vault: &'a Vault,
    every: Duration,
}

impl Operation for Due<'_> {
    type Output = Result<Option<Checked>, RebuildFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        check_if_due::<M>(self.pool, self.vault, self.every).await
    }
}

/// Checks a read model whose last check is older than this, unless another process checks something now; what was
/// seen is told in the log and kept for those who watch.
///
/// # Errors
/// When log, keys or rows cannot be read.
pub async fn check_if_due<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    every: Duration,
) -> Result<Option<Checked>, RebuildFault> {
    if !is_due(&mut *pool.acquire().await?, M::NAME, every).await? {
        return Ok(None);
    }
    // Of its own, so that the lock goes with it whatever happens.
    let mut holding = pool.acquire().await?.detach();
    let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
    let seen = match lock.fetch_one(&mut holding).await? {
        true if is_due(&mut holding, M::NAME, every).await? => {
            let seen = check_gently::<M>(pool, vault).await?;
            tell::<M>(&seen);
            keep::<M>(pool, &seen).await?;
            Some(seen)
        }
        true | false => None,
    };
    holding.close().await?;
    Ok(seen)
}

async fn is_due(db: &mut PgConnection, name: &str, every: Duration) -> Result<bool, sqlx::Error> {
    let due = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM read_checks
                             WHERE name = $1 AND checked_at > clock_timestamp() - make_interval(secs => $2))",
    );
    due.bind(name).bind(every.as_secs_f64()).fetch_one(db).await
}

fn tell<M: ReadModel>(seen: &Checked) {
    let (read_model, position) = (M::NAME, seen.position);
    match seen.diverges_at {
        None => tracing::info!(read_model, position, "live rows are what the log says"),
        Some(diverges_at) => tracing::error!(
            read_model,
            position,
            diverges_at,
            rows = ?seen.rows,
            "live rows are not what the log says"
        ),
    }
}

async fn keep<M: ReadModel>(pool: &PgPool, seen: &Checked) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "INSERT INTO read_checks (name, generation, position, diverges_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET generation = excluded.generation, position = excluded.position,
             checked_at = excluded.checked_at, diverges_at = excluded.diverges_at",
    )
    .bind(M::NAME)
    .bind(seen.generation)
    .bind(seen.position)
    .bind(seen.diverges_at)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
