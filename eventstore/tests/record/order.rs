//! Nothing that happens beside it delays the log, hides an event or makes a gap; and a restored log goes on.

use crate::support::{Record, sees, until};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::{Log, MasterKey, Store, Vault, checkpoint, migrate};
use sqlx::{Connection, Executor, PgConnection};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// So many events, each in at most this long.
async fn go_on(record: &Record, events: i64, each: Duration) {
    let before = record.log().head().await.unwrap();
    for _ in 0..events {
        let begun = Instant::now();
        let owner = UserId(fresh_id());
        sees(&record.store, owner, fresh_id().into(), fresh_id())
            .await
            .unwrap();
        assert!(begun.elapsed() < each, "{:?}", begun.elapsed());
    }
    // A reader sees them all at once.
    let read = record.log().read_after(before, 1_000).await.unwrap();
    assert_eq!(i64::try_from(read.len()).unwrap(), events);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_that_writes_elsewhere_delays_and_hides_nothing() {
    // I7: a reader by transaction id would stand still here.
    let record = Record::fresh().await;
    record.holds(3).await;
    let mut open = record.pool.begin().await.unwrap();
    open.execute("CREATE TABLE elsewhere (n int)")
        .await
        .unwrap();
    open.execute("INSERT INTO elsewhere SELECT generate_series(1, 1000)")
        .await
        .unwrap();
    go_on(&record, 20, Duration::from_secs(5)).await;
    open.rollback().await.unwrap();
    assert_eq!(record.is_whole().await, 23);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_who_reads_for_long_sees_one_moment_and_delays_nobody() {
    let record = Record::fresh().await;
    record.holds(5).await;
    let mut analyst = PgConnection::connect(&record.url).await.unwrap();
    analyst
        .execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    let count = "SELECT count(*) FROM events";
    let before: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut analyst)
        .await
        .unwrap();
    go_on(&record, 20, Duration::from_secs(5)).await;
    let after: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut analyst)
        .await
        .unwrap();
    assert_eq!((before, after), (5, 5));
    analyst.execute("COMMIT").await.unwrap();
    assert_eq!(record.is_whole().await, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_can_be_left_prepared() {
    // One that was forgotten would hold the lock of the log for ever.
    let record = Record::fresh().await;
    assert!(
        !eventstore::migrate::may_prepare(&record.pool)
            .await
            .unwrap()
    );
    let mut db = PgConnection::connect(&record.url).await.unwrap();
    db.execute("BEGIN").await.unwrap();
    db.execute("SELECT next_position()").await.unwrap();
    let refusal = db
        .execute("PREPARE TRANSACTION 'forgotten'")
        .await
        .unwrap_err();
    assert_eq!(
        refusal.as_database_error().unwrap().code().unwrap(),
        "55000"
    );
    drop(db.close().await);
    go_on(&record, 3, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_or_abandoned_append_leaves_no_gap() {
    let record = Record::fresh().await;
    record.holds(2).await;
    let insert = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
                  VALUES ('bench', 'x', 1, 'Noted', '1', '{}', '{}')";
    for ends_by in ["ROLLBACK", "SELECT pg_terminate_backend(pg_backend_pid())"] {
        let mut db = PgConnection::connect(&record.url).await.unwrap();
        db.execute("BEGIN").await.unwrap();
        db.execute(insert).await.unwrap();
        drop(db.execute(ends_by).await);
    }
    go_on(&record, 5, Duration::from_secs(10)).await;
    assert_eq!(record.is_whole().await, 7);
}

/// One of PostgreSQL's programs, and its output.
fn program(name: &str, arguments: &[&str], input: Option<&[u8]>) -> Vec<u8> {
    let programs = embedded::binaries(&embedded::default_cache(), true).unwrap();
    let mut child = Command::new(programs.postgres(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.unwrap_or_default().to_vec();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input));
    let done = child.wait_with_output().unwrap();
    drop(writing.join());
    assert!(
        done.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    done.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dumped_and_restored_log_is_the_same_log_and_goes_on() {
    let record = Record::fresh().await;
    record.holds(40).await;
    checkpoint::advance(&record.pool, "reader", 0, 30)
        .await
        .unwrap();
    checkpoint::resume(&record.pool, "reader").await.unwrap();
    let restored = Record::empty().await;
    let (from, to) = (record.url.clone(), restored.url.clone());
    let moved = tokio::task::spawn_blocking(move || {
        let dump = program("pg_dump", &["--no-owner", "-d", &from], None);
        program(
            "psql",
            &["-q", "-v", "ON_ERROR_STOP=1", "-d", &to],
            Some(&dump),
        );
    });
    moved.await.unwrap();
    let pool = migrate::connect(&restored.url, 4).await.unwrap();
    // Every event is visible to a reader there, and the reader goes on where it stood.
    let events = Log::new(pool.clone()).read_after(0, 100).await.unwrap();
    assert_eq!(events, record.log().read_after(0, 100).await.unwrap());
    assert_eq!(checkpoint::resume(&pool, "reader").await.unwrap(), 30);
    let master = MasterKey::read(&record.folder.path().join("master.key")).unwrap();
    let store = Store::open(pool.clone(), Vault::new(record.pool.clone(), master));
    let owner = UserId(fresh_id());
    let receipt = sees(&store, owner, fresh_id().into(), fresh_id())
        .await
        .unwrap();
    assert_eq!(receipt.position, 41);
    until("it is visible", || async {
        Log::new(pool.clone()).head().await.unwrap() == 41
    })
    .await;
    pool.close().await;
}
