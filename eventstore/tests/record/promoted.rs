//! I10 on real servers: a base backup in the place of its primary, and a standby promoted without the newest events.

use crate::bus::{heard, relay, state};
use crate::cluster::Cluster;
use crate::said::Said;
use crate::subscription::Notes;
use crate::support::{Record, nats, sees, until};
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::feed::Tail;
use eventstore::work::Attempt;
use eventstore::{Log, Opened, ReadFault, Store, audit, checkpoint, prover, subscription};
use sqlx::PgPool;
use std::path::PathBuf;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::instrument::WithSubscriber as _;
use uuid::Uuid;

const READER: &str = "reader";
/// All who stand somewhere in the log.
const NAMES: [&str; 3] = [eventstore::relay::NAME, prover::NAME, READER];

/// A relay, a prover and a passing reader, as processes run them.
struct Readers {
    read: Notes,
    said: Said,
    running: [JoinHandle<()>; 3],
}

impl Readers {
    /// They read on a database; the passing reader stays within an event beyond the gate until it is opened.
    async fn begin(record: &Record, store: &Store, bus: &str, gate: &watch::Sender<i64>) -> Self {
        let (read, said, pool) = (Notes::default(), Said::default(), store.database().clone());
        let tail = Tail::follow(Bus::connect(bus).await.unwrap());
        let (notes, gate) = (read.clone(), gate.subscribe());
        let work = move |event: Opened| {
            let mut gate = gate.clone();
            notes.take(&event);
            async move {
                let is_open = |open: &i64| event.recorded.position <= *open;
                gate.wait_for(is_open).await.map(drop).unwrap();
                Attempt::Done
            }
        };
        let feed = tail.feed(Log::new(pool.clone()));
        let reads = subscription::run(store.clone(), READER, feed, work);
        let proves = prover::run(pool, place(record), store.head());
        let running = [
            relay(store, bus).await,
            tokio::spawn(reads.with_subscriber(said.clone())),
            tokio::spawn(proves.with_subscriber(said.clone())),
        ];
        Self {
            read,
            said,
            running,
        }
    }

    fn end(self) {
        self.running.iter().for_each(JoinHandle::abort);
    }

    async fn have_read(&self, events: &[Uuid]) {
        until("the reader has read on", || async {
            self.read.ids().len() >= events.len()
        })
        .await;
        assert_eq!(self.read.ids(), events);
    }
}

fn place(record: &Record) -> prover::Place {
    prover::Place {
        folder: record.folder.path().join("ledger"),
        key: record.folder.path().join("ledger.key"),
    }
}

fn signed(record: &Record) -> Vec<u8> {
    std::fs::read(place(record).folder.join("checkpoint")).unwrap_or_default()
}

/// How many events were signed last; their root is that of the log.
async fn is_proved(record: &Record, size: i64) -> bool {
    let note = String::from_utf8(signed(record)).unwrap();
    let Ok(key) = prover::verifier(&record.pool, &place(record).key).await else {
        return false;
    };
    let Ok(checkpoint) = key.open(&note) else {
        return false;
    };
    let replayed = audit::replay(&record.pool, &record.vault(), size, 0, |_| {}).await;
    let root = replayed.unwrap().root;
    checkpoint.size == size.unsigned_abs() && root == Some(checkpoint.root)
}

async fn stand_at(pool: &PgPool, position: i64) {
    for name in NAMES {
        until("they have come so far", || async {
            checkpoint::read(pool, name).await.unwrap() == position
        })
        .await;
    }
}

async fn events(pool: &PgPool) -> Vec<Uuid> {
    let all = sqlx::query_scalar("SELECT event_id FROM events ORDER BY position");
    all.fetch_all(pool).await.unwrap()
}

async fn identity(pool: &PgPool) -> String {
    let asked = sqlx::query_scalar("SELECT log_identity()");
    asked.fetch_one(pool).await.unwrap()
}

async fn bus_tells_of_the_log(record: &Record, bus: &str) {
    until(
        "the bus tells what the log says, and nothing else",
        || async {
            let log = record.log().read_after(0, 100).await.unwrap();
            let heard = heard(bus).await;
            heard.into_iter().map(|heard| heard.event).eq(log)
        },
    )
    .await;
}

/// Other events than those that were lost, under their positions and beyond.
async fn goes_on(store: &Store) {
    let owner = fresh_id().into();
    for _ in 0..4 {
        let page = fresh_id().into();
        sees(store, owner, page, fresh_id()).await.unwrap();
    }
}

/// Four events that a backup holds, and two that it does not.
async fn backed_up(cluster: &Cluster, record: &Record) -> PathBuf {
    record.holds(4).await;
    stand_at(&record.pool, 4).await;
    let backup = cluster.backup(&record.pool, "backup").await;
    record.holds(2).await;
    backup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_in_the_place_of_its_primary_is_read_on_and_only_the_proof_waits_for_somebody() {
    let (mut cluster, record) = Cluster::begin().await;
    let (nats, open) = (nats().await, watch::Sender::new(i64::MAX));
    let before = Readers::begin(&record, &record.store, &nats.url(), &open).await;
    let backup = backed_up(&cluster, &record).await;
    stand_at(&record.pool, 6).await;
    until("all are signed", || is_proved(&record, 6)).await;
    let (was, last) = (identity(&record.pool).await, signed(&record));
    let (_, made) = state(&nats.url()).await.unwrap();
    before.end();
    cluster.kill();
    cluster.restore(&backup);
    // The checkpoints went back with the log. It is the same server in the same timeline: only the ids of events tell.
    assert_eq!(record.log().head().await.unwrap(), 4);
    assert_eq!(identity(&record.pool).await, was);
    for name in NAMES {
        let position = checkpoint::resume(&record.pool, name).await.unwrap();
        assert_eq!(position, 4, "{name}");
    }
    goes_on(&record.store).await;
    let after = Readers::begin(&record, &record.store, &nats.url(), &open).await;
    after.have_read(&events(&record.pool).await[4..]).await;
    bus_tells_of_the_log(&record, &nats.url()).await;
    assert_ne!(state(&nats.url()).await.unwrap().1, made, "a fresh stream");
    after
        .said
        .until("the log is not the one that was signed")
        .await;
    after.said.until("When the log lost its tail").await;
    assert_eq!(signed(&record), last);
    assert_eq!(
        checkpoint::read(&record.pool, prover::NAME).await.unwrap(),
        4
    );
    after.end();
    // The way on (docs/operating.md): the old tree is evidence, the new one is built from the log under the same key.
    let evidence = record.folder.path().join("ledger.lost");
    std::fs::rename(place(&record).folder, &evidence).unwrap();
    let again = Readers::begin(&record, &record.store, &nats.url(), &open).await;
    until("the log is proved again", || is_proved(&record, 8)).await;
    stand_at(&record.pool, 8).await;
    assert_eq!(std::fs::read(evidence.join("checkpoint")).unwrap(), last);
    assert!(again.read.ids().is_empty(), "nothing is read twice");
    again.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_run_over_a_restore_do_nothing_of_what_is_gone_and_leave_nothing_out() {
    // The reader stays within the fourth event, so that the lost ones wait in its feed.
    over_a_restore(3, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_read_what_is_gone_and_run_over_a_restore_leave_nothing_out() {
    over_a_restore(i64::MAX, 6).await;
}

/// All run on while the server at their address is another one. The reader has read so many events before.
async fn over_a_restore(open: i64, read: usize) {
    let (mut cluster, record) = Cluster::begin().await;
    let (nats, gate) = (nats().await, watch::Sender::new(open));
    let running = Readers::begin(&record, &record.store, &nats.url(), &gate).await;
    record.holds(4).await;
    until("it has read four", || async {
        running.read.ids().len() == 4
    })
    .await;
    until("all are signed", || is_proved(&record, 4)).await;
    let backup = cluster.backup(&record.pool, "backup").await;
    record.holds(2).await;
    until("all are signed", || is_proved(&record, 6)).await;
    until("it has read them", || async {
        running.read.ids().len() == read
    })
    .await;
    let (last, before) = (signed(&record), running.read.ids());
    cluster.kill();
    // The new events are there before anybody looks: readers wait for a connection, and not for a fault.
    let elsewhere = cluster.beside(&backup);
    goes_on(&record.moved_to(&elsewhere.url).await).await;
    elsewhere.stop();
    cluster.restore(&backup);
    gate.send_replace(i64::MAX);
    let there = events(&record.pool).await;
    assert_eq!((there.len(), &there[..4]), (8, &before[..4]));
    running
        .have_read(&[&before[..], &there[4..]].concat())
        .await;
    bus_tells_of_the_log(&record, &nats.url()).await;
    running
        .said
        .until("the log is not the one that was signed")
        .await;
    assert_eq!(signed(&record), last);
    running.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_saw_what_a_promoted_standby_lost_is_refused_and_any_other_goes_on() {
    let (mut cluster, mut record) = Cluster::begin().await;
    let (nats, open) = (nats().await, watch::Sender::new(i64::MAX));
    let before = Readers::begin(&record, &record.store, &nats.url(), &open).await;
    record.holds(2).await;
    let backup = cluster.backup(&record.pool, "standby").await;
    let standby = cluster.standby(&record.pool, &backup).await;
    record.holds(2).await;
    stand_at(&record.pool, 4).await;
    let promoted = record.moved_to(&standby.url).await;
    until("it replayed them", || async {
        let asked = "SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication";
        let replayed: Option<bool> = sqlx::query_scalar(asked)
            .fetch_optional(&record.pool)
            .await
            .unwrap()
            .flatten();
        replayed == Some(true) && events(promoted.database()).await.len() == 4
    })
    .await;
    for cut in [
        "ALTER ROLE follower NOLOGIN",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_replication",
    ] {
        sqlx::query(cut).execute(&record.pool).await.unwrap();
    }
    record.holds(2).await;
    stand_at(&record.pool, 6).await;
    until("all are signed", || is_proved(&record, 6)).await;
    let (was, last) = (identity(&record.pool).await, signed(&record));
    let lost = record.log().read_after(5, 1).await.unwrap().remove(0);
    before.end();
    cluster.kill();
    promote(&mut record, &promoted, &standby.url, &was).await;
    let said = Said::default();
    let resumed = checkpoint::resume(&record.pool, READER).with_subscriber(said.clone());
    assert_eq!(resumed.await.unwrap(), 4);
    said.until("the log moved to another server; it holds what was read")
        .await;
    let fault = checkpoint::stands(&record.pool, READER, 0, &lost).await;
    let fault = fault.unwrap_err();
    assert!(matches!(fault, ReadFault::Diverged { position: 6, .. }));
    goes_on(&record.store).await;
    let after = Readers::begin(&record, &record.store, &nats.url(), &open).await;
    after.have_read(&events(&record.pool).await[4..]).await;
    bus_tells_of_the_log(&record, &nats.url()).await;
    after
        .said
        .until("the log is not the one that was signed")
        .await;
    assert_eq!(signed(&record), last);
    after.end();
    // Before its server.
    drop(record);
}

/// Another timeline of the same log.
async fn promote(record: &mut Record, promoted: &Store, url: &str, was: &str) {
    let pool = promoted.database().clone();
    let (before, after) = was.split_once("/00000001/").unwrap();
    assert_eq!(identity(&pool).await, format!("{before}/standby/{after}"));
    let done = sqlx::query_scalar("SELECT pg_promote(true, 30)");
    assert!(done.fetch_one(&pool).await.is_ok_and(|done: bool| done));
    assert_eq!(identity(&pool).await, format!("{before}/00000002/{after}"));
    (record.url, record.pool, record.store) = (url.to_owned(), pool, promoted.clone());
}
