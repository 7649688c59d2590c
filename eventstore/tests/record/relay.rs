//! The relay: everything of the log on the bus, in order, once; and nothing personal in the bus's files.

use crate::bus::{heard, positions, relay};
use crate::support::{Record, joins, nats, sees, until};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::{checkpoint, relay::NAME};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_the_log_is_on_the_bus_once_in_order_and_sealed() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(300).await;
    let relay = relay(&record.store, &nats.url()).await;
    record.holds(20).await;
    until("everything is on the bus", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 320
    })
    .await;
    let heard = heard(&nats.url()).await;
    let log = record.log().read_after(0, 1_000).await.unwrap();
    let on_bus: Vec<_> = heard.iter().map(|message| message.event.clone()).collect();
    assert!(on_bus == log, "the bus says what the log says");
    for message in &heard {
        assert_eq!(message.position, message.event.position);
        let named = format!("match-{}-1", message.event.stream);
        assert_eq!(message.message_id, named);
        let parts: Vec<&str> = message.subject.split('.').collect();
        assert_eq!(
            (parts[0], parts[2], parts[3]),
            ("vara", "match", "match_found")
        );
        assert!(parts[1].parse::<u8>().unwrap() < 16);
    }
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_of_one_stream_share_a_partition() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let owner = UserId(fresh_id());
    for _ in 0..8 {
        let page = fresh_id().into();
        for _ in 0..3 {
            sees(&record.store, owner, page, fresh_id()).await.unwrap();
        }
    }
    let relay = relay(&record.store, &nats.url()).await;
    until("everything is on the bus", || async {
        positions(&nats.url()).await.len() == 24
    })
    .await;
    let mut partitions: HashMap<String, String> = HashMap::new();
    for message in heard(&nats.url()).await {
        let partition = message.subject.split('.').nth(1).unwrap().to_owned();
        let known = partitions
            .entry(message.event.stream)
            .or_insert(partition.clone());
        assert_eq!(*known, partition);
    }
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_died_before_its_checkpoint_moved_publishes_again_and_doubles_nothing() {
    let (record, nats) = (Record::fresh().await, nats().await);
    record.holds(40).await;
    let first = relay(&record.store, &nats.url()).await;
    until("everything is on the bus", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 40
    })
    .await;
    first.abort();
    // As if it had been killed after the acknowledgements and before its checkpoint, at three different times.
    for died_at in [39, 17, 0] {
        sqlx::query("UPDATE checkpoints SET position = $1, event_id = NULL WHERE name = $2")
            .bind(died_at)
            .bind(NAME)
            .execute(&record.pool)
            .await
            .unwrap();
        let again = relay(&record.store, &nats.url()).await;
        until("the checkpoint is back", || async {
            checkpoint::read(&record.pool, NAME).await.unwrap() == 40
        })
        .await;
        again.abort();
        assert_eq!(positions(&nats.url()).await, (1..=40).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_at_once_double_nothing_and_keep_the_order() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let other = record.beside();
    let relays = [
        relay(&record.store, &nats.url()).await,
        relay(&other, &nats.url()).await,
    ];
    for _ in 0..20 {
        record.holds(5).await;
        let owner = UserId(fresh_id());
        sees(&other, owner, fresh_id().into(), fresh_id())
            .await
            .unwrap();
    }
    until("everything is on the bus", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 120
    })
    .await;
    let expected: Vec<i64> = (1..=120).collect();
    until("both are done", || async {
        positions(&nats.url()).await == expected
    })
    .await;
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_bus_hold_nothing_personal() {
    // I8: JetStream's store lies on disk
    let (record, nats) = (Record::fresh().await, nats().await);
    let (owner, mark) = (UserId(fresh_id()), fresh_id().simple().to_string());
    let email = format!("canary-{mark}@example.test");
    joins(&record.store, owner, &email, fresh_id())
        .await
        .unwrap();
    record.uploads(owner, &mark.repeat(2)).await;
    let relay = relay(&record.store, &nats.url()).await;
    let known = owner.to_string();
    // Her id is an id and may stand there: it shows that the search looks in the right place.
    until("the store holds her events", || async {
        stored().iter().any(|bytes| holds(bytes, &known))
    })
    .await;
    until("all four", || async {
        positions(&nats.url()).await.len() == 4
    })
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let files = stored();
    assert!(!files.iter().any(|bytes| holds(bytes, &mark)));
    relay.abort();
}

/// Every file of every test server's store, as far as it can be read.
fn stored() -> Vec<Vec<u8>> {
    let name = format!("vara-test-{}", std::process::id());
    [std::env::temp_dir(), PathBuf::from("/var/tmp")]
        .iter()
        .flat_map(|base| std::fs::read_dir(base.join(&name)).into_iter().flatten())
        .flatten()
        .map(|entry| entry.path().join("jetstream"))
        .flat_map(|store| files(&store))
        .filter_map(|file| std::fs::read(file).ok())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_relays_of_several_processes_one_publishes_and_another_takes_over() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let mut relays = Vec::new();
    for _ in 0..3 {
        let bus = eventstore::bus::Bus::connect(&nats.url()).await.unwrap();
        let relay = eventstore::relay::Relay::new(record.pool.clone(), bus, record.store.head());
        relays.push(tokio::spawn(
            relay.owned_by(eventstore::edge::fresh_id()).run(),
        ));
    }
    record.holds(30).await;
    let published = |wanted| {
        let pool = record.pool.clone();
        async move { checkpoint::read(&pool, NAME).await.unwrap() == wanted }
    };
    until("it is published", || published(30)).await;
    // Whoever leads ends; one of the others goes on within its lease.
    for (n, relay) in relays.iter().take(2).enumerate() {
        relay.abort();
        record.holds(10).await;
        until("another one took over", || {
            published(40 + 10 * i64::try_from(n).unwrap())
        })
        .await;
    }
    assert_eq!(positions(&nats.url()).await, (1..=50).collect::<Vec<_>>());
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}
