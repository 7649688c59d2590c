//! A unit of work has one worker at a time, and its attempts are counted, by the database's clock.

use crate::support::Record;
use eventstore::edge::fresh_id;
use eventstore::lease::{self, ATTEMPTS, LEASE, Lease, LeaseFault, Taken};
use eventstore::{Recorded, parked};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

const QUEUE: &str = "test-work";

async fn asked(pool: &PgPool, unit: Uuid) -> Taken {
    lease::take(pool, QUEUE, unit, ATTEMPTS).await.unwrap()
}

async fn taken(pool: &PgPool, unit: Uuid) -> Lease {
    match asked(pool, unit).await {
        Taken::Lease(lease) => lease,
        other @ (Taken::Busy(_) | Taken::Spent) => panic!("it is not to be had: {other:?}"),
    }
}

async fn busy(pool: &PgPool, unit: Uuid) -> Duration {
    match asked(pool, unit).await {
        Taken::Busy(left) => left,
        other @ (Taken::Lease(_) | Taken::Spent) => panic!("nobody has it: {other:?}"),
    }
}

/// So much time passes in the database, and none in this process.
async fn passes(pool: &PgPool, time: Duration) {
    sqlx::query("UPDATE work_leases SET until = until - make_interval(secs => $1)")
        .bind(time.as_secs_f64())
        .execute(pool)
        .await
        .unwrap();
}

/// Attempt, times put back, and whether anybody works on it, of every unit.
async fn rows(pool: &PgPool) -> Vec<(i32, i32, bool)> {
    sqlx::query_as("SELECT attempt, put_back, owner IS NOT NULL FROM work_leases ORDER BY fence")
        .fetch_all(pool)
        .await
        .unwrap()
}

/// Every parked unit's attempts.
async fn parkings(pool: &PgPool) -> Vec<i32> {
    let parked = parked::list(pool).await.unwrap();
    parked.iter().map(|item| item.attempts).collect()
}

async fn a_record() -> (Record, Recorded) {
    let record = Record::fresh().await;
    record.holds(1).await;
    let event = record.log().read_after(0, 1).await.unwrap().remove(0);
    (record, event)
}

fn is_lost<T>(answer: Result<T, LeaseFault>) -> bool {
    matches!(answer, Err(LeaseFault::Lost))
}

/// A pool on the same database whose sessions differ in one setting.
async fn with_setting(record: &Record, name: &str, value: &str) -> PgPool {
    let options: PgConnectOptions = record.url.parse().unwrap();
    PgPoolOptions::new()
        .max_connections(2)
        .connect_with(options.options([(name, value)]))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_workers_that_are_given_the_same_unit_at_once_one_works() {
    let (record, _) = a_record().await;
    let mut fences = HashSet::new();
    for _ in 0..5 {
        let unit = fresh_id();
        let asking = (0..16).map(|_| {
            let pool = record.pool.clone();
            tokio::spawn(async move { asked(&pool, unit).await })
        });
        let answers = futures::future::join_all(asking).await;
        let leases: Vec<Lease> = answers
            .into_iter()
            .filter_map(|answer| match answer.unwrap() {
                Taken::Lease(lease) => Some(lease),
                Taken::Busy(_) => None,
                Taken::Spent => panic!("nobody failed yet"),
            })
            .collect();
        assert_eq!(leases.len(), 1);
        assert_eq!(leases[0].attempt(), 1);
        assert!(
            fences.insert(leases[0].fence()),
            "a fence is never given again"
        );
        let left = busy(&record.pool, unit).await;
        assert!(left <= LEASE && left > LEASE / 2, "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_over_changes_nothing_any_more() {
    let (record, event) = a_record().await;
    let (pool, unit) = (&record.pool, event.event_id);
    let late = taken(pool, unit).await;
    passes(pool, LEASE).await;
    let now = taken(pool, unit).await;
    assert_eq!((late.attempt(), now.attempt()), (1, 2));
    assert!(now.fence() > late.fence());
    assert!(is_lost(late.renew().await));
    assert!(is_lost(late.put_back().await));
    assert!(is_lost(late.failed().await));
    assert!(is_lost(late.park(&event, "it was late").await));
    assert!(is_lost(late.done().await));
    assert_eq!(rows(pool).await, [(2, 0, true)]);
    assert_eq!(parkings(pool).await, [] as [i32; 0]);
    now.renew().await.unwrap();
    now.done().await.unwrap();
    // Whoever has ended has nothing either, also where the unit was begun anew under the same number.
    let anew = taken(pool, unit).await;
    assert_eq!(anew.attempt(), 1);
    assert!(is_lost(late.done().await));
    assert!(is_lost(now.renew().await));
    assert_eq!(rows(pool).await, [(1, 0, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_keeps_its_unit_as_long_as_it_renews_and_after_a_silence_that_nobody_noticed() {
    let (record, _) = a_record().await;
    let (pool, unit) = (&record.pool, fresh_id());
    let lease = taken(pool, unit).await;
    for _ in 0..5 {
        passes(pool, LEASE * 9 / 10).await;
        lease.renew().await.unwrap();
        busy(pool, unit).await;
    }
    // Its lease ran out, but nobody took the unit over.
    passes(pool, LEASE * 2).await;
    lease.renew().await.unwrap();
    busy(pool, unit).await;
    lease.done().await.unwrap();
    assert_eq!(rows(pool).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_waits_and_counts_and_what_something_was_in_the_way_of_waits_and_does_not() {
    // SCN-8: 1 s, 2 s, give or take a tenth
    let (record, _) = a_record().await;
    let (pool, unit) = (&record.pool, fresh_id());
    let near = |wait: Duration, seconds: f64| {
        let wait = wait.as_secs_f64();
        assert!((seconds * 0.85..=seconds * 1.15).contains(&wait), "{wait}");
    };
    for (put_back, seconds) in [(0, 1.0), (1, 2.0), (2, 4.0)] {
        let lease = taken(pool, unit).await;
        assert_eq!((lease.attempt(), lease.times_put_back()), (1, put_back));
        near(lease.put_back().await.unwrap(), seconds);
        near(busy(pool, unit).await, seconds);
        assert!(is_lost(lease.renew().await), "it waits for the next one");
        passes(pool, LEASE).await;
    }
    for (attempt, seconds) in [(1, 1.0), (2, 2.0)] {
        let lease = taken(pool, unit).await;
        assert_eq!((lease.attempt(), lease.is_last()), (attempt, false));
        near(lease.failed().await.unwrap(), seconds);
        near(busy(pool, unit).await, seconds);
        passes(pool, LEASE).await;
    }
    assert!(taken(pool, unit).await.is_last());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_for_good_is_parked_with_its_lease_and_a_retry_begins_with_attempt_one() {
    let (record, event) = a_record().await;
    let (pool, unit) = (&record.pool, event.event_id);
    for _ in 1..ATTEMPTS {
        taken(pool, unit).await.failed().await.unwrap();
        passes(pool, LEASE).await;
    }
    let last = taken(pool, unit).await;
    last.park(&event, "it does not work").await.unwrap();
    assert!(is_lost(last.renew().await));
    assert!(is_lost(last.park(&event, "again").await));
    assert_eq!(parkings(pool).await, [3]);
    // Its message comes again, from a bus that was wiped.
    for _ in 0..2 {
        assert!(matches!(asked(pool, unit).await, Taken::Spent));
        lease::park_spent(pool, QUEUE, &event).await.unwrap();
    }
    assert_eq!(parkings(pool).await, [3]);
    let told = parked::list(pool).await.unwrap().remove(0);
    assert_eq!(
        (told.reader.as_str(), told.reason.as_str()),
        (QUEUE, "it does not work")
    );
    lease::forget(pool, QUEUE, unit).await.unwrap();
    let anew = taken(pool, unit).await;
    assert_eq!(anew.attempt(), 1);
    lease::forget(pool, QUEUE, unit).await.unwrap();
    anew.renew().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_over_which_every_worker_died_is_parked_once() {
    let (record, event) = a_record().await;
    let (pool, unit) = (&record.pool, event.event_id);
    for attempt in 1..=ATTEMPTS {
        assert_eq!(taken(pool, unit).await.attempt(), attempt);
        lease::park_spent(pool, QUEUE, &event).await.unwrap();
        assert_eq!(parkings(pool).await, [] as [i32; 0], "somebody has it");
        passes(pool, LEASE).await;
    }
    let (one, two) = tokio::join!(
        lease::park_spent(pool, QUEUE, &event),
        lease::park_spent(pool, QUEUE, &event)
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(parkings(pool).await, [3]);
    assert_eq!(rows(pool).await, [(3, 0, false)]);
    // The last word about it is said under a lease as well.
    let Taken::Lease(end) = lease::take(pool, QUEUE, unit, i32::MAX).await.unwrap() else {
        panic!("nobody may say how it ended");
    };
    assert_eq!(end.attempt(), 4);
    end.done().await.unwrap();
    assert_eq!(rows(pool).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_runs_out_by_the_clock_of_the_database_and_no_process_has_a_say() {
    let (record, _) = a_record().await;
    let (pool, unit) = (&record.pool, fresh_id());
    for statement in [
        "CREATE SCHEMA later",
        "CREATE FUNCTION later.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
             AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 hour'''",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    let lease = taken(pool, unit).await;
    busy(pool, unit).await;
    // The same process at the same moment; only the database's clock says something else.
    let later = with_setting(&record, "search_path", "later,pg_catalog,public").await;
    let over = taken(&later, unit).await;
    assert_eq!(over.attempt(), 2);
    assert!(is_lost(lease.renew().await));
    let left = busy(pool, unit).await;
    assert!(left > Duration::from_secs(3_590), "{left:?}");
    let source = include_str!("../../src/lease.rs");
    for clock in ["edge::now", "Utc", "SystemTime", "Instant"] {
        assert!(!source.contains(clock), "{clock}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_only_write_can_work_and_park() {
    let (record, event) = a_record().await;
    let writer = with_setting(&record, "role", "vara_writer").await;
    let unit = event.event_id;
    let lease = taken(&writer, unit).await;
    lease.renew().await.unwrap();
    lease.put_back().await.unwrap();
    for _ in 1..ATTEMPTS {
        passes(&record.pool, LEASE).await;
        taken(&writer, unit).await.failed().await.unwrap();
    }
    passes(&record.pool, LEASE).await;
    let last = taken(&writer, unit).await;
    last.park(&event, "it does not work").await.unwrap();
    lease::park_spent(&writer, QUEUE, &event).await.unwrap();
    lease::forget(&writer, QUEUE, unit).await.unwrap();
    taken(&writer, unit).await.done().await.unwrap();
    let auditor = with_setting(&record, "role", "vara_auditor").await;
    assert_eq!(rows(&auditor).await, []);
    assert!(lease::take(&auditor, QUEUE, unit, ATTEMPTS).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_takes_her_units_from_whoever_works_on_them_and_nobody_elses() {
    let (record, hers) = a_record().await;
    record.holds(1).await;
    let other = record.log().read_after(1, 1).await.unwrap().remove(0);
    let pool = &record.pool;
    let lease = taken(pool, hers.event_id).await;
    let stays = taken(pool, other.event_id).await;
    eventstore::erasure::purge(pool, hers.why.known().unwrap().subject)
        .await
        .unwrap();
    assert!(is_lost(lease.renew().await));
    assert!(is_lost(lease.park(&hers, "too late").await));
    stays.renew().await.unwrap();
    assert_eq!(parkings(pool).await, [] as [i32; 0]);
}
