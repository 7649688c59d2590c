//! What is kept current while things happen equals what is built anew from the log.

use crate::models::{Model, all_shown};
use crate::story::a_whole_story;
use crate::support::{Database, World, shown, until};
use embedded::testing;
use eventstore::bus::Bus;
use eventstore::feed::Tail;
use eventstore::relay::Relay;
use eventstore::{Log, checkpoint};
use projections::READ_MODELS;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_equal_those_rebuilt_in_another_database_row_by_row() {
    // I3, with a bus that dies in the middle
    let world = World::fresh().await;
    let started = tokio::task::spawn_blocking(testing::nats);
    let nats = Arc::new(started.await.unwrap());
    let bus = Bus::connect(&nats.url()).await.unwrap();
    let relay = Relay::new(world.pool.clone(), bus.clone(), world.store.head());
    let relay = tokio::spawn(relay.run());
    let tail = Tail::follow(bus);
    let live = projections::run_all(&world.pool, &world.pool, world.store.vault(), &tail);
    a_whole_story(&world, "ana@example.test").await;
    let server = Arc::clone(&nats);
    let killed = tokio::task::spawn_blocking(move || server.kill());
    killed.await.unwrap();
    a_whole_story(&world, "eva@example.test").await;
    let server = Arc::clone(&nats);
    let back = tokio::task::spawn_blocking(move || server.start());
    back.await.unwrap();
    a_whole_story(&world, "zoe@example.test").await;
    let events = world.events().await;
    let last = i64::try_from(events.len()).unwrap();
    until("the read models are current", || async {
        checkpoint::least(&world.pool, &READ_MODELS).await.unwrap() == last
    })
    .await;
    let live_rows = shown(&world.pool).await;
    let other = Database::fresh().await;
    all_shown(&other.pool, world.store.vault(), &events).await;
    let rebuilt = shown(&other.pool).await;
    for (table, rows) in &live_rows {
        assert_eq!(rows, &rebuilt[table], "{table}");
        assert!(rows.len() >= 3, "{table} is hardly used");
    }
    drop(live);
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_depend_on_the_log_alone_and_not_on_when_they_are_made() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let events = world.events().await;
    let (one, two) = (Database::fresh().await, Database::fresh().await);
    all_shown(&one.pool, &world.vault(), &events).await;
    for model in Model::ALL.into_iter().rev() {
        for batch in events.chunks(13) {
            let position = model.apply(&two.pool, &world.vault(), batch).await;
            position.unwrap();
        }
    }
    assert_eq!(shown(&one.pool).await, shown(&two.pool).await);
    assert_eq!(
        Log::new(world.pool.clone()).head().await.unwrap(),
        i64::try_from(events.len()).unwrap()
    );
}
