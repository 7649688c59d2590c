//! The bus dies, comes back, and forgets everything: nothing is lost and nobody has to do anything (I6).

use crate::bus::{positions, relay, state};
use crate::support::{Record, nats, sees, until, with};
use domain::ids::UserId;
use embedded::testing::TestNats;
use eventstore::edge::fresh_id;
use eventstore::{checkpoint, relay::NAME};
use std::time::Duration;

async fn published(record: &Record, wanted: i64) {
    until("the relay has published everything", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() >= wanted
    })
    .await;
}

async fn on_bus(nats: &TestNats, wanted: i64) {
    let all: Vec<i64> = (1..=wanted).collect();
    until("the bus has everything in order", || async {
        positions(&nats.url()).await == all
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_killed_in_the_middle_gets_everything_when_it_is_back() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let relay = relay(&record.store, &nats.url()).await;
    let writing = tokio::spawn({
        let store = record.store.clone();
        async move {
            let owner = UserId(fresh_id());
            for _ in 0..150 {
                let page = fresh_id().into();
                sees(&store, owner, page, fresh_id()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        }
    });
    published(&record, 20).await;
    for _ in 0..2 {
        with(&nats, TestNats::kill).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        with(&nats, TestNats::start).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writing.await.unwrap();
    published(&record, 150).await;
    on_bus(&nats, 150).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_wiped_while_everything_was_stopped_is_filled_from_the_log() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(30).await;
    let first = relay(&record.store, &nats.url()).await;
    published(&record, 30).await;
    first.abort();
    with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    let again = relay(&record.store, &nats.url()).await;
    on_bus(&nats, 30).await;
    again.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_wiped_under_a_running_relay_is_filled_although_nothing_new_happens() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(30).await;
    let relay = relay(&record.store, &nats.url()).await;
    published(&record, 30).await;
    with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    // No new event wakes the relay: scans that wait must not wait for one.
    on_bus(&nats, 30).await;
    record.holds(1).await;
    on_bus(&nats, 31).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_fill_a_wiped_bus_and_come_to_rest() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let other = record.beside();
    let relays = [
        relay(&record.store, &nats.url()).await,
        relay(&other, &nats.url()).await,
    ];
    record.holds(60).await;
    published(&record, 60).await;
    with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    let all: Vec<i64> = (1..=60).collect();
    until("the bus has everything", || async {
        let mut positions = positions(&nats.url()).await;
        positions.sort_unstable();
        positions == all
    })
    .await;
    // At rest: the stream is not made again and again.
    let mut before = state(&nats.url()).await;
    let mut rested = false;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let now = state(&nats.url()).await;
        rested = now.as_ref().is_some_and(|(messages, _)| *messages == 60) && now == before;
        if rested {
            break;
        }
        before = now;
    }
    assert!(rested, "two relays make the stream again and again");
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_process_appends_nothing_more_does_not_spin() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(3).await;
    let pool = record.pool.clone();
    let relay = relay(&record.beside(), &nats.url()).await;
    published(&record, 3).await;
    // The store beside is gone, and with it whoever could wake the relay.
    let looks = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let before = looks().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let looked = looks().await - before;
    println!("{looked} transactions in a quiet second");
    assert!(looked < 100);
    relay.abort();
}
