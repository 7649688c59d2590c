//! The whole of `bench append` on a real server, as short as it can be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bench::{Ground, Plan, Work};
use embedded::testing;
use sqlx::{Connection, Executor, PgConnection};

/// A server whose data is thrown away; the databases on it are ours alone.
async fn a_server() -> String {
    let made = tokio::task::spawn_blocking(|| testing::database("given", |_| {}));
    made.await.unwrap()
}

async fn databases_of_runs(url: &str) -> i64 {
    let mut asked = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname LIKE 'vara_bench_%'")
        .fetch_one(&mut asked)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_work_is_measured_by_everybody_and_the_log_holds_what_was_counted() {
    let url = a_server().await;
    let plan = Plan::try_new(Work::APPEND.to_vec(), vec![1, 2], 1, 0.2).unwrap();
    let ground = Ground::open(Some(&url)).await.unwrap();
    // Each measurement compares its count with the log and fails when they differ.
    let report = bench::append(&ground, &plan).await.unwrap();
    let told: Vec<_> = report
        .rows
        .iter()
        .map(|row| (row.work.as_str(), row.variant.as_str(), row.writers))
        .collect();
    let expected: Vec<_> = plan
        .cells()
        .iter()
        .map(|cell| (cell.work.name(), cell.variant.name(), cell.writers))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(told.len(), 2 * (4 + 2 + 4 + 2 + 2));
    for row in &report.rows {
        assert!(row.events_per_s > 0.0 && row.ratio > 0.0, "{row:?}");
        assert!(0.0 < row.p50_ms && row.p50_ms <= row.p99_ms, "{row:?}");
    }
    // A test server keeps nothing, and the report says so.
    assert!(!report.facts.is_durable());
    ground.close().await.unwrap();
    assert_eq!(databases_of_runs(&url).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_holds_something_else_than_was_counted_is_a_fault() {
    let url = a_server().await;
    let ground = Ground::open(Some(&url)).await.unwrap();
    ground.clean().await.unwrap();
    ground.holds("events", 0).await.unwrap();
    let insert = "INSERT INTO events VALUES ('bench', 's', 1, 'Noted', '1', '{}', '{}', 2)";
    ground
        .connect(1)
        .await
        .unwrap()
        .execute(insert)
        .await
        .unwrap();
    ground.holds("events", 1).await.unwrap();
    let lost = ground.holds("events", 2).await.unwrap_err().to_string();
    assert!(
        lost.contains("2 rows were counted, but events holds 1"),
        "{lost}"
    );
    let gap = ground.is_gapless(1).await.unwrap_err().to_string();
    assert!(gap.contains("the last position is 2"), "{gap}");
    ground.clean().await.unwrap();
    ground.holds("events", 0).await.unwrap();
    ground.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_in_plain_words() {
    let nobody = "postgres://vara@127.0.0.1:1/vara";
    let refusal = format!("{:#}", Ground::open(Some(nobody)).await.unwrap_err());
    assert!(
        refusal.contains("the server of DATABASE_URL cannot be reached"),
        "{refusal}"
    );
    let refusal = format!("{:#}", Ground::open(Some("no address")).await.unwrap_err());
    assert!(refusal.contains("DATABASE_URL is no address"), "{refusal}");
}
