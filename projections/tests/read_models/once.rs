//! Each event counts once, however often and in whatever pieces it is handed over.

use crate::generations::quietly;
use crate::models::{Model, all_shown};
use crate::story::{Member, a_whole_story};
use crate::support::{Database, World, shown, until};
use domain::user::Purpose;
use embedded::testing;
use eventstore::bus::Bus;
use eventstore::edge::fresh_id;
use eventstore::feed::Tail;
use eventstore::partitions::Partitions;
use eventstore::{Log, ReadFault};
use projections::check::check;
use projections::projector::ProjectFault;
use projections::streams::Streams;
use std::slice;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_twice_in_whole_or_in_part_counts_once() {
    // I3
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    a_whole_story(&world, "eva@example.test").await;
    let (events, vault) = (world.events().await, world.store.vault());
    all_shown(&world.pool, vault, &events).await;
    let once = shown(&world.pool).await;
    assert!(once.values().all(|rows| !rows.is_empty()), "{once:?}");
    let last = i64::try_from(events.len()).unwrap();
    for model in Model::ALL {
        for batch in [&events[..], &events[..1], &events[10..30]] {
            let position = model.apply(&world.pool, vault, batch).await.unwrap();
            assert_eq!(position, last, "{model:?}");
        }
    }
    assert_eq!(shown(&world.pool).await, once);
    // Elsewhere in pieces that overlap, and one by one.
    for (size, step) in [(7, 4), (1, 1)] {
        let other = Database::fresh().await;
        for model in Model::ALL {
            for start in (0..events.len()).step_by(step) {
                let end = events.len().min(start + size);
                let batch = &events[start..end];
                model.apply(&other.pool, vault, batch).await.unwrap();
            }
        }
        assert_eq!(shown(&other.pool).await, once);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_batch_is_no_fault() {
    let world = World::fresh().await;
    for model in Model::ALL {
        let position = model.apply(&world.pool, world.store.vault(), &[]).await;
        assert_eq!(position.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_a_gap_is_refused_and_changes_nothing() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (events, vault) = (world.events().await, world.store.vault());
    for model in Model::ALL {
        model
            .apply(&world.pool, vault, &events[..10])
            .await
            .unwrap();
    }
    let before = shown(&world.pool).await;
    let with_a_hole = [&events[10..20], &events[21..]].concat();
    for (batch, missing) in [(&events[11..], 11), (&with_a_hole[..], 21)] {
        for model in Model::ALL {
            let fault = model.apply(&world.pool, vault, batch).await.unwrap_err();
            assert!(
                matches!(fault, ProjectFault::Read(ReadFault::Gap { position }) if position == missing),
                "{model:?}: {fault}"
            );
            assert_eq!(model.position(&world.pool).await, 10);
        }
    }
    assert_eq!(shown(&world.pool).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_dies_in_its_transaction_leaves_nothing_and_the_next_goes_on() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (events, vault) = (world.events().await, world.store.vault().clone());
    let other = Database::fresh().await;
    let nothing = shown(&other.pool).await;
    for model in Model::ALL {
        // Somebody holds the table, so that the owner waits in the middle of its transaction.
        let mut lock = other.pool.begin().await.unwrap();
        let table = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", model.table());
        sqlx::query(&table).execute(&mut *lock).await.unwrap();
        let dying = tokio::spawn({
            let (pool, vault, events) = (other.pool.clone(), vault.clone(), events.clone());
            async move { model.apply(&pool, &vault, &events).await }
        });
        crate::support::until("the owner waits", || async {
            let waiting = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND database =
                   (SELECT oid FROM pg_database WHERE datname = current_database())",
            );
            waiting.fetch_one(&other.pool).await.unwrap_or(0_i64) == 1
        })
        .await;
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled());
        lock.rollback().await.unwrap();
        assert_eq!(model.position(&other.pool).await, 0, "{model:?}");
    }
    assert_eq!(shown(&other.pool).await, nothing);
    all_shown(&other.pool, &vault, &events).await;
    all_shown(&world.pool, &vault, &events).await;
    assert_eq!(shown(&other.pool).await, shown(&world.pool).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_applied_after_the_log_lost_what_the_rows_show() {
    // I10: the next event follows by its number, but upon another history.
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.says(Purpose::FaceSearch, true, 1).await;
    ana.looks().await;
    let last = Model::Users.position(&world.pool).await;
    let mut tx = world.pool.begin().await.unwrap();
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "UPDATE events SET event_id = gen_random_uuid() WHERE position = (SELECT max(position) FROM events)",
        "ALTER TABLE events ENABLE TRIGGER USER",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    ana.says(Purpose::FaceSearch, false, 2).await;
    let mut newest = world.events().await;
    newest.retain(|event| event.position > last);
    let fault = Model::Users
        .apply(&world.pool, world.store.vault(), &newest)
        .await;
    let fault = fault.unwrap_err().to_string();
    assert!(fault.contains("When the log lost its tail"), "{fault}");
    assert_eq!(Model::Users.position(&world.pool).await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_tells_of_and_the_log_lost_is_never_shown() {
    // I10: one read model would count the stream, the other would pass the event by.
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let started = tokio::task::spawn_blocking(testing::nats);
    let nats = started.await.unwrap();
    let bus = Bus::connect(&nats.url()).await.unwrap();
    bus.prepare().await.unwrap();
    let (tail, log) = (Tail::follow(bus.clone()), Log::new(world.pool.clone()));
    let models = [Model::Streams, Model::Alerts];
    let runs = |model: Model| model.runs(world.pool.clone(), world.vault(), tail.feed(log.clone()));
    let running = models.map(runs);
    let events = world.events().await;
    let last = i64::try_from(events.len()).unwrap();
    let stand_at = |position| {
        let pool = &world.pool;
        async move {
            models[0].position(pool).await == position && models[1].position(pool).await == position
        }
    };
    until("they are current", || stand_at(last)).await;
    let before = shown(&world.pool).await;
    let mut lost = events.last().unwrap().clone();
    (lost.position, lost.sequence) = (last + 1, 1);
    // Again and again: when the tail begins to listen nobody tells.
    for _ in 0..15 {
        (lost.event_id, lost.stream) = (fresh_id(), fresh_id().to_string());
        let mut partitions = Partitions::after(&log, last).await.unwrap();
        bus.publish(slice::from_ref(&lost), &mut partitions)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(stand_at(last).await);
    assert_eq!(shown(&world.pool).await, before);
    ana.says(Purpose::FaceSearch, true, 1).await;
    until("they show what did happen", || stand_at(last + 1)).await;
    running.iter().for_each(tokio::task::JoinHandle::abort);
    let (pool, vault) = (&world.pool, world.store.vault());
    let told = check::<Streams>(pool, vault, &quietly()).await.unwrap();
    assert_eq!(told.diverges_at, None);
}
