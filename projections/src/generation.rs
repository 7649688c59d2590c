//! Generations: each read model stands in a schema of its own, is read through views, and is replaced by turning them.

use crate::digest::Digest;
use crate::projector::{Folded, ReadModel};
use crate::table::AnyTable;
use eventstore::checkpoint::{self, STILL_HELD};
use eventstore::parked::Waiting;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// One generation of a read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// From 1; each rebuild makes the next.
    pub number: i32,
    /// Version of its tables' shape.
    pub shape: i32,
    /// Sum over its rows; unknown for rows from before digests were kept.
    pub digest: Option<Digest>,
    /// How far it was when it stopped being live.
    pub position: i64,
}

impl Generation {
    /// The schema that holds its tables, as `alerts_2`.
    #[must_use]
    pub fn schema<M: ReadModel>(&self) -> String {
        format!("{}_{}", M::NAME, self.number)
    }
}

/// The generation that is read now.
///
/// # Errors
/// When the database does not answer, or was never migrated.
pub async fn live(db: &mut PgConnection, name: &str) -> Result<Generation, sqlx::Error> {
    in_state(db, name, "live")
        .await?
        .ok_or(sqlx::Error::RowNotFound)
}

/// The generation that was read before this one, if it is still there.
///
/// # Errors
/// When the database does not answer.
pub async fn previous(
    db: &mut PgConnection,
    name: &str,
) -> Result<Option<Generation>, sqlx::Error> {
    in_state(db, name, "previous").await
}

async fn in_state(
    db: &mut PgConnection,
    name: &str,
    state: &str,
) -> Result<Option<Generation>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT generation, shape, digest, position FROM read_generations WHERE name = $1 AND state = $2",
    )
    .bind(name)
    .bind(state)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(of).transpose()
}

fn of(row: &PgRow) -> Result<Generation, sqlx::Error> {
    let digest: Option<Vec<u8>> = row.try_get("digest")?;
    Ok(Generation {
        number: row.try_get("generation")?,
        shape: row.try_get("shape")?,
        digest: digest
            .and_then(|bytes| bytes.try_into().ok())
            .map(Digest::from_bytes),
        position: row.try_get("position")?,
    })
}

/// What a projector needs to know at the beginning of a batch.
pub(crate) struct Held {
    /// The checkpoint, held for this transaction.
    pub checkpoint: checkpoint::Held,
    /// The generation that is read now.
    pub live: Generation,
    /// Streams that wait for this read model.
    pub waiting: Waiting,
    /// The log holds the last event of the batch: the bus may tell of one that the log lost.
    pub holds_last: bool,
}

/// Holds a read model's checkpoint and tells all that its next batch, which ends with `last`, depends on, in one question.
pub(crate) async fn hold(
    tx: &mut PgConnection,
    name: &str,
    last: Option<(i64, Uuid)>,
) -> Result<Held, sqlx::Error> {
    let asked = format!(
        "SELECT c.position AS reached, c.term, {STILL_HELD} AS still_held,
                        ($2 IS NULL OR EXISTS (SELECT FROM events l WHERE l.position = $2 AND l.event_id = $3)) AS holds_last,
                        set_config('synchronous_commit', 'off', true),
                        g.generation, g.shape, g.digest, g.position,
                        (SELECT array_agg(p.noun) FROM parked p WHERE p.reader = $1) AS nouns,
                        (SELECT array_agg(p.stream) FROM parked p WHERE p.reader = $1) AS streams
                   FROM checkpoints c JOIN read_generations g ON g.name = c.name AND g.state = 'live'
                  WHERE c.name = $1 FOR UPDATE OF c"
    );
    let ask = || {
        let (position, id) = last.unzip();
        sqlx::query(&asked).bind(name).bind(position).bind(id)
    };
    let row = match ask().fetch_optional(&mut *tx).await? {
        Some(row) => row,
        None => {
            checkpoint::hold(tx, name).await?;
            ask().fetch_one(&mut *tx).await?
        }
    };
    let (nouns, streams): (Option<Vec<String>>, Option<Vec<String>>) =
        (row.try_get("nouns")?, row.try_get("streams")?);
    let (nouns, streams) = (nouns.unwrap_or_default(), streams.unwrap_or_default());
    Ok(Held {
        checkpoint: checkpoint::Held {
            position: row.try_get("reached")?,
            term: row.try_get("term")?,
            still_held: row.try_get("still_held")?,
        },
        live: of(&row)?,
        waiting: nouns.into_iter().zip(streams).collect(),
        holds_last: row.try_get("holds_last")?,
    })
}

/// Writes down what a generation's rows sum up to, where that changed, and moves the checkpoint with it if it is live.
pub(crate) async fn note(
    tx: &mut PgConnection,
    name: &str,
    generation: &Generation,
    folded: &Folded,
    is_live: bool,
) -> Result<(), sqlx::Error> {
    if generation.digest == Some(folded.digest) {
        return match is_live {
            true => checkpoint::move_to(tx, name, folded.position).await,
            false => Ok(()),
        };
    }
    sqlx::query(
        "WITH moved AS (UPDATE checkpoints SET position = $3,
                               event_id = (SELECT event_id FROM events WHERE position = $3)
                         WHERE name = $1 AND $5),
              noted AS (INSERT INTO read_digests (name, generation, position, digest) VALUES ($1, $2, $3, $4)
                        ON CONFLICT (name, generation, position) DO UPDATE SET digest = excluded.digest)
         UPDATE read_generations SET digest = $4 WHERE name = $1 AND generation = $2",
    )
    .bind(name)
    .bind(generation.number)
    .bind(folded.position)
    .bind(folded.digest.to_bytes().as_slice())
    .bind(is_live)
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes the next generation's empty tables, in the shape of this release. One that an earlier try left
/// unfinished is thrown away.
///
/// # Errors
/// When the database does not answer.
pub async fn begin<M: ReadModel>(pool: &PgPool) -> Result<Generation, sqlx::Error> {
    let mut tx = pool.begin().await?;
    abandon::<M>(&mut tx).await?;
    let number: i32 = sqlx::query_scalar(
        "INSERT INTO read_generations (name, generation, shape, state)
         SELECT $1, max(generation) + 1, $2, 'building' FROM read_generations WHERE name = $1
         RETURNING generation",
    )
    .bind(M::NAME)
    .bind(M::SHAPE)
    .fetch_one(&mut *tx)
    .await?;
    let made = Generation {
        number,
        shape: M::SHAPE,
        digest: None,
        position: 0,
    };
    let schema = made.schema::<M>();
    run(&mut tx, &format!("CREATE SCHEMA {schema}")).await?;
    for table in M::default().tables() {
        make_table(&mut tx, &schema, table).await?;
    }
    run(&mut tx, &format!("SELECT open_generation('{schema}')")).await?;
    tx.commit().await?;
    Ok(made)
}

/// Throws away a generation that was begun and never took the live one's place.
///
/// # Errors
/// When the database does not answer.
pub async fn abandon<M: ReadModel>(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    while let Some(left) = in_state(tx, M::NAME, "building").await? {
        drop_tables::<M>(tx, &left).await?;
    }
    Ok(())
}

async fn make_table(
    tx: &mut PgConnection,
    schema: &str,
    table: &dyn AnyTable,
) -> Result<(), sqlx::Error> {
    let name = table.name();
    let make = format!("CREATE TABLE {schema}.{name} (LIKE shape.{name} INCLUDING ALL)");
    run(tx, &make).await?;
    for column in table.personal() {
        let blind = format!("ALTER TABLE {schema}.{name} ALTER COLUMN {column} SET STATISTICS 0");
        run(tx, &blind).await?;
    }
    Ok(())
}

/// Turns the views from the live generation to another one, in the transaction that holds the read model's checkpoint:
/// whoever reads finds the one or the other, whole.
///
/// # Errors
/// When the database does not answer.
pub async fn turn_to<M: ReadModel>(
    tx: &mut PgConnection,
    from: &Generation,
    to: &Generation,
    left_at: i64,
) -> Result<(), sqlx::Error> {
    if let Some(older) = previous(tx, M::NAME).await?
        && older.number != to.number
    {
        drop_tables::<M>(tx, &older).await?;
    }
    for (number, state, position) in [(from.number, "previous", left_at), (to.number, "live", 0)] {
        sqlx::query(
            "UPDATE read_generations SET state = $3, position = $4 WHERE name = $1 AND generation = $2",
        )
        .bind(M::NAME)
        .bind(number)
        .bind(state)
        .bind(position)
        .execute(&mut *tx)
        .await?;
    }
    let schema = to.schema::<M>();
    let tables: Vec<&'static str> = M::default().tables().iter().map(|t| t.name()).collect();
    for name in tables {
        // Another shape needs another view; the same shape keeps the view and what depends on it.
        if from.shape != to.shape {
            run(tx, &format!("DROP VIEW {name}")).await?;
        }
        let view = format!("CREATE OR REPLACE VIEW {name} AS SELECT * FROM {schema}.{name}");
        run(tx, &view).await?;
        run(tx, &format!("SELECT open_view('{name}')")).await?;
    }
    Ok(())
}

async fn drop_tables<M: ReadModel>(
    tx: &mut PgConnection,
    gone: &Generation,
) -> Result<(), sqlx::Error> {
    run(
        tx,
        &format!("DROP SCHEMA IF EXISTS {} CASCADE", gone.schema::<M>()),
    )
    .await?;
    for table in ["read_generations", "read_digests"] {
        let delete = format!("DELETE FROM {table} WHERE name = $1 AND generation = $2");
        sqlx::query(&delete)
            .bind(M::NAME)
            .bind(gone.number)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn run(tx: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::query(statement)
        .persistent(false)
        .execute(tx)
        .await
        .map(drop)
}
