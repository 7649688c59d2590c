//! Two owners of one read model: a rolling restart, or a mistake. Each event is applied once.

use crate::models::{Model, all_shown};
use crate::story::a_whole_story;
use crate::support::{Database, World, shown, until};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn owners_that_apply_the_same_batches_at_once_apply_each_event_once() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let events = world.events().await;
    let other = Database::fresh().await;
    let mut owners = JoinSet::new();
    for model in Model::ALL {
        for owner in 0..3_usize {
            let (pool, vault, events) = (other.pool.clone(), world.vault(), events.clone());
            owners.spawn(async move {
                let mut position = 0;
                // Each cuts the log its own way, and goes on from wherever the read model is.
                while position < events.len() {
                    let end = events.len().min(position + 3 + owner);
                    let batch = &events[position.saturating_sub(owner)..end];
                    let reached = model.apply(&pool, &vault, batch).await.unwrap();
                    position = usize::try_from(reached).unwrap();
                }
            });
        }
    }
    owners.join_all().await;
    all_shown(&world.pool, world.store.vault(), &events).await;
    assert_eq!(shown(&other.pool).await, shown(&world.pool).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_running_projectors_of_each_read_model_do_the_work_of_one() {
    let world = World::fresh().await;
    let mut running = Vec::new();
    for model in Model::ALL {
        for _ in 0..2 {
            let feed = world.feed().await;
            running.push(model.runs(world.pool.clone(), world.vault(), feed));
        }
    }
    a_whole_story(&world, "ana@example.test").await;
    a_whole_story(&world, "eva@example.test").await;
    let events = world.events().await;
    let last = i64::try_from(events.len()).unwrap();
    for model in Model::ALL {
        until("the read model is current", || async {
            model.position(&world.pool).await == last
        })
        .await;
    }
    let other = Database::fresh().await;
    all_shown(&other.pool, world.store.vault(), &events).await;
    assert_eq!(shown(&world.pool).await, shown(&other.pool).await);
    running.iter().for_each(tokio::task::JoinHandle::abort);
}
