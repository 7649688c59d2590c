//! I10: a log that lost its newest events under readers that had seen them, and gave the positions again: a promoted standby,
//! an old backup. Whoever saw the lost ones stops, also while it runs.

use crate::bus::{heard, relay};
use crate::subscription::{NAME, Notes, feed};
use crate::support::{Record, nats, until};
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::feed::Tail;
use eventstore::relay::NAME as RELAY;
use eventstore::work::Attempt;
use eventstore::{ReadFault, checkpoint, prover, subscription};
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const SEEN: i64 = 6;

/// The log loses its last two events and gets four others at once, so that it ends behind where its readers stand.
async fn loses_its_tail(record: &Record) {
    let mut tx = record.pool.begin().await.unwrap();
    ends_at_four(&mut tx).await;
    for position in 5..9_i64 {
        sqlx::query(
            "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                                 metadata, event_id)
             SELECT $1, aggregate_type, gen_random_uuid()::text, 1, event_type, event_version, payload, metadata, $2
               FROM events WHERE position = 1",
        )
        .bind(position)
        .bind(fresh_id())
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(record.log().head().await.unwrap(), 8);
}

async fn ends_at_four(tx: &mut PgConnection) {
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DELETE FROM events WHERE position > 4",
        "ALTER TABLE events ENABLE TRIGGER USER",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
}

async fn stands(record: &Record, reader: &str) -> i64 {
    checkpoint::read(&record.pool, reader).await.unwrap()
}

/// The reader goes no further, and says why when it is asked.
async fn has_stopped(record: &Record, reader: &str) {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(stands(record, reader).await, SEEN, "{reader}");
    let fault = checkpoint::resume(&record.pool, reader).await.unwrap_err();
    assert!(matches!(fault, ReadFault::Diverged { .. }), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_run_meanwhile_do_not_go_on_from_what_is_gone() {
    let record = Record::fresh().await;
    let nowhere = Bus::connect("nats://nobody:nothing@127.0.0.1:9").await;
    let feed = Tail::follow(nowhere.unwrap()).feed(record.log());
    let work = |_| std::future::ready(Attempt::Done);
    let running = tokio::spawn(subscription::run(record.beside(), "reader", feed, work));
    record.holds(6).await;
    until("it has read them", || async {
        stands(&record, "reader").await == SEEN
    })
    .await;
    loses_its_tail(&record).await;
    has_stopped(&record, "reader").await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_runs_meanwhile_does_not_go_on_from_what_is_gone() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let running = relay(&record.store, &nats.url()).await;
    record.holds(6).await;
    until("it has published them", || async {
        stands(&record, "relay").await == SEEN
    })
    .await;
    loses_its_tail(&record).await;
    has_stopped(&record, "relay").await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prover_that_runs_meanwhile_signs_nothing_over_another_history() {
    let record = Record::fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let place = prover::Place {
        folder: folder.path().join("ledger"),
        key: folder.path().join("ledger.key"),
    };
    let (pool, head) = (record.pool.clone(), record.store.head());
    let running = tokio::spawn(prover::run(pool, place, head));
    record.holds(6).await;
    until("it has signed them", || async {
        stands(&record, prover::NAME).await == SEEN
    })
    .await;
    let signed = std::fs::read(folder.path().join("ledger/checkpoint")).unwrap();
    loses_its_tail(&record).await;
    has_stopped(&record, prover::NAME).await;
    let now = std::fs::read(folder.path().join("ledger/checkpoint")).unwrap();
    assert_eq!(now, signed);
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_tells_of_events_that_are_gone_is_filled_again_from_the_log_that_is_there() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(u32::try_from(SEEN).unwrap()).await;
    let before = relay(&record.store, &nats.url()).await;
    until("it is published", || async {
        stands(&record, RELAY).await == SEEN
    })
    .await;
    before.abort();
    loses_its_tail(&record).await;
    // The documented way on (docs/operating.md).
    sqlx::query("UPDATE checkpoints SET position = 0, event_id = NULL WHERE name = 'relay'")
        .execute(&record.pool)
        .await
        .unwrap();
    let after = relay(&record.beside(), &nats.url()).await;
    until(
        "the bus tells what the log says, and nothing else",
        || async {
            let heard = heard(&nats.url()).await;
            let log = record.log().read_after(0, 100).await.unwrap();
            heard.into_iter().map(|heard| heard.event).eq(log)
        },
    )
    .await;
    after.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_told_of_and_the_log_lost_is_never_acted_on() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let running = relay(&record.store, &nats.url()).await;
    let (notes, free) = (Notes::default(), Arc::new(Semaphore::new(0)));
    let seen = (notes.clone(), Arc::clone(&free));
    let feed = feed(&record, &nats.url()).await;
    let reading = tokio::spawn(subscription::run(
        record.beside(),
        NAME,
        feed,
        move |event| {
            let (notes, free) = seen.clone();
            async move {
                notes.take(&event);
                free.acquire().await.unwrap().forget();
                Attempt::Done
            }
        },
    ));
    record.holds(4).await;
    free.add_permits(3);
    // It is busy with the fourth, while the bus tells of two more, which the log then loses.
    until("it is at the fourth", || async { notes.read().len() == 4 }).await;
    record.holds(2).await;
    until("the bus tells of them", || async {
        stands(&record, "relay").await == SEEN
    })
    .await;
    running.abort();
    let mut tx = record.pool.begin().await.unwrap();
    ends_at_four(&mut tx).await;
    tx.commit().await.unwrap();
    record.holds(4).await;
    free.add_permits(100);
    until("it has read what the log holds", || async {
        stands(&record, NAME).await == 8
    })
    .await;
    assert_eq!(notes.read(), (1..=8).collect::<Vec<_>>());
    let held = record.log().read_after(4, 10).await.unwrap();
    let ids: Vec<_> = held.iter().map(|event| event.event_id).collect();
    assert_eq!(notes.ids()[4..], ids);
    reading.abort();
}
