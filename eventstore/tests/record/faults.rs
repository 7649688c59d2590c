//! Connections to the database that break at any moment: nothing acknowledged is lost, nothing is done twice.

use crate::support::{Record, joins, sees};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::{ExecuteError, Log};
use sqlx::PgPool;
use std::time::Duration;
use tokio::task::JoinSet;

/// Breaks every connection of ours, ten times in a row.
async fn break_connections(url: String) -> u64 {
    let breaker = PgPool::connect(&url).await.unwrap();
    let mut broken = 0;
    for _ in 0..10 {
        broken += sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend'",
        )
        .execute(&breaker)
        .await
        .unwrap()
        .rows_affected();
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_lose_nothing_acknowledged_and_double_nothing() {
    // I1: a retry with the same command id gives the same answer
    let record = Record::fresh().await;
    let breaker = tokio::spawn(break_connections(record.url.clone()));
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let store = record.store.clone();
        writers.spawn(async move {
            let owner = UserId(fresh_id());
            let mut told = Vec::new();
            for _ in 0..10 {
                let (command, page) = (fresh_id(), fresh_id().into());
                match sees(&store, owner, page, command).await {
                    Ok(receipt) => told.push((command, owner, page, Some(receipt.position))),
                    // Unknown whether it was done; only the same id tells.
                    Err(ExecuteError::Unreachable(_)) => told.push((command, owner, page, None)),
                    Err(fault) => panic!("not the fault of a broken connection: {fault}"),
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            told
        });
    }
    let told = writers.join_all().await.concat();
    let broken = breaker.await.unwrap();
    let unknown = told.iter().filter(|(.., place)| place.is_none()).count();
    println!("{broken} connections broken, {unknown} of 80 answers unknown");
    assert!(broken > 0);
    for (command, owner, page, place) in &told {
        let place = match place {
            Some(place) => *place,
            None => {
                let again = sees(&record.store, *owner, *page, *command).await;
                again.unwrap().position
            }
        };
        assert_eq!(record.of_command(*command).await, [place]);
    }
    assert_eq!(record.is_whole().await, 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_told_as_such() {
    let record = Record::fresh().await;
    record.holds(1).await;
    record.pool.close().await;
    let log = Log::new(record.pool.clone()).read_after(0, 1).await;
    assert!(
        matches!(log, Err(eventstore::ReadFault::Unreachable(_))),
        "{log:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_in_the_middle_of_an_append_holds_up_nobody() {
    // The append is one statement: no client that stalls can hold the lock.
    let record = Record::fresh().await;
    let (url, key) = (record.url.clone(), record.folder.path().join("master.key"));
    let dying = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.spawn(async move {
            let pool = eventstore::migrate::connect(&url, 4).await.unwrap();
            let master = eventstore::MasterKey::read(&key).unwrap();
            let vault = eventstore::Vault::new(pool.clone(), master);
            let store = eventstore::Store::open(pool, vault);
            let mut writers = JoinSet::new();
            for _ in 0..200 {
                let store = store.clone();
                writers.spawn(async move {
                    let asked = joins(&store, fresh_id().into(), "ana@example.test", fresh_id());
                    asked.await.is_ok()
                });
            }
            writers.join_all().await
        });
        std::thread::sleep(Duration::from_millis(60));
        runtime.shutdown_background();
    });
    tokio::task::spawn_blocking(move || dying.join().unwrap())
        .await
        .unwrap();
    record.holds(3).await;
    let events = record.is_whole().await;
    println!("{} of 200 were in when the process died", (events - 3) / 3);
    assert_eq!(
        events % 3,
        0,
        "a command is in with all its events or with none"
    );
}
