//! What the header `Vara-Previous` says: the event before on the same partition, whoever published it and when.

use crate::bus::{Heard, heard, relay};
use crate::support::{Record, nats, sees, until, with};
use domain::ids::UserId;
use embedded::testing::TestNats;
use eventstore::edge::fresh_id;
use eventstore::partitions::{Partitions, partition};
use eventstore::{checkpoint, relay::NAME};
use std::collections::HashMap;

/// Everything on the bus, as soon as the relay has published so many events.
async fn published(record: &Record, nats: &TestNats, wanted: usize) -> Vec<Heard> {
    let last = i64::try_from(wanted).unwrap();
    until("everything is on the bus", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == last
            && heard(&nats.url()).await.len() == wanted
    })
    .await;
    heard(&nats.url()).await
}

/// Two events on each of three streams, so that a partition also holds several events of one stream.
async fn some_streams_twice(record: &Record) {
    let owner = UserId(fresh_id());
    for _ in 0..3 {
        let page = fresh_id().into();
        for _ in 0..2 {
            sees(&record.store, owner, page, fresh_id()).await.unwrap();
        }
    }
}

/// Each message names the one before it among those whose subjects share its partition; how many partitions there are.
fn each_names_the_one_before_it(heard: &[Heard]) -> usize {
    let mut last: HashMap<String, i64> = HashMap::new();
    for message in heard {
        let of = message.subject.split('.').nth(1).unwrap().to_owned();
        let before = last.insert(of.clone(), message.position).unwrap_or(0);
        let place = (message.position, of);
        assert_eq!(message.previous, before, "position and partition {place:?}");
    }
    last.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_names_the_event_before_it_on_its_partition_across_restarts_and_a_wipe() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(60).await;
    some_streams_twice(&record).await;
    let first = relay(&record.store, &nats.url()).await;
    let told = published(&record, &nats, 66).await;
    assert!(each_names_the_one_before_it(&told) > 4);
    let elsewhere = |message: &&Heard| message.previous != message.position - 1;
    assert!(
        told.iter().filter(elsewhere).count() > 30,
        "not the position before"
    );
    first.abort();
    // Another process knows nothing of what the first one kept in memory.
    record.holds(40).await;
    some_streams_twice(&record).await;
    let second = relay(&record.beside(), &nats.url()).await;
    let told = published(&record, &nats, 112).await;
    each_names_the_one_before_it(&told);
    record.holds(20).await;
    let told = published(&record, &nats, 132).await;
    each_names_the_one_before_it(&told);
    second.abort();
    with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    let third = relay(&record.store, &nats.url()).await;
    let again = published(&record, &nats, 132).await;
    assert!(again == told, "the wiped bus says what it said");
    third.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_says_of_the_partitions_is_what_somebody_saw_who_was_there_all_along() {
    let record = Record::fresh().await;
    record.holds(8).await;
    some_streams_twice(&record).await;
    let (log, mut seen) = (record.log(), Partitions::default());
    assert_eq!(Partitions::after(&log, 0).await.unwrap(), seen);
    for event in log.read_after(0, 100).await.unwrap() {
        seen.take(&event);
        let found = Partitions::after(&log, event.position).await.unwrap();
        assert_eq!(found, seen, "at position {}", event.position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_last_event_is_far_back_is_found_too() {
    let record = Record::fresh().await;
    let owner = UserId(fresh_id());
    let lone = fresh_id();
    sees(&record.store, owner, lone.into(), fresh_id())
        .await
        .unwrap();
    let busy = elsewhere_than(&lone.to_string());
    // More than the log is asked for at once.
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         SELECT 'match', $1, n, 'MatchFound', '1', '{}', '{}' FROM generate_series(1, 1500) AS n",
    )
    .bind(&busy)
    .execute(&record.pool)
    .await
    .unwrap();
    let mut partitions = Partitions::after(&record.log(), 1_501).await.unwrap();
    let mut event = record.log().read_after(0, 1).await.unwrap().remove(0);
    event.position = 1_502;
    assert_eq!(partitions.take(&event), 1);
    event.stream = busy;
    assert_eq!(partitions.take(&event), 1_501);
}

/// The name of a stream on another partition than this one's.
fn elsewhere_than(stream: &str) -> String {
    let mut names = (0..).map(|n| n.to_string());
    names
        .find(|name| partition(name) != partition(stream))
        .unwrap()
}
