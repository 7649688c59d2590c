//! Snapshots of long streams: a state from snapshot and tail is the state folded from all events.

use crate::support::{Record, joins, says, until};
use domain::ids::UserId;
use domain::user::{Purpose, User};
use eventstore::Store;
use eventstore::edge::fresh_id;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// A member whose stream has so many events; she changes her mind about purposes in this order.
async fn a_long_stream(record: &Record, events: usize, turns: &[u8]) -> UserId {
    let member = UserId(fresh_id());
    joins(&record.store, member, "ana@example.test", fresh_id())
        .await
        .unwrap();
    let (mut length, mut agreed, mut n) = (length(record, member).await, [false; 3], 0);
    let purposes = [
        Purpose::FaceSearch,
        Purpose::BreachLookup,
        Purpose::FaceSearch,
    ];
    while length < events {
        let which = usize::from(turns[n % turns.len()] % 2);
        agreed[which] = !agreed[which];
        let said = says(
            &record.store,
            member,
            purposes[which],
            agreed[which],
            fresh_id(),
        )
        .await;
        length += usize::from(!said.unwrap().already_done);
        n += 1;
    }
    member
}

async fn length(record: &Record, member: UserId) -> usize {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE aggregate_id = $1")
        .bind(member.to_string())
        .fetch_one(&record.pool)
        .await
        .unwrap();
    usize::try_from(count).unwrap()
}

async fn snapshot_at(record: &Record, member: UserId) -> Option<i64> {
    sqlx::query_scalar("SELECT sequence FROM snapshots WHERE stream = $1")
        .bind(member.to_string())
        .fetch_optional(&record.pool)
        .await
        .unwrap()
}

/// Folded from all events: a process that has seen nothing yet does not know that the stream is long.
async fn folded(record: &Record, member: UserId) -> User {
    record.beside().load::<User>(member.0).await.unwrap()
}

/// From snapshot and tail: the second look of a process at a long stream.
async fn helped(store: &Store, member: UserId) -> User {
    store.load::<User>(member.0).await.unwrap();
    store.load::<User>(member.0).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_stream_has_no_snapshot_and_a_long_one_has_one_off_the_commit_path() {
    let record = Record::fresh().await;
    let short = a_long_stream(&record, 99, &[0, 1]).await;
    let long = a_long_stream(&record, 101, &[0, 1]).await;
    until("the snapshot is written", || async {
        snapshot_at(&record, long).await.is_some_and(|at| at >= 100)
    })
    .await;
    assert_eq!(snapshot_at(&record, short).await, None);
    let state: Vec<u8> = sqlx::query_scalar("SELECT state FROM snapshots")
        .fetch_one(&record.pool)
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&state);
    assert!(
        !text.contains("FACE") && !text.contains("Member"),
        "it is sealed"
    );
}

#[test]
fn snapshot_and_tail_make_the_state_that_all_events_make() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let record = runtime.block_on(Record::fresh());
    let cases = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    let many = (101_usize..330, prop::collection::vec(any::<u8>(), 1..20));
    let mut runner = TestRunner::new(cases);
    let proved = runner.run(&many, |(events, turns)| {
        runtime.block_on(async {
            let member = a_long_stream(&record, events, &turns).await;
            until("the snapshot is written", || async {
                snapshot_at(&record, member)
                    .await
                    .is_some_and(|at| at >= 100)
            })
            .await;
            assert_eq!(
                helped(&record.beside(), member).await,
                folded(&record, member).await
            );
        });
        Ok(())
    });
    proved.unwrap();
    drop(record);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshot_is_really_used_and_what_cannot_be_used_is_passed_over() {
    let record = Record::fresh().await;
    let member = a_long_stream(&record, 120, &[0, 1, 0]).await;
    until("the snapshot is written", || async {
        snapshot_at(&record, member).await.is_some()
    })
    .await;
    let all = folded(&record, member).await;
    // Another process's view: a snapshot moved to a later place does not open there, and the events decide.
    for spoiled in [
        "UPDATE snapshots SET sequence = sequence + 1",
        "UPDATE snapshots SET sequence = sequence - 1, shape = 99",
        "UPDATE snapshots SET shape = 2, state = '\\x00'",
    ] {
        sqlx::query(spoiled).execute(&record.pool).await.unwrap();
        assert_eq!(helped(&record.beside(), member).await, all, "{spoiled}");
    }
    // Commands go on with it.
    let store = record.beside();
    helped(&store, member).await;
    for n in 0..90 {
        let granted = n % 2 == 0;
        says(&store, member, Purpose::FaceSearch, granted, fresh_id())
            .await
            .unwrap();
    }
    assert_eq!(helped(&store, member).await, folded(&record, member).await);
    record.is_whole().await;
}
