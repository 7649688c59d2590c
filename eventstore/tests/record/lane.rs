//! The lane by itself: what each command of a batch is told when one of them comes too late.

use crate::support::{Record, by};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::lane::{Append, Lane, NewEvent, Outcome};
use futures::future::join_all;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// A command that says its stream begins with it.
fn begins(stream: &str, events: i64, command_id: Uuid) -> Append {
    let why = by(UserId(fresh_id()), command_id);
    let event = |sequence| {
        let event_id = fresh_id();
        let mut metadata = serde_json::to_value(&why).unwrap();
        metadata["event_id"] = event_id.to_string().into();
        NewEvent {
            event_id,
            sequence,
            event_type: "Noted".to_owned(),
            event_version: "1".to_owned(),
            payload: "{}".to_owned(),
            metadata: metadata.to_string(),
        }
    };
    Append {
        command_id,
        noun: "note".to_owned(),
        stream: stream.to_owned(),
        events: (1..=events).map(event).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_a_stream_that_is_there_collides_and_its_neighbours_are_written() {
    // I2
    let record = Record::fresh().await;
    let (head, newest) = watch::channel(0);
    let lane = Lane::start(&record.pool, head);
    let done = fresh_id();
    let first = lane.append(begins("one", 2, done)).await.unwrap();
    assert_eq!(first, Outcome::Appended(2));
    // While the first of these waits for the lock, the others come together into the next batch.
    let mut lock = record.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(7370712601)")
        .execute(&mut *lock)
        .await
        .unwrap();
    let asked = [
        begins("two", 1, fresh_id()),
        begins("three", 3, fresh_id()),
        begins("one", 1, fresh_id()),
        begins("four", 1, fresh_id()),
        begins("five", 2, done),
    ];
    let waiting = tokio::spawn({
        let lane = lane.clone();
        async move { join_all(asked.map(|append| lane.append(append))).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock.rollback().await.unwrap();
    let told: Vec<_> = waiting.await.unwrap().into_iter().flatten().collect();
    let expected = [
        Outcome::Appended(3),
        Outcome::Appended(6),
        Outcome::Conflict,
        Outcome::Appended(7),
        Outcome::AlreadyDone(2),
    ];
    assert_eq!(told, expected);
    assert_eq!((record.is_whole().await, *newest.borrow()), (7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collision_costs_the_lane_no_connection() {
    let record = Record::fresh().await;
    let lane = Lane::start(&record.pool, watch::channel(0).0);
    lane.append(begins("one", 1, fresh_id())).await.unwrap();
    let connections = || async {
        sqlx::query_scalar::<_, Vec<i32>>(
            // Put together, so that this question is not among those that it finds.
            "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity
              WHERE datname = current_database() AND query LIKE '%append_' || 'batch%'",
        )
        .fetch_one(&record.pool)
        .await
        .unwrap()
    };
    let before = connections().await;
    let told = lane.append(begins("one", 1, fresh_id())).await.unwrap();
    assert_eq!(told, Outcome::Conflict);
    let told = lane.append(begins("two", 1, fresh_id())).await.unwrap();
    assert_eq!(told, Outcome::Appended(2));
    assert_eq!((before.len(), connections().await), (1, before));
}
