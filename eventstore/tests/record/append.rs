//! The append: gapless, in order, once for each command, whoever writes at the same time.

use crate::support::{Record, a_match, by, joins, says, sees, until};
use domain::ids::{MatchId, ScanId, UserId};
use domain::matches::{Match, MatchCommand, RecordMatch};
use domain::scan::{ScanCommand, ScanKind, ScanSlot, StartScan};
use domain::user::{Purpose, User, UserRefusal};
use eventstore::edge::fresh_id;
use eventstore::{ExecuteError, Store};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: usize = 24;
const COMMANDS: usize = 12;

/// A command's id, and its position where it was done.
type Told = (Uuid, Option<i64>);

/// 24 writers of two processes on eight streams, and plain inserts of which two in three are taken back.
async fn a_storm(record: &Record) -> Vec<Told> {
    let pages: Arc<Vec<MatchId>> = Arc::new((0..8).map(|_| fresh_id().into()).collect());
    let owner: UserId = fresh_id().into();
    let processes = [record.store.clone(), record.beside()];
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, pages) = (processes[writer % 2].clone(), Arc::clone(&pages));
        writers.spawn(async move {
            let mut told = Vec::new();
            for turn in 0..COMMANDS {
                let (page, command) = (pages[(writer + turn) % pages.len()], fresh_id());
                match sees(&store, owner, page, command).await {
                    Ok(receipt) => told.push((command, Some(receipt.position))),
                    Err(ExecuteError::Conflict) => told.push((command, None)),
                    Err(fault) => panic!("{fault}"),
                }
            }
            told
        });
    }
    for _ in 0..3 {
        let pool = record.pool.clone();
        writers.spawn(async move {
            for turn in 0..COMMANDS {
                let mut tx = pool.begin().await.unwrap();
                plain_insert(&mut tx, &fresh_id().to_string()).await;
                if turn % 3 == 0 {
                    tx.commit().await.unwrap();
                } else {
                    tx.rollback().await.unwrap();
                }
            }
            Vec::new()
        });
    }
    writers.join_all().await.concat()
}

async fn plain_insert(connection: &mut PgConnection, stream: &str) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('plain', $1, 1, 'Noted', '1', '{}', '{}'), ('plain', $1, 2, 'Noted', '1', '{}', '{}')",
    )
    .bind(stream)
    .execute(connection)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_24_writers_were_told_stands_in_a_log_without_a_gap() {
    // I1, I2
    let record = Record::fresh().await;
    let told = a_storm(&record).await;
    let done = told.iter().filter(|(_, place)| place.is_some()).count();
    for (command, place) in &told {
        assert_eq!(record.of_command(*command).await, Vec::from_iter(*place));
    }
    let plain = 3 * COMMANDS.div_ceil(3) * 2;
    assert_eq!(
        record.is_whole().await,
        i64::try_from(done + plain).unwrap()
    );
    println!("{done} of {} commands done at once", told.len());
    assert!(done * 2 > told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_follows_24_writers_misses_nothing() {
    // I7: by identity instead of position such a reader lost a quarter of the events
    let record = Record::fresh().await;
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(follow(record.pool.clone(), Arc::clone(&over)));
    a_storm(&record).await;
    over.store(true, Ordering::SeqCst);
    let read = reader.await.unwrap();
    let all: Vec<i64> = (1..=record.is_whole().await).collect();
    assert_eq!(read, all);
}

async fn follow(pool: PgPool, over: Arc<AtomicBool>) -> Vec<i64> {
    let mut read: Vec<i64> = Vec::new();
    loop {
        let last_look = over.load(Ordering::SeqCst);
        let next: Vec<i64> = sqlx::query_scalar(
            "SELECT position FROM events WHERE position > $1 ORDER BY position LIMIT 7",
        )
        .bind(read.last().copied().unwrap_or_default())
        .fetch_all(&pool)
        .await
        .unwrap();
        if next.is_empty() && last_look {
            return read;
        }
        read.extend(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_sent_a_hundred_times_is_done_once_and_answered_a_hundred_times_alike() {
    // I1
    let record = Record::fresh().await;
    let (member, command) = (UserId(fresh_id()), fresh_id());
    let stores = [record.store.clone(), record.beside()];
    let mut tries = JoinSet::new();
    for n in 0..100 {
        let store = stores[n % 2].clone();
        tries.spawn(async move { joins(&store, member, "ana@example.test", command).await });
        if n % 5 == 0 {
            // Others write meanwhile: the answer must not be "wherever the log is now".
            let store = stores[0].clone();
            let by_others = sees(&store, fresh_id().into(), fresh_id().into(), fresh_id());
            by_others.await.unwrap();
        }
    }
    let answers: Vec<_> = tries.join_all().await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 100);
    let places = record.of_command(command).await;
    assert_eq!(places.len(), 3, "registered, and two consents");
    assert!(answers.iter().all(|answer| answer.position == places[2]));
    let first = answers.iter().filter(|answer| !answer.already_done);
    assert_eq!(first.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_would_be_refused_because_it_was_done_is_answered_as_done() {
    let record = Record::fresh().await;
    let (owner, command) = (UserId(fresh_id()), fresh_id());
    let start = |scan: ScanId| {
        ScanCommand::Start(StartScan {
            owner,
            scan_id: scan,
            kind: ScanKind::ImageScan,
            target: None,
            images: vec![],
            started_at: chrono::DateTime::UNIX_EPOCH,
        })
    };
    let slot = ScanSlot::id(owner, ScanKind::ImageScan);
    let execute = |scan: ScanId, command| {
        let store = record.store.clone();
        let why = by(owner, command);
        async move { store.execute::<ScanSlot>(slot, start(scan), why).await }
    };
    let scan = ScanId(fresh_id());
    let first = execute(scan, command).await.unwrap();
    let again = execute(scan, command).await.unwrap();
    assert_eq!(
        (again.position, again.already_done),
        (first.position, true),
        "the same command"
    );
    let other = execute(fresh_id().into(), fresh_id()).await;
    assert!(matches!(other, Err(ExecuteError::Refused(_))), "{other:?}");
    assert_eq!(record.is_whole().await, 1);
}

/// Waits until so many appends wait for the lock.
async fn waiting_appends(pool: &PgPool, wanted: i64) {
    until("appends wait for the lock", || async {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        waiting == wanted
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_change_one_thing_at_once_both_come_in() {
    let record = Record::fresh().await;
    let member = UserId(fresh_id());
    let joined = joins(&record.store, member, "ana@example.test", fresh_id()).await;
    joined.unwrap();
    let mut lock = record.pool.begin().await.unwrap();
    plain_insert(&mut lock, "in the way").await;
    let other = record.beside();
    let one = tokio::spawn({
        let store = record.store.clone();
        async move { says(&store, member, Purpose::FaceSearch, true, fresh_id()).await }
    });
    let two = tokio::spawn(async move {
        says(&other, member, Purpose::AccountMonitoring, true, fresh_id()).await
    });
    // Both have read the stream at the same version: one of them must collide.
    waiting_appends(&record.pool, 2).await;
    lock.rollback().await.unwrap();
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one.position + two.position, 4 + 5);
    let ana: User = record.store.load(member.0).await.unwrap();
    assert!(Purpose::ALL.iter().all(|purpose| ana.agrees_to(*purpose)));
    assert_eq!(record.is_whole().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_takes_a_stream_for_a_new_one_decides_again_on_what_it_holds() {
    // I2: nothing is decided on a state that the stream is not in.
    let record = Record::fresh().await;
    let (owner, page) = (UserId(fresh_id()), MatchId(fresh_id()));
    sees(&record.store, owner, page, fresh_id()).await.unwrap();
    let again = MatchCommand::Record(Box::new(RecordMatch {
        scan_id: ScanId(fresh_id()),
        ..a_match(owner, page, &format!("https://gallery.example.test/{page}"))
    }));
    let other = record.beside();
    let command = fresh_id();
    let seen = other.execute::<Match>(page.0, again.clone(), by(owner, command));
    assert!(!seen.await.unwrap().already_done);
    let types: Vec<String> = sqlx::query_scalar("SELECT event_type FROM events ORDER BY position")
        .fetch_all(&record.pool)
        .await
        .unwrap();
    assert_eq!(types, ["MatchFound", "MatchSeenAgain"]);
    // A third process gets the same command once more, and nothing but the first answer.
    let third = record.beside();
    let told = third.execute::<Match>(page.0, again, by(owner, command));
    let told = told.await.unwrap();
    assert_eq!((told.position, told.already_done), (2, true));
    assert_eq!(record.is_whole().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_leaves_nothing() {
    let record = Record::fresh().await;
    let nobody = UserId(fresh_id());
    let refused = says(&record.store, nobody, Purpose::FaceSearch, true, fresh_id()).await;
    assert!(matches!(
        refused,
        Err(ExecuteError::Refused(UserRefusal::Unknown))
    ));
    assert_eq!(record.is_whole().await, 0);
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM keys.subject_keys")
        .fetch_one(&record.pool)
        .await
        .unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_commands_conflict_does_not_touch_its_neighbours_in_the_batch() {
    let record = Record::fresh().await;
    let done = record.holds(1).await;
    let earlier: Uuid = sqlx::query_scalar("SELECT command_id FROM events")
        .fetch_one(&record.pool)
        .await
        .unwrap();
    assert!(!done.0.is_nil());
    // Four commands: two good ones around one that comes too late and one that was done before.
    let (base, done, stale): (i64, Vec<Option<i64>>, Vec<bool>) = sqlx::query_as(
        "SELECT base, done, stale FROM append_batch(
           array[gen_random_uuid(), gen_random_uuid(), $1, gen_random_uuid()],
           array['a', 'b', 'c', 'd'], array['1', '1', '1', '1'], array[1, 2, 1, 1],
           array[1, 1, 2, 3, 4], array[1, 2, 2, 1, 1],
           array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()],
           array['E', 'E', 'E', 'E', 'E'], array['1', '1', '1', '1', '1'],
           array['{}', '{}', '{}', '{}', '{}'], array['{}', '{}', '{}', '{}', '{}'], false)",
    )
    .bind(earlier)
    .fetch_one(&record.pool)
    .await
    .unwrap();
    assert_eq!((base, done), (1, vec![None, None, Some(1), None]));
    assert_eq!(stale, [false, true, false, false]);
    let written: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT aggregate_type, sequence, position FROM events WHERE position > 1 ORDER BY position",
    )
    .fetch_all(&record.pool)
    .await
    .unwrap();
    let at = |noun: &str, sequence, position| (noun.to_owned(), sequence, position);
    assert_eq!(written, [at("a", 1, 2), at("a", 2, 3), at("d", 1, 4)]);
    assert_eq!(record.is_whole().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_queue_up_are_written_together() {
    let record = Record::fresh().await;
    let mut lock = record.pool.begin().await.unwrap();
    plain_insert(&mut lock, "in the way").await;
    let owner = UserId(fresh_id());
    let mut writers = JoinSet::new();
    for _ in 0..200 {
        let store = record.store.clone();
        writers.spawn(async move { sees(&store, owner, fresh_id().into(), fresh_id()).await });
    }
    waiting_appends(&record.pool, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock.rollback().await.unwrap();
    assert!(writers.join_all().await.iter().all(Result::is_ok));
    // One statement has one time.
    let statements: i64 = sqlx::query_scalar("SELECT count(DISTINCT recorded_at) FROM events")
        .fetch_one(&record.pool)
        .await
        .unwrap();
    println!("200 commands in {statements} statements");
    assert!(statements < 100);
    assert_eq!(record.is_whole().await, 200);
    assert_eq!(*record.store.head().borrow(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_many_events_is_one_piece() {
    let record = Record::fresh().await;
    let mut members = JoinSet::new();
    for store in [record.store.clone(), record.beside()]
        .iter()
        .cycle()
        .take(30)
    {
        let store: Store = store.clone();
        members.spawn(async move {
            let member = UserId(fresh_id());
            joins(&store, member, "ana@example.test", fresh_id()).await
        });
    }
    assert!(members.join_all().await.iter().all(Result::is_ok));
    assert_eq!(record.is_whole().await, 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_stops_nothing_half_way() {
    // architecture 12a: a dropped request once lost 11 of 200 acknowledged writes of its neighbours
    let record = Record::fresh().await;
    let owner = UserId(fresh_id());
    let mut callers = JoinSet::new();
    for n in 0..120_u64 {
        let store = record.store.clone();
        callers.spawn(async move {
            let command = fresh_id();
            let call = sees(&store, owner, fresh_id().into(), command);
            let patience = Duration::from_micros(n * 997 % 6_000);
            match tokio::time::timeout(patience, call).await {
                Ok(answer) => (command, Some(answer.unwrap().position)),
                Err(_) => (command, None),
            }
        });
    }
    let told = callers.join_all().await;
    let gone = told.iter().filter(|(_, place)| place.is_none()).count();
    println!("{gone} of {} callers went away", told.len());
    until("every command is done all the same", || async {
        let done = sqlx::query_scalar("SELECT count(DISTINCT command_id) FROM events");
        done.fetch_one(&record.pool).await.unwrap_or(0_i64) == 120
    })
    .await;
    assert_eq!(record.is_whole().await, 120);
    for (command, place) in told {
        let places = record.of_command(command).await;
        assert!(place.is_none_or(|place| places == [place]));
    }
}
