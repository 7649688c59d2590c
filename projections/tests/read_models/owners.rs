//! Two owners of one read model: a rolling restart, or a mistake. Each event is applied once.

use crate::models::{Model, all_shown};
use crate::story::{Found, Member, PLAIN, a_whole_story};
use crate::support::{Database, World, shown, until};
use eventstore::edge::fresh_id;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_trusts_no_row_that_it_wrote_before_somebody_else_went_on() {
    // Two projectors of one process share a term; a count that one of them kept would miss what the other added.
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let image = ana.uploads(1, PLAIN).await;
    let running = Model::Images.runs(world.pool.clone(), world.vault(), world.feed().await);
    let found = Found::exact(image, fresh_id().into());
    for n in 0..6 {
        // The running one polls four times a second, so mostly the other one is first here ...
        ana.is_found(fresh_id().into(), found, n).await;
        let batch = world.events().await;
        Model::Images
            .apply(&world.pool, &world.vault(), &batch)
            .await
            .unwrap();
        // ... and the running one does this.
        ana.is_found(fresh_id().into(), found, n).await;
        let last = i64::try_from(batch.len()).unwrap() + 1;
        until("the running one is current", || async {
            Model::Images.position(&world.pool).await == last
        })
        .await;
    }
    running.abort();
    let counted: i32 = sqlx::query_scalar("SELECT match_count FROM read_images")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(counted, 12);
}
