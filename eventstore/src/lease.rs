//! Leases on units of work: one worker at a time and counted attempts, by the database's clock, whatever the bus
//! hands out.
//!
//! Each taking gets a fence that is never given again, and every statement of its holder names it. So a worker that
//! stood still while another one took over changes nothing any more, whichever of its statements comes late.

use crate::edge;
use crate::parked;
use crate::recorded::Recorded;
use sqlx::postgres::{PgArguments, PgQueryResult};
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres};
use std::time::Duration;
use uuid::Uuid;

/// How long a worker may be silent before another one takes its unit over; renewed at a third of it.
pub const LEASE: Duration = Duration::from_secs(10);
/// Attempts of one unit before it is parked (SCN-8).
pub const ATTEMPTS: i32 = 3;
/// The wait before the second attempt (SCN-8); it doubles with each one.
const WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The unit of a lease, while its holder has it: queue, event and fence come first among the parameters.
const MINE: &str = "queue = $1 AND event_id = $2 AND fence = $3 AND owner IS NOT NULL";

/// One attempt at one unit of work, while nobody else has taken it over.
#[derive(Debug, Clone)]
pub struct Lease {
    pool: PgPool,
    queue: &'static str,
    event_id: Uuid,
    attempt: i32,
    put_back: i32,
    fence: i64,
}

/// What came of asking for a unit.
#[derive(Debug)]
pub enum Taken {
    /// It is this process's to work on.
    Lease(Lease),
    /// Somebody works on it, or it waits for its next attempt: nothing to do for so long.
    Busy(Duration),
    /// Its attempts are used up.
    Spent,
}

/// Why a holder's statement changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum LeaseFault {
    /// Another worker took the unit over, or its subject was erased: nothing that is done now counts.
    #[error("the lease was lost")]
    Lost,
    /// The database did not answer.
    #[error("the lease could not be looked at: {0}")]
    Unreachable(#[from] sqlx::Error),
}

/// Takes a unit of a queue if nobody has it, its wait is over, and fewer than `most` attempts were made.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    pool: &PgPool,
    queue: &'static str,
    event_id: Uuid,
    most: i32,
) -> Result<Taken, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let taken: Option<(i32, i32, i64)> = sqlx::query_as(
        "INSERT INTO work_leases AS l (queue, event_id, owner, until)
         VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         ON CONFLICT (queue, event_id) DO UPDATE
            SET attempt = l.attempt + 1, fence = DEFAULT, owner = excluded.owner,
                until = clock_timestamp() + make_interval(secs => $4)
          WHERE l.until <= clock_timestamp() AND l.attempt < $5
         RETURNING attempt, put_back, fence",
    )
    .bind(queue)
    .bind(event_id)
    .bind(edge::this_process())
    .bind(LEASE.as_secs_f64())
    .bind(most)
    .fetch_optional(&mut *tx)
    .await?;
    let taken = match taken {
        Some((attempt, put_back, fence)) => Taken::Lease(Lease {
            pool: pool.clone(),
            queue,
            event_id,
            attempt,
            put_back,
            fence,
        }),
        None => why_not(&mut tx, queue, event_id, most).await?,
    };
    tx.commit().await?;
    Ok(taken)
}

async fn why_not(
    tx: &mut PgConnection,
    queue: &str,
    event_id: Uuid,
    most: i32,
) -> Result<Taken, sqlx::Error> {
    let row: Option<(f64, bool)> = sqlx::query_as(
        "SELECT extract(epoch FROM until - clock_timestamp())::float8, attempt >= $3
           FROM work_leases WHERE queue = $1 AND event_id = $2",
    )
    .bind(queue)
    .bind(event_id)
    .bind(most)
    .fetch_optional(tx)
    .await?;
    Ok(match row {
        Some((left, true)) if left <= 0.0 => Taken::Spent,
        Some((left, _)) => Taken::Busy(Duration::try_from_secs_f64(left).unwrap_or_default()),
        // It ended between the two statements.
        None => Taken::Busy(Duration::ZERO),
    })
}

/// Parks a unit whose last worker ended or fell silent over it too. One that has no owner is parked already.
///
/// # Errors
/// When the database does not answer.
pub async fn park_spent(pool: &PgPool, queue: &str, event: &Recorded) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    let attempts: Option<i32> = sqlx::query_scalar(
        "UPDATE work_leases SET owner = NULL
          WHERE queue = $1 AND event_id = $2 AND until <= clock_timestamp() AND attempt >= $3 AND owner IS NOT NULL
         RETURNING attempt",
    )
    .bind(queue)
    .bind(event.event_id)
    .bind(ATTEMPTS)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(attempts) = attempts {
        let why = "every worker that took it up ended or fell silent over it";
        parked::park(&mut tx, queue, event, why, attempts).await?;
    }
    tx.commit().await
}

/// Forgets how often a unit was tried, while nobody works on it: its next attempt is the first.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(pool: &PgPool, queue: &str, event_id: Uuid) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("DELETE FROM work_leases WHERE queue = $1 AND event_id = $2 AND owner IS NULL")
        .bind(queue)
        .bind(event_id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

impl Lease {
    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> i32 {
        self.attempt
    }

    /// Whether what fails now is parked.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.attempt >= ATTEMPTS
    }

    /// How often the unit was put back before because something was in its way.
    #[must_use]
    pub const fn times_put_back(&self) -> i32 {
        self.put_back
    }

    /// Names this taking among all there ever were: what is recorded once for each attempt is named by it.
    #[must_use]
    pub const fn fence(&self) -> i64 {
        self.fence
    }

    /// Makes sure that the unit is still this worker's, and keeps it so for another [`LEASE`]. Asked right before
    /// anything is recorded or sent. Runs in a task of its own: whoever asks may be cancelled.
    ///
    /// # Errors
    /// [`LeaseFault`].
    pub async fn renew(&self) -> Result<(), LeaseFault> {
        let lease = self.clone();
        let renewing = tokio::spawn(async move { lease.renew_here().await });
        renewing
            .await
            .unwrap_or(Err(LeaseFault::Unreachable(sqlx::Error::WorkerCrashed)))
    }

    async fn renew_here(&self) -> Result<(), LeaseFault> {
        // Not waited for at its commit: a crash that takes it back lets the unit go sooner.
        let renew = format!(
            "WITH hasty AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
             UPDATE work_leases SET until = clock_timestamp() + make_interval(secs => $4) FROM hasty WHERE {MINE}"
        );
        self.run(self.asked(&renew).bind(LEASE.as_secs_f64())).await
    }

    /// The unit is done: nothing of it has to be remembered here.
    ///
    /// # Errors
    /// [`LeaseFault`].
    pub async fn done(&self) -> Result<(), LeaseFault> {
        let delete = format!("DELETE FROM work_leases WHERE {MINE}");
        self.run(self.asked(&delete)).await
    }

    /// Something was in the way: the unit waits, and this attempt does not count. How long it waits.
    ///
    /// # Errors
    /// [`LeaseFault`].
    pub async fn put_back(&self) -> Result<Duration, LeaseFault> {
        let uncounted = ", attempt = attempt - 1, put_back = put_back + 1";
        self.wait(wait_after(self.put_back), uncounted).await
    }

    /// The attempt failed: the unit waits for its next one. How long it waits.
    ///
    /// # Errors
    /// [`LeaseFault`].
    pub async fn failed(&self) -> Result<Duration, LeaseFault> {
        self.wait(wait_after(self.attempt - 1), "").await
    }

    async fn wait(&self, wait: Duration, and: &str) -> Result<Duration, LeaseFault> {
        let put = format!(
            "UPDATE work_leases SET owner = NULL, until = clock_timestamp() + make_interval(secs => $4){and} WHERE {MINE}"
        );
        self.run(self.asked(&put).bind(wait.as_secs_f64())).await?;
        Ok(wait)
    }

    /// The last attempt failed: the unit is parked, and its attempts stay counted until somebody retries it or lets
    /// it go.
    ///
    /// # Errors
    /// [`LeaseFault`]; then nothing is parked.
    pub async fn park(&self, event: &Recorded, why: &str) -> Result<(), LeaseFault> {
        let mut tx = self.pool.begin().await?;
        let end =
            format!("UPDATE work_leases SET owner = NULL, until = clock_timestamp() WHERE {MINE}");
        held(self.asked(&end).execute(&mut *tx).await?)?;
        parked::park(&mut tx, self.queue, event, why, self.attempt).await?;
        Ok(tx.commit().await?)
    }

    /// A statement about the unit, with the parameters of [`MINE`].
    fn asked<'q>(&self, statement: &'q str) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(statement)
            .bind(self.queue)
            .bind(self.event_id)
            .bind(self.fence)
    }

    async fn run(&self, asked: Query<'_, Postgres, PgArguments>) -> Result<(), LeaseFault> {
        let mut tx = self.pool.begin().await?;
        let changed = asked.execute(&mut *tx).await?;
        tx.commit().await?;
        held(changed)
    }
}

fn held(changed: PgQueryResult) -> Result<(), LeaseFault> {
    match changed.rows_affected() {
        0 => Err(LeaseFault::Lost),
        _ => Ok(()),
    }
}

fn wait_after(made: i32) -> Duration {
    edge::backoff(u32::try_from(made).unwrap_or(0), WAIT, WAIT_MAX)
}
