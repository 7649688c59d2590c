//! Two workers on one unit: whatever the bus hands out, whoever is stopped or killed, one of them counts.

use crate::queue::{Desk, QUEUE, accepted};
use crate::support::{Record, until, with};
use eventstore::bus::Bus;
use eventstore::lease;
use eventstore::partitions::Partitions;
use eventstore::work::{self, Attempt, Queue};
use eventstore::{migrate, parked};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Who has the unit: which attempt, and whether that is this process.
async fn held(record: &Record) -> Option<(i32, bool)> {
    sqlx::query_as("SELECT attempt, owner IS NOT DISTINCT FROM $1 FROM work_leases")
        .bind(eventstore::edge::this_process())
        .fetch_optional(&record.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_the_bus_hands_out_twice_is_worked_on_by_one_at_a_time() {
    let (record, _nats, bus) = accepted(1).await;
    let event = record.log().read_after(0, 1).await.unwrap().remove(0);
    bus.publish_again(&event, Partitions::default())
        .await
        .unwrap();
    let desk = Desk::default();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<JoinHandle<()>> = (0..2)
        .map(|_| {
            let (desk, now, most) = (desk.clone(), Arc::clone(&now), Arc::clone(&most));
            let work = move |event, lease| {
                desk.note(&event, &lease);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let now = Arc::clone(&now);
                async move {
                    tokio::time::sleep(Duration::from_millis(1_500)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Attempt::Done
                }
            };
            tokio::spawn(work::run(bus.clone(), record.pool.clone(), QUEUE, work))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(desk.attempts_at(1), [1], "the other one waits");
    // It is put back until the lease would end, and is then work that nobody has: whether it is done, the log says.
    until("the other one came", || async { desk.handed().len() == 2 }).await;
    until("both are over", || async { held(&record).await.is_none() }).await;
    assert_eq!(desk.attempts_at(1), [1, 1]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    workers.iter().for_each(JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_was_wiped_and_filled_again_does_not_begin_to_count_anew() {
    let (record, nats, bus) = accepted(1).await;
    let desk = Desk::default();
    let worker = tokio::spawn(work::run(bus.clone(), record.pool.clone(), QUEUE, {
        let desk = desk.clone();
        move |event, lease| {
            desk.note(&event, &lease);
            std::future::ready(Attempt::GiveUp("it does not work".to_owned()))
        }
    }));
    let event = record.log().read_after(0, 1).await.unwrap();
    for made in 1..=2 {
        until("it was tried", || async { desk.handed().len() >= made }).await;
        with(&nats, |nats| {
            nats.kill();
            nats.wipe();
            nats.start();
        })
        .await;
        until("the bus is filled again", || async {
            bus.prepare().await.is_ok()
                && bus
                    .publish(&event, &mut Partitions::default())
                    .await
                    .is_ok()
        })
        .await;
    }
    until("it is parked", || async {
        !parked::list(&record.pool).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(desk.attempts_at(1), [1, 2, 3]);
    // Filled a third time, it is parked all the same.
    bus.publish_again(&event[0], Partitions::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(desk.attempts_at(1), [1, 2, 3]);
    let items = parked::list(&record.pool).await.unwrap();
    assert_eq!(
        items.iter().map(|item| item.attempts).collect::<Vec<_>>(),
        [3]
    );
    // What `vara parked retry` does.
    lease::forget(&record.pool, QUEUE.name, event[0].event_id)
        .await
        .unwrap();
    bus.publish_again(&event[0], Partitions::default())
        .await
        .unwrap();
    until("it is tried anew", || async { desk.handed().len() == 4 }).await;
    assert_eq!(desk.attempts_at(1), [1, 2, 3, 1]);
    worker.abort();
}

const DATABASE: &str = "VARA_TEST_WORKER_DATABASE";
const NATS: &str = "VARA_TEST_WORKER_NATS";
const FOLDER: &str = "VARA_TEST_WORKER_FOLDER";

/// A worker that works on what it gets until it is told to end, and says that it is done then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the tests beside it, as a process of its own"]
async fn another_process() {
    let setting = |name| std::env::var(name).unwrap();
    let bus = Bus::connect(&setting(NATS)).await.unwrap();
    let pool = migrate::connect(&setting(DATABASE), 3).await.unwrap();
    let folder = setting(FOLDER);
    let one = Queue {
        at_once: 1,
        ..QUEUE
    };
    work::run(bus, pool, one, move |_, _| {
        let folder = folder.clone();
        async move {
            std::fs::write(Path::new(&folder).join("began"), "").unwrap();
            while !Path::new(&folder).join("end").exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::fs::write(Path::new(&folder).join("ended"), "").unwrap();
            Attempt::Done
        }
    })
    .await;
}

/// That process, while it has the unit. It ends with the test.
struct Other(Child);

impl Other {
    async fn at_work(record: &Record, nats_url: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fencing::another_process", "--ignored"])
            .env(DATABASE, &record.url)
            .env(NATS, nats_url)
            .env(FOLDER, record.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let other = Self(child);
        let began = record.folder.path().join("began");
        until("it began", || async { began.exists() }).await;
        assert_eq!(held(record).await, Some((1, false)));
        other
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_taken_over_after_its_lease_and_the_attempt_counts() {
    let (record, nats, bus) = accepted(1).await;
    let other = Other::at_work(&record, &nats.url()).await;
    drop(other);
    let desk = Desk::default();
    let worker = tokio::spawn(work::run(bus, record.pool.clone(), QUEUE, {
        let desk = desk.clone();
        move |event, lease| {
            desk.note(&event, &lease);
            std::future::ready(Attempt::Done)
        }
    }));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(desk.handed().len(), 0, "its lease has not run out");
    until("it is taken over", || async { !desk.handed().is_empty() }).await;
    until("it is over", || async { held(&record).await.is_none() }).await;
    assert_eq!(desk.attempts_at(1), [2]);
    worker.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_past_its_lease_is_taken_over_and_its_late_end_changes_nothing() {
    let (record, nats, bus) = accepted(1).await;
    let other = Other::at_work(&record, &nats.url()).await;
    other.signal("-STOP");
    // It has done its work, and only has to say so.
    std::fs::write(record.folder.path().join("end"), "").unwrap();
    let (desk, may_end) = (Desk::default(), Arc::new(AtomicBool::new(false)));
    let worker = tokio::spawn(work::run(bus, record.pool.clone(), QUEUE, {
        let (desk, may_end) = (desk.clone(), Arc::clone(&may_end));
        move |event, lease| {
            desk.note(&event, &lease);
            let may_end = Arc::clone(&may_end);
            async move {
                while !may_end.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Attempt::GiveUp("it does not work".to_owned())
            }
        }
    }));
    until("it is taken over", || async { !desk.handed().is_empty() }).await;
    assert_eq!(held(&record).await, Some((2, true)));
    other.signal("-CONT");
    let ended = record.folder.path().join("ended");
    until("it says that it is done", || async { ended.exists() }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        held(&record).await,
        Some((2, true)),
        "the late end took it away"
    );
    drop(other);
    may_end.store(true, Ordering::SeqCst);
    // Nor was the message acknowledged behind the back of the worker that has it.
    until("the third attempt failed", || async {
        !parked::list(&record.pool).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(desk.attempts_at(1), [2, 3]);
    assert_eq!(held(&record).await, Some((3, false)));
    worker.abort();
}
