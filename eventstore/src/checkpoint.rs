//! How far each reader of the log has come, of which log, and who moves it now.

mod passing;

pub use passing::{Pass, Passing};

use crate::log::ReadFault;
use crate::recorded::Recorded;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long an owner may be silent before another one takes over; renewed at a third of it.
pub const LEASE: Duration = Duration::from_secs(3);

/// The position that a reader has finished; 0 for one that never read.
///
/// # Errors
/// When the database does not answer.
pub async fn read(db: impl PgExecutor<'_>, name: &str) -> Result<i64, sqlx::Error> {
    let position = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1");
    Ok(position
        .bind(name)
        .fetch_optional(db)
        .await?
        .unwrap_or_default())
}

/// The position a reader goes on from, after making sure that the log still holds what it has seen.
///
/// A log of another identity (restored elsewhere, a promoted standby) is taken up where it holds the same event at
/// that position, because an event's id is never given twice. Where it does not, newer events stand under positions
/// that were read before, and going on would skip them.
///
/// # Errors
/// [`ReadFault::Diverged`]; or the database does not answer.
pub async fn resume(pool: &PgPool, name: &str) -> Result<i64, ReadFault> {
    let mut tx = pool.begin().await?;
    let asked = format!(
        "SELECT c.position, c.log, log_identity() AS now, {STILL_HELD} AS same FROM checkpoints c WHERE c.name = $1"
    );
    let row = sqlx::query(&asked)
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else {
        return Ok(0);
    };
    let position = row.try_get("position")?;
    if !row.try_get::<bool, _>("same")? {
        return Err(ReadFault::diverged(name, position));
    }
    let (was, now): (Option<String>, String) = (row.try_get("log")?, row.try_get("now")?);
    if was.as_ref() != Some(&now) {
        if let Some(was) = was {
            tracing::warn!(reader = name, %was, %now, "the log moved to another server; it holds what was read");
        }
        sqlx::query("UPDATE checkpoints SET log = $2 WHERE name = $1")
            .bind(name)
            .bind(now)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(position)
}

/// Whether the log of a checkpoint's row `c` still holds the event that its reader saw last.
pub const STILL_HELD: &str = "(c.event_id IS NULL OR EXISTS (SELECT FROM events e
                    WHERE e.position = c.position AND e.event_id = c.event_id))";

/// Whether a reader still stands where it is thought to, or further on, before it uses what the bus handed it. It does not
/// when the database was put back meanwhile: it then goes on from its row.
///
/// # Errors
/// [`ReadFault::Diverged`], when the log does not hold the last of these events: after a promotion or a restore the bus may
/// still tell of some that are gone. Or the database does not answer.
pub async fn stands(
    pool: &PgPool,
    name: &str,
    from: i64,
    last: &Recorded,
) -> Result<bool, ReadFault> {
    let asked = "SELECT EXISTS (SELECT FROM events WHERE position = $1 AND event_id = $2),
                        coalesce((SELECT position FROM checkpoints WHERE name = $3), 0) >= $4";
    let asked = sqlx::query_as(asked)
        .bind(last.position)
        .bind(last.event_id)
        .bind(name)
        .bind(from);
    match asked.fetch_one(pool).await? {
        (true, stands) => Ok(stands),
        (false, _) => Err(ReadFault::diverged(name, last.position)),
    }
}

/// A checkpoint that is held for one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where the reader stands.
    pub position: i64,
    /// The term of its owner; a higher one than yours means that you were replaced.
    pub term: i64,
    /// The log still holds the event that the reader saw last.
    pub still_held: bool,
}

impl Held {
    /// Nothing is added to what was made of events that are gone.
    ///
    /// # Errors
    /// [`ReadFault::Diverged`].
    pub fn must_be_held(&self, name: &str) -> Result<(), ReadFault> {
        match self.still_held {
            true => Ok(()),
            false => Err(ReadFault::diverged(name, self.position)),
        }
    }
}

/// Takes the reader's row for this transaction and says where it stands: of two owners one waits here.
///
/// The transaction is not waited for at its commit: rows and position stand or fall together, and what a crash takes
/// back is read from the log again.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(tx: &mut PgConnection, name: &str) -> Result<Held, sqlx::Error> {
    let held = format!(
        "SELECT c.position, c.term, {STILL_HELD} AS still_held, set_config('synchronous_commit', 'off', true)
           FROM checkpoints c WHERE c.name = $1 FOR UPDATE OF c"
    );
    let row = match sqlx::query(&held)
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?
    {
        Some(row) => row,
        None => {
            let first =
                "INSERT INTO checkpoints (name, position, log) VALUES ($1, 0, log_identity())
                         ON CONFLICT (name) DO NOTHING";
            sqlx::query(first).bind(name).execute(&mut *tx).await?;
            sqlx::query(&held).bind(name).fetch_one(&mut *tx).await?
        }
    };
    Ok(Held {
        position: row.try_get("position")?,
        term: row.try_get("term")?,
        still_held: row.try_get("still_held")?,
    })
}

/// Moves the reader, in the same transaction as what it wrote.
///
/// # Errors
/// When the database does not answer.
pub async fn move_to(tx: &mut PgConnection, name: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE checkpoints SET position = $2, event_id = (SELECT event_id FROM events WHERE position = $2)
          WHERE name = $1",
    )
    .bind(name)
    .bind(position)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves a reader that writes nothing of its own in this database (relay, policies); never backwards, and never on
/// from an event that the log has lost since: positions are given again after that.
///
/// Whether it stood where it was thought to, or further on. It did not when the database was put back meanwhile, and then it
/// was not moved: what lies in between may be other events now, so the reader goes on from its row.
///
/// # Errors
/// [`ReadFault::Diverged`]; or the database does not answer.
pub async fn advance(pool: &PgPool, name: &str, from: i64, to: i64) -> Result<bool, ReadFault> {
    let mut tx = pool.begin().await?;
    let held = hold(&mut tx, name).await?;
    let stood = held.position >= from;
    if stood && held.position < to {
        held.must_be_held(name)?;
        move_to(&mut tx, name, to).await?;
    }
    tx.commit().await?;
    Ok(stood)
}

/// The right to move a reader, which one owner has at a time. Whoever works under it asks for it again and again.
#[derive(Debug)]
pub struct Lease {
    pool: PgPool,
    name: Cow<'static, str>,
    owner: Uuid,
    term: Option<i64>,
    asked: Option<Instant>,
}

impl Lease {
    /// A lease that nobody has asked for yet.
    #[must_use]
    pub fn new(pool: PgPool, name: impl Into<Cow<'static, str>>, owner: Uuid) -> Self {
        Self {
            pool,
            name: name.into(),
            owner,
            term: None,
            asked: None,
        }
    }

    /// Becomes, or stays, the one owner: its term, or nothing while somebody else is. The database is asked the first
    /// time, and then at a third of [`LEASE`].
    ///
    /// Whoever takes over gets a higher term, so that a late transaction of the owner before it is recognised.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew(&mut self) -> Result<Option<i64>, sqlx::Error> {
        if self.asked.is_some_and(|at| at.elapsed() <= LEASE / 3) {
            return Ok(self.term);
        }
        let mut tx = self.pool.begin().await?;
        self.term = sqlx::query_scalar(
            "INSERT INTO checkpoints AS c (name, position, log, owner, lease_until, term)
             VALUES ($1, 0, log_identity(), $2, clock_timestamp() + make_interval(secs => $3), 1)
             ON CONFLICT (name) DO UPDATE
                SET owner = $2, lease_until = excluded.lease_until,
                    term = c.term + (c.owner IS DISTINCT FROM $2)::int
              WHERE c.owner IS NOT DISTINCT FROM $2 OR c.lease_until IS NULL OR c.lease_until < clock_timestamp()
             RETURNING term",
        )
        .bind(&*self.name)
        .bind(self.owner)
        .bind(LEASE.as_secs_f64())
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        self.asked = Some(Instant::now());
        Ok(self.term)
    }
}

/// Gives back everything that an owner leads, so that the next one need not wait for the lease to end.
///
/// # Errors
/// When the database does not answer.
pub async fn release(pool: &PgPool, owner: Uuid) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE checkpoints SET lease_until = NULL WHERE owner = $1")
        .bind(owner)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// How far each reader has come whose name begins so, by the rest of its name.
///
/// # Errors
/// When the database does not answer.
pub async fn of_readers(pool: &PgPool, prefix: &str) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let readers = sqlx::query_as(
        "SELECT substr(name, length($1) + 1), position FROM checkpoints WHERE starts_with(name, $1) ORDER BY name",
    );
    readers.bind(prefix).fetch_all(pool).await
}

/// The least position that all these readers have finished.
///
/// # Errors
/// When the database does not answer.
pub async fn least(pool: &PgPool, names: &[&str]) -> Result<i64, sqlx::Error> {
    let least = sqlx::query_scalar(
        "SELECT coalesce(min(coalesce(c.position, 0)), 0)
           FROM unnest($1::text[]) AS n(name) LEFT JOIN checkpoints c ON c.name = n.name",
    );
    least.bind(names).fetch_one(pool).await
}
