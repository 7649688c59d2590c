//! A library's written-down state that comes late brings nothing back of a picture that was purged meanwhile (IMG-6).

use crate::picture_keys::{does, embedding, goes, takes_in};
use crate::support::{Record, at, until};
use domain::ids::UserId;
use domain::image::{EmbedImage, ImageCommand};
use eventstore::edge::fresh_id;
use eventstore::put_away;
use sqlx::{PgPool, Postgres, Transaction};

/// Events after which the state of a stream is written down.
const LONG: usize = 100;

/// A library of one event less than is written down.
async fn nearly_long(record: &Record) -> UserId {
    let ana = UserId(fresh_id());
    let image_id = takes_in(&record.store, ana).await;
    // An upload tells two facts, its vector by the first model being one.
    for model in 2..LONG - 1 {
        let embed = EmbedImage {
            owner: ana,
            image_id,
            embedding: embedding(&format!("clip-{model}")),
            embedded_at: at(),
        };
        does(&record.store, ana, ImageCommand::Embed(Box::new(embed))).await;
    }
    ana
}

/// Nobody writes a state down from here on; who has begun to is waited for.
async fn nobody_writes(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut tx = pool.begin().await.unwrap();
    let lock = sqlx::query("LOCK TABLE snapshots IN EXCLUSIVE MODE");
    lock.execute(&mut *tx).await.unwrap();
    tx
}

/// How many wait for a lock of this kind.
async fn waiting(pool: &PgPool, kind: &str) -> i64 {
    let asked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = $1
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let counted = sqlx::query_scalar(asked).bind(kind);
    counted.fetch_one(pool).await.unwrap()
}

/// The states of libraries that open.
async fn states(pool: &PgPool) -> i64 {
    let asked = "SELECT count(*) FROM snapshots WHERE noun = 'image' AND octet_length(state) > 0";
    sqlx::query_scalar(asked).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_from_before_a_purge_is_not_written_down_after_it() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = nearly_long(&record).await;
    let closed = nobody_writes(&record.pool).await;
    let image = takes_in(&record.store, ana).await;
    until("it is about to be written down", || async {
        waiting(&record.pool, "relation").await > 0
    })
    .await;
    // Whoever empties the state now finds none.
    goes(&record.store, ana, image).await;
    closed.commit().await.unwrap();
    nobody_writes(&record.pool).await.commit().await.unwrap();
    assert_eq!(states(&record.pool).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_empties_a_state_waits_for_the_one_that_is_being_written_down() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = nearly_long(&record).await;
    for statement in [
        "CREATE FUNCTION stops() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$",
        "CREATE TRIGGER stops AFTER INSERT ON snapshots FOR EACH ROW EXECUTE FUNCTION stops()",
    ] {
        sqlx::query(statement).execute(&record.pool).await.unwrap();
    }
    let mut held = record.pool.begin().await.unwrap();
    let hold = sqlx::query("SELECT pg_advisory_xact_lock(42)");
    hold.execute(&mut *held).await.unwrap();
    let image = takes_in(&record.store, ana).await;
    until("it stands, and nobody sees it yet", || async {
        waiting(&record.pool, "advisory").await == 1
    })
    .await;
    goes(&record.store, ana, image).await;
    let pool = record.pool.clone();
    let emptied = tokio::spawn(async move { put_away::forget_state(&pool, ana).await });
    until("it is waited for, or passed over", || async {
        emptied.is_finished() || waiting(&record.pool, "advisory").await == 2
    })
    .await;
    held.commit().await.unwrap();
    emptied.await.unwrap().unwrap();
    nobody_writes(&record.pool).await.commit().await.unwrap();
    assert_eq!(states(&record.pool).await, 0);
}
