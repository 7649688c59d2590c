//! How far a reader has come: never backwards, one owner at a time.

use crate::support::Record;
use eventstore::checkpoint::{Lease, Pass, Passing};
use eventstore::edge::fresh_id;
use eventstore::{ReadFault, checkpoint};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_begins_at_zero_and_never_moves_backwards() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    assert_eq!(checkpoint::read(&pool, "reader").await.unwrap(), 0);
    for (asked, stands) in [(5, 5), (3, 5), (5, 5), (6, 6)] {
        checkpoint::advance(&pool, "reader", 0, asked)
            .await
            .unwrap();
        assert_eq!(checkpoint::read(&pool, "reader").await.unwrap(), stands);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_the_second_waits_and_finds_what_the_first_did() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    let mut first = pool.begin().await.unwrap();
    assert_eq!(
        checkpoint::hold(&mut first, "reader")
            .await
            .unwrap()
            .position,
        0
    );
    let second = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            checkpoint::hold(&mut tx, "reader").await.unwrap()
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished());
    checkpoint::move_to(&mut first, "reader", 7).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap().position, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_of_several_readers_is_zero_while_one_has_not_begun() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    checkpoint::advance(&pool, "a", 0, 5).await.unwrap();
    checkpoint::advance(&pool, "b", 0, 9).await.unwrap();
    for (names, least) in [
        (&["a", "b"][..], 5),
        (&["b"], 9),
        (&["a", "b", "c"], 0),
        (&[], 0),
    ] {
        assert_eq!(checkpoint::least(&pool, names).await.unwrap(), least);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_leads_a_reader_until_it_is_silent_or_gives_it_back() {
    let record = Record::fresh().await;
    let (pool, one, two) = (record.pool.clone(), fresh_id(), fresh_id());
    let lead = |who| {
        let mut lease = Lease::new(pool.clone(), "reader", who);
        async move { lease.renew().await }
    };
    assert_eq!(lead(one).await.unwrap(), Some(1));
    assert_eq!(lead(one).await.unwrap(), Some(1), "renewed");
    assert_eq!(lead(two).await.unwrap(), None);
    checkpoint::release(&pool, one).await.unwrap();
    assert_eq!(lead(two).await.unwrap(), Some(2), "given back");
    assert_eq!(lead(one).await.unwrap(), None);
    tokio::time::sleep(checkpoint::LEASE + Duration::from_millis(300)).await;
    assert_eq!(lead(one).await.unwrap(), Some(3), "it fell silent");
    // Whoever still believes to lead sees another term in its next transaction.
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(checkpoint::hold(&mut tx, "reader").await.unwrap().term, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_stops_where_the_log_no_longer_holds_what_it_saw() {
    // I10: a promoted standby or an old backup gave the same positions to other events.
    let record = Record::fresh().await;
    record.holds(5).await;
    checkpoint::advance(&record.pool, "reader", 0, 5)
        .await
        .unwrap();
    assert_eq!(checkpoint::resume(&record.pool, "reader").await.unwrap(), 5);
    for lost in [
        "DELETE FROM events WHERE position = 5",
        "UPDATE events SET event_id = gen_random_uuid() WHERE position = 4; UPDATE checkpoints SET position = 4",
    ] {
        for statement in lost.split("; ") {
            record.tampered(statement).await;
        }
        let fault = checkpoint::resume(&record.pool, "reader")
            .await
            .unwrap_err();
        assert!(matches!(fault, ReadFault::Diverged { .. }));
        assert!(
            fault.to_string().contains("When the log lost its tail"),
            "{fault}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_moved_to_another_server_and_holds_everything_is_read_on() {
    let record = Record::fresh().await;
    record.holds(5).await;
    checkpoint::advance(&record.pool, "reader", 0, 5)
        .await
        .unwrap();
    checkpoint::resume(&record.pool, "reader").await.unwrap();
    sqlx::query("UPDATE log_epoch SET epoch = gen_random_uuid()")
        .execute(&record.pool)
        .await
        .unwrap();
    assert_eq!(checkpoint::resume(&record.pool, "reader").await.unwrap(), 5);
    let (was, now): (String, String) =
        sqlx::query_as("SELECT log, log_identity() FROM checkpoints WHERE name = 'reader'")
            .fetch_one(&record.pool)
            .await
            .unwrap();
    assert_eq!(was, now);
    assert_eq!(now.split('/').count(), 3, "system, timeline, epoch");
}

/// What moves a reader to an event of the log; nine are there.
async fn from_to(record: &Record, name: &'static str, from: i64, to: i64, term: i64) -> Pass {
    let event = record.log().read_after(to - 1, 1).await.unwrap().remove(0);
    Pass {
        name,
        from,
        to,
        event_id: event.event_id,
        term,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_ask_at_once_are_moved_each_for_itself() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    record.holds(9).await;
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        let mut lease = Lease::new(pool.clone(), name, fresh_id());
        assert_eq!(lease.renew().await.unwrap(), Some(1));
        checkpoint::advance(&pool, name, 0, 5).await.unwrap();
    }
    let passing = Passing::begin(pool.clone());
    let mut asked = tokio::task::JoinSet::new();
    // One stands elsewhere, one was taken over since, one was never heard of; the others have nothing to do with that.
    for (name, from, to, term) in [
        ("a", 5, 8, 1),
        ("b", 4, 8, 1),
        ("c", 5, 8, 2),
        ("d", 5, 9, 1),
        ("nobody", 0, 8, 1),
    ] {
        let pass = from_to(&record, name, from, to, term).await;
        let passing = passing.clone();
        asked.spawn(async move { (pass.name, passing.pass(pass).await) });
    }
    let mut told = asked.join_all().await;
    told.sort_unstable();
    let expected = [("a", true), ("b", false), ("c", false), ("d", true)];
    assert_eq!(told[..4], expected);
    assert_eq!(told[4], ("nobody", false));
    for (name, stands) in names.into_iter().zip([8, 5, 5, 9, 5]) {
        let position = checkpoint::read(&pool, name).await.unwrap();
        assert_eq!(position, stands, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_held_is_not_moved_and_keeps_no_other_waiting() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    record.holds(9).await;
    for name in ["held", "free"] {
        let mut lease = Lease::new(pool.clone(), name, fresh_id());
        lease.renew().await.unwrap();
    }
    let mut holder = pool.begin().await.unwrap();
    checkpoint::hold(&mut holder, "held").await.unwrap();
    let passing = Passing::begin(pool.clone());
    let held = from_to(&record, "held", 0, 3, 1).await;
    let free = from_to(&record, "free", 0, 3, 1).await;
    let (held, free) = tokio::join!(passing.pass(held), passing.pass(free));
    assert_eq!((held, free), (false, true));
    checkpoint::move_to(&mut holder, "held", 7).await.unwrap();
    holder.commit().await.unwrap();
    let late = from_to(&record, "held", 0, 3, 1).await;
    assert!(!passing.pass(late).await);
    assert_eq!(checkpoint::read(&pool, "held").await.unwrap(), 7);
    assert_eq!(checkpoint::read(&pool, "free").await.unwrap(), 3);
    // Without a database nobody is moved, and nobody waits for ever.
    let next = from_to(&record, "free", 3, 4, 1).await;
    pool.close().await;
    assert!(!passing.pass(next).await);
}
