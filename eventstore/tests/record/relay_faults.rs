//! The bus dies, comes back, and forgets everything: nothing is lost and nobody has to do anything (I6).

use crate::bus::{jetstream, positions, relay, state};
use crate::support::{Record, nats, sees, until, with};
use domain::ids::UserId;
use embedded::testing::TestNats;
use eventstore::bus::{Bus, STREAM};
use eventstore::edge::fresh_id;
use eventstore::partitions::Partitions;
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

async fn purged(nats: &TestNats) {
    let stream = jetstream(&nats.url()).await.unwrap();
    let stream = stream.get_stream(STREAM).await.unwrap();
    stream.purge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_bus_that_got_new_events_at_once_is_filled_from_the_log() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(30).await;
    let relay = relay(&record.store, &nats.url()).await;
    published(&record, 30).await;
    purged(&nats).await;
    // Its last message is right again, and the first thirty are gone.
    record.holds(1).await;
    published(&record, 31).await;
    on_bus(&nats, 31).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_purged_while_events_keep_coming_is_filled_all_the_same() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let relay = relay(&record.store, &nats.url()).await;
    for n in 0..160_i64 {
        record.holds(1).await;
        if n == 40 {
            published(&record, 40).await;
            purged(&nats).await;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    on_bus(&nats, 160).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_lost_one_message_of_many_is_filled_from_the_log() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(30).await;
    let relay = relay(&record.store, &nats.url()).await;
    published(&record, 30).await;
    let stream = jetstream(&nats.url()).await.unwrap();
    let stream = stream.get_stream(STREAM).await.unwrap();
    assert!(stream.delete_message(17).await.unwrap());
    on_bus(&nats, 30).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_once_more_out_of_turn_does_not_look_like_a_loss() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(30).await;
    let relay = relay(&record.store, &nats.url()).await;
    published(&record, 30).await;
    let (_, made) = state(&nats.url()).await.unwrap();
    let bus = Bus::connect(&nats.url()).await.unwrap();
    let log = record.log();
    for position in [9, 4] {
        let event = log.read_after(position - 1, 1).await.unwrap().remove(0);
        let partitions = Partitions::after(&log, position - 1).await.unwrap();
        bus.publish_again(&event, partitions).await.unwrap();
    }
    assert!(bus.holds(30).await.unwrap() && !bus.holds(31).await.unwrap());
    assert_eq!(bus.last_position().await.unwrap(), 30);
    // Longer than the relay takes to ask.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(state(&nats.url()).await.unwrap(), (32, made.clone()));
    // Message by message: in the order in which they came, and only what is new where nothing was made anew.
    let all = bus.messages_after("", 0).await.unwrap();
    let positions: Vec<i64> = all
        .messages
        .iter()
        .map(|message| message.position)
        .collect();
    assert_eq!(positions, (1..=30).chain([9, 4]).collect::<Vec<_>>());
    let new = bus.messages_after(&all.made, 30).await.unwrap().messages;
    assert_eq!(new, all.messages[30..]);
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
