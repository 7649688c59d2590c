//! Waiting until what she looks at shows her change (FRS-1).

use crate::support::World;
use eventstore::checkpoint::advance;
use projections::READ_MODELS;
use projections::freshness::reached;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn read_models_that_are_there_are_there_at_once() {
    let world = World::fresh().await;
    for name in READ_MODELS {
        advance(&world.pool, name, 0, 7).await.unwrap();
    }
    let begun = Instant::now();
    for position in [0, 6, 7] {
        assert!(reached(&world.pool, &READ_MODELS, position).await.unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
    // Of a thing that nobody waits for, everything is there.
    assert!(reached(&world.pool, &READ_MODELS, 0).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_read_model_that_is_behind_is_waited_for() {
    let world = World::fresh().await;
    advance(&world.pool, READ_MODELS[0], 0, 9).await.unwrap();
    let pool = world.pool.clone();
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        advance(&pool, READ_MODELS[1], 0, 8).await.unwrap();
    });
    let begun = Instant::now();
    assert!(reached(&world.pool, &READ_MODELS[..2], 8).await.unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(250));
    later.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_is_not_waited_for_for_ever() {
    let world = World::fresh().await;
    advance(&world.pool, READ_MODELS[0], 0, 9).await.unwrap();
    let begun = Instant::now();
    // One is one event short, the other has never begun.
    let (one, two) = tokio::join!(
        reached(&world.pool, &READ_MODELS[..1], 10),
        reached(&world.pool, &READ_MODELS[..2], 1)
    );
    assert_eq!((one.unwrap(), two.unwrap()), (false, false));
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(1_700), "{waited:?}");
    assert!(waited < Duration::from_secs(20), "{waited:?}");
}
