//! Work is handed out until it is done, to one worker at a time.

use crate::support::{Record, by, nats, until};
use domain::ids::{ScanId, UserId};
use domain::scan::{ScanCommand, ScanKind, ScanSlot, StartScan};
use embedded::testing::TestNats;
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::lease::Lease;
use eventstore::partitions::Partitions;
use eventstore::work::{self, Attempt, Queue};
use eventstore::{Recorded, migrate, parked};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const QUEUE: Queue = Queue {
    name: "test-scan",
    subject: "vara.*.scan.scan_started",
    at_once: 2,
};

/// One attempt: at which scan (by its place in the log), which one, and when.
pub type Handed = (i64, i32, Instant);

/// Where workers note what they were given.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Vec<Handed>>>);

impl Desk {
    pub fn note(&self, event: &Recorded, lease: &Lease) {
        let mut handed = self.0.lock().unwrap();
        handed.push((event.position, lease.attempt(), Instant::now()));
    }

    pub fn handed(&self) -> Vec<Handed> {
        self.0.lock().unwrap().clone()
    }

    pub fn attempts_at(&self, position: i64) -> Vec<i32> {
        let handed = self.handed();
        let of_it = handed.iter().filter(|(place, ..)| *place == position);
        of_it.map(|(_, attempt, _)| *attempt).collect()
    }

    /// How long after the first attempt at it the second one was made.
    fn waited(&self, position: i64) -> Duration {
        let handed = self.handed();
        let mut times = handed.iter().filter(|(place, ..)| *place == position);
        let (first, second) = (times.next().unwrap().2, times.next().unwrap().2);
        second.duration_since(first)
    }
}

/// A bus with so many accepted scans on it, and events that are no work.
pub async fn accepted(scans: usize) -> (Record, Arc<TestNats>, Bus) {
    let (record, nats) = (Record::fresh().await, nats().await);
    for _ in 0..scans {
        let owner = UserId(fresh_id());
        let start = ScanCommand::Start(StartScan {
            owner,
            scan_id: ScanId(fresh_id()),
            kind: ScanKind::ImageScan,
            target: None,
            images: vec![],
            started_at: chrono::DateTime::UNIX_EPOCH,
        });
        let slot = ScanSlot::id(owner, ScanKind::ImageScan);
        let started = record
            .store
            .execute::<ScanSlot>(slot, start, by(owner, fresh_id()));
        started.await.unwrap();
    }
    record.holds(3).await;
    let bus = Bus::connect(&nats.url()).await.unwrap();
    bus.prepare().await.unwrap();
    let events = record.log().read_after(0, 100).await.unwrap();
    bus.publish(&events, &mut Partitions::default())
        .await
        .unwrap();
    (record, nats, bus)
}

#[tokio::test(flavor = "multi_thread")]
async fn done_work_is_not_handed_out_again_and_other_events_never() {
    let (record, _nats, bus) = accepted(5).await;
    let desk = Desk::default();
    let worker = |bus: Bus| {
        let desk = desk.clone();
        tokio::spawn(work::run(
            bus,
            record.pool.clone(),
            QUEUE,
            move |event, lease| {
                desk.note(&event, &lease);
                std::future::ready(Attempt::Done)
            },
        ))
    };
    let first = worker(bus.clone());
    until("all five are done", || async { desk.handed().len() >= 5 }).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    first.abort();
    // A worker that starts later finds nothing to do.
    let second = worker(bus);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut places: Vec<i64> = desk.handed().iter().map(|(place, ..)| *place).collect();
    places.sort_unstable();
    assert_eq!(places, [1, 2, 3, 4, 5]);
    second.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_failed_is_tried_three_times_parked_and_keeps_nothing_else_waiting() {
    // SCN-8
    let (record, _nats, bus) = accepted(7).await;
    let desk = Desk::default();
    let worker = tokio::spawn(work::run(bus, record.pool.clone(), QUEUE, {
        let desk = desk.clone();
        move |event, lease| {
            let desk = desk.clone();
            async move {
                desk.note(&event, &lease);
                // The first five never succeed; one of them does not even end well.
                assert!(event.position != 5, "this work breaks");
                if event.position < 5 {
                    Attempt::GiveUp("it does not work".to_owned())
                } else {
                    Attempt::Done
                }
            }
        }
    }));
    until("the last two are done beside those that wait", || async {
        [6, 7]
            .iter()
            .all(|place| !desk.attempts_at(*place).is_empty())
    })
    .await;
    until("the others are parked", || async {
        parked::list(&record.pool).await.unwrap().len() == 5
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for place in 1..=5 {
        assert_eq!(desk.attempts_at(place), [1, 2, 3]);
        let waited = desk.waited(place);
        assert!(waited >= Duration::from_millis(850), "{waited:?}");
    }
    assert_eq!(desk.attempts_at(6), [1]);
    assert_eq!(desk.attempts_at(7), [1]);
    for item in parked::list(&record.pool).await.unwrap() {
        assert_eq!((item.attempts, item.reader.as_str()), (3, QUEUE.name));
        let broke_off = item.reason == "the work on it broke off";
        assert_eq!(broke_off, item.position == 5, "{}", item.reason);
    }
    worker.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_something_is_in_the_way_of_comes_again_and_is_never_parked_for_it() {
    let (record, _nats, bus) = accepted(1).await;
    let desk = Desk::default();
    let worker = tokio::spawn(work::run(bus, record.pool.clone(), QUEUE, {
        let desk = desk.clone();
        move |event, lease| {
            desk.note(&event, &lease);
            std::future::ready(if desk.handed().len() < 4 {
                Attempt::TryAgain
            } else {
                Attempt::Done
            })
        }
    }));
    until("the way is clear", || async { desk.handed().len() >= 4 }).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(desk.attempts_at(1), [1, 1, 1, 1]);
    let waited = desk.waited(1);
    assert!(waited >= Duration::from_millis(850), "{waited:?}");
    assert!(parked::list(&record.pool).await.unwrap().is_empty());
    worker.abort();
}

/// A worker in a process of its own that takes up one scan and dies over it.
fn dies_at_work(url: String, database: String, desk: Desk) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let noted = desk.clone();
    runtime.spawn(async move {
        let bus = Bus::connect(&url).await.unwrap();
        let pool = migrate::connect(&database, 2).await.unwrap();
        let one = Queue {
            at_once: 1,
            ..QUEUE
        };
        work::run(bus, pool, one, move |event, lease| {
            noted.note(&event, &lease);
            std::future::pending()
        })
        .await;
    });
    while desk.handed().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_stays_with_its_worker_that_of_a_dead_one_goes_to_another_and_none_comes_twice() {
    // Work that takes longer than the bus waits for a sign of life (10 s), and more scans than hands.
    let (record, nats, bus) = accepted(6).await;
    let desk = Desk::default();
    let (url, database, dead) = (nats.url(), record.url.clone(), desk.clone());
    let dying = tokio::task::spawn_blocking(move || dies_at_work(url, database, dead));
    dying.await.unwrap();
    assert_eq!(desk.attempts_at(1), [1]);
    let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let worker = tokio::spawn(work::run(bus, record.pool.clone(), QUEUE, {
        let (desk, at_work, most) = (desk.clone(), Arc::clone(&at_work), Arc::clone(&most));
        move |event, lease| {
            desk.note(&event, &lease);
            let (at_work, most) = (Arc::clone(&at_work), Arc::clone(&most));
            async move {
                let now = at_work.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                let long = if event.position <= 3 { 10_800 } else { 50 };
                tokio::time::sleep(Duration::from_millis(long)).await;
                at_work.fetch_sub(1, Ordering::SeqCst);
                Attempt::Done
            }
        }
    }));
    until("all were taken up, the first one again", || async {
        (2..=6).all(|place| !desk.attempts_at(place).is_empty()) && desk.attempts_at(1).len() >= 2
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(desk.attempts_at(1), [1, 2], "its worker died over it");
    for place in 2..=6 {
        assert_eq!(desk.attempts_at(place), [1], "scan {place}");
    }
    assert_eq!(most.load(Ordering::SeqCst), QUEUE.at_once);
    worker.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_out_a_bus_that_dies_and_one_that_forgets_everything() {
    let (record, nats, bus) = accepted(2).await;
    let desk = Desk::default();
    let worker = tokio::spawn(work::run(bus.clone(), record.pool.clone(), QUEUE, {
        let desk = desk.clone();
        move |event, lease| {
            desk.note(&event, &lease);
            std::future::ready(Attempt::Done)
        }
    }));
    until("both are done", || async { desk.handed().len() >= 2 }).await;
    crate::support::with(&nats, |nats| {
        nats.kill();
        nats.wipe();
        nats.start();
    })
    .await;
    // What is published again is handed out again, under a worker that was never restarted; it finds it done.
    let events = record.log().read_after(0, 100).await.unwrap();
    until("the bus takes it", || async {
        bus.prepare().await.is_ok()
            && bus
                .publish(&events, &mut Partitions::default())
                .await
                .is_ok()
    })
    .await;
    until("both come again", || async { desk.handed().len() >= 4 }).await;
    worker.abort();
}
