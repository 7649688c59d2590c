//! A subscriber sees every event once and in order, whatever happens to the bus.

use crate::bus::{jetstream, relay};
use crate::support::{Record, nats, sees, until, with};
use domain::ids::UserId;
use embedded::testing::TestNats;
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::feed::{Feed, Tail};
use eventstore::partitions::Partitions;
use eventstore::work::Attempt;
use eventstore::{Log, Opened, ReadFault, Recorded, checkpoint, parked, subscription};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub const NAME: &str = "test-reader";

/// The events that a subscriber was handed, in that order: position and id.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<(i64, Uuid)>>>);

impl Notes {
    pub fn take(&self, event: &Opened) {
        let Recorded {
            position, event_id, ..
        } = event.recorded;
        self.0.lock().unwrap().push((position, event_id));
    }

    pub fn read(&self) -> Vec<i64> {
        self.0.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    pub fn ids(&self) -> Vec<Uuid> {
        self.0.lock().unwrap().iter().map(|(_, id)| *id).collect()
    }

    async fn reach(&self, length: usize) {
        until("the subscriber has seen them", || async {
            self.read().len() >= length
        })
        .await;
    }
}

fn upto(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

pub async fn feed(record: &Record, nats_url: &str) -> Feed {
    let bus = Bus::connect(nats_url).await.unwrap();
    Tail::follow(bus).feed(record.log())
}

/// An address where nobody answers.
pub const NOWHERE: &str = "nats://nobody:nothing@127.0.0.1:9";

fn subscribed<W, F>(record: &Record, feed: Feed, work: W) -> JoinHandle<()>
where
    W: Fn(Opened) -> F + Send + Sync + 'static,
    F: Future<Output = Attempt> + Send + 'static,
{
    let store = record.beside();
    tokio::spawn(subscription::run(store, NAME, feed, work))
}

pub fn noting(record: &Record, feed: Feed, notes: &Notes) -> JoinHandle<()> {
    let notes = notes.clone();
    subscribed(record, feed, move |event| {
        notes.take(&event);
        std::future::ready(Attempt::Done)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_sees_each_event_once_in_order_through_outages_and_repetitions() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let notes = Notes::default();
    let relay = relay(&record.store, &nats.url()).await;
    let reader = noting(&record, feed(&record, &nats.url()).await, &notes);
    record.holds(40).await;
    // Somebody says it all again, under no message id: more than de-duplication would let through.
    let context = jetstream(&nats.url()).await.unwrap();
    for event in record.log().read_after(0, 100).await.unwrap() {
        let body = serde_json::to_vec(&event).unwrap();
        let subject = "vara.0.match.match_found";
        drop(context.publish(subject, body.into()).await);
    }
    with(&nats, TestNats::kill).await;
    record.holds(30).await;
    with(&nats, TestNats::start).await;
    record.holds(30).await;
    notes.reach(100).await;
    with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    record.holds(20).await;
    notes.reach(120).await;
    // Time for what must not come.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(notes.read(), upto(120));
    relay.abort();
    reader.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_bus_the_log_alone_feeds_a_subscriber() {
    let record = Record::fresh().await;
    let notes = Notes::default();
    let reader = noting(&record, feed(&record, NOWHERE).await, &notes);
    record.holds(20).await;
    notes.reach(20).await;
    record.holds(5).await;
    notes.reach(25).await;
    assert_eq!(notes.read(), upto(25));
    reader.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_starts_again_goes_on_after_its_checkpoint() {
    let record = Record::fresh().await;
    let notes = Notes::default();
    record.holds(10).await;
    let first = noting(&record, feed(&record, NOWHERE).await, &notes);
    until("its checkpoint stands at the end", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 10
    })
    .await;
    first.abort();
    record.holds(5).await;
    let second = noting(&record, feed(&record, NOWHERE).await, &notes);
    notes.reach(15).await;
    assert_eq!(notes.read(), upto(15));
    second.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_yet_comes_again_and_nothing_after_it_before() {
    let record = Record::fresh().await;
    record.holds(8).await;
    let notes = Notes::default();
    let reader = subscribed(&record, feed(&record, NOWHERE).await, {
        let notes = notes.clone();
        move |event| {
            notes.take(&event);
            let tries = notes.read().iter().filter(|seen| **seen == 5).count();
            let in_the_way = event.recorded.position == 5 && tries < 4;
            std::future::ready(if in_the_way {
                Attempt::TryAgain
            } else {
                Attempt::Done
            })
        }
    });
    notes.reach(11).await;
    assert_eq!(notes.read(), [1, 2, 3, 4, 5, 5, 5, 5, 6, 7, 8]);
    until("its checkpoint stands at the end", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 8
    })
    .await;
    reader.abort();
}

/// A member whose key was lost after so many events of hers.
async fn loses_a_key(record: &Record) -> i64 {
    record.holds(3).await;
    let lost = record.holds(1).await;
    record.holds(2).await;
    sqlx::query("DELETE FROM keys.subject_keys WHERE subject = $1")
        .bind(lost.0)
        .execute(&record.pool)
        .await
        .unwrap();
    4
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_waits_with_its_stream_and_all_others_are_handed_out() {
    let record = Record::fresh().await;
    let broken = loses_a_key(&record).await;
    let notes = Notes::default();
    let reader = noting(&record, feed(&record, NOWHERE).await, &notes);
    notes.reach(5).await;
    assert_eq!(notes.read(), [1, 2, 3, 5, 6]);
    until("its checkpoint stands at the end", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 6
    })
    .await;
    let parked = parked::list(&record.pool).await.unwrap();
    assert_eq!((parked.len(), parked[0].position), (1, broken));
    assert_eq!(parked[0].reader, NAME);
    reader.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_good_is_tried_three_times_and_waits_for_a_fix() {
    let record = Record::fresh().await;
    record.holds(6).await;
    let (notes, is_fixed) = (Notes::default(), Arc::new(AtomicBool::new(false)));
    let work = {
        let (notes, is_fixed) = (notes.clone(), Arc::clone(&is_fixed));
        move |event: Opened| {
            notes.take(&event);
            let fails = event.recorded.position == 4 && !is_fixed.load(Ordering::SeqCst);
            std::future::ready(if fails {
                Attempt::GiveUp("a rule that is wrong".to_owned())
            } else {
                Attempt::Done
            })
        }
    };
    let reader = subscribed(&record, feed(&record, NOWHERE).await, work.clone());
    until("everything else is done", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 6
    })
    .await;
    assert_eq!(notes.read(), [1, 2, 3, 4, 4, 4, 5, 6]);
    let item = parked::list(&record.pool).await.unwrap().remove(0);
    assert_eq!(
        (item.attempts, item.reason.as_str()),
        (3, "a rule that is wrong")
    );
    // Before the fix a retry says why not, and the stream stays.
    let told = subscription::retry(&record.store, &item, work.clone())
        .await
        .unwrap();
    assert!(told.unwrap().contains("a rule that is wrong"));
    is_fixed.store(true, Ordering::SeqCst);
    let told = subscription::retry(&record.store, &item, work)
        .await
        .unwrap();
    assert_eq!(told, None);
    assert!(parked::list(&record.pool).await.unwrap().is_empty());
    assert_eq!(notes.read().last(), Some(&4));
    reader.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_from_the_bus_and_a_gap_on_it_sends_the_reader_to_the_log() {
    let (written, nats) = (Record::fresh().await, nats().await);
    written.holds(6).await;
    let events = written.log().read_after(0, 10).await.unwrap();
    let bus = Bus::connect(&nats.url()).await.unwrap();
    bus.prepare().await.unwrap();
    // A log in which nothing is: what this feed hands out can only come from the bus.
    let empty = Record::fresh().await;
    let mut feed = feed(&empty, &nats.url()).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let mut partitions = Partitions::default();
    bus.publish(&events[..3], &mut partitions).await.unwrap();
    let mut seen = Vec::new();
    until_fed(&mut feed, &mut seen, 3).await;
    assert_eq!(seen, upto(3));
    // Position 4 is missing on the bus: 5 and 6 are not handed out, and the log is asked, which ends before the reader.
    bus.publish(&events[4..], &mut partitions).await.unwrap();
    for _ in 0..4 {
        let fault = feed.next(3).await.unwrap_err();
        assert!(matches!(fault, ReadFault::Gap { position: 3 }), "{fault}");
    }
    // The same gap with a log that has everything: nothing is missed.
    let mut feed = self::feed(&written, &nats.url()).await;
    assert_eq!(feed.next(3).await.unwrap()[0].position, 4);
}

async fn until_fed(feed: &mut Feed, seen: &mut Vec<i64>, wanted: usize) {
    while seen.len() < wanted {
        let after = seen.last().copied().unwrap_or_default();
        let next = tokio::time::timeout(crate::support::PATIENCE, feed.next(after));
        let next = next.await.unwrap().unwrap();
        seen.extend(next.iter().map(|event| event.position));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_falls_far_behind_the_bus_catches_up_from_the_log() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let bus = Bus::connect(&nats.url()).await.unwrap();
    bus.prepare().await.unwrap();
    let tail = Tail::follow(bus.clone());
    let mut feed = tail.feed(Log::new(record.pool.clone()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let owner = UserId(fresh_id());
    sees(&record.store, owner, fresh_id().into(), fresh_id())
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                             payload, metadata, position)
         SELECT aggregate_type, 'copy', n, event_type, event_version, payload, metadata, n
           FROM events, generate_series(2, 5000) AS n WHERE position = 1",
    )
    .execute(&record.pool)
    .await
    .unwrap();
    let events = record.log().read_after(0, 5_000).await.unwrap();
    for part in events.chunks(500) {
        bus.publish(part, &mut Partitions::default()).await.unwrap();
    }
    let mut seen = Vec::new();
    until_fed(&mut feed, &mut seen, 5_000).await;
    assert_eq!(seen, upto(5_000));
}
