//! An event that cannot be read stops a read model there: what came before is shown, nothing is skipped.

use crate::models::Model;
use crate::story::{Member, a_whole_story};
use crate::support::{Database, World, shown, until};
use domain::user::Purpose;
use eventstore::edge::fresh_id;
use eventstore::{ReadFault, Why};
use projections::projector::ProjectFault;
use projections::users;
use serde_json::json;
use sqlx::Row;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_shape_stops_every_read_model_before_it() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let before = world.events().await;
    let last = i64::try_from(before.len()).unwrap();
    let why = Why::member(ana, fresh_id(), fresh_id());
    let alien = json!({ "MatchWasRestored": { "match_id": fresh_id() } });
    world.records("match", "x", &alien, &why).await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let events = world.events().await;
    let other = Database::fresh().await;
    for model in Model::ALL {
        model
            .apply(&other.pool, world.store.vault(), &before)
            .await
            .unwrap();
        for _ in 0..2 {
            let fault = model
                .apply(&world.pool, world.store.vault(), &events)
                .await
                .unwrap_err();
            let is_told = matches!(
                fault,
                ProjectFault::Read(ReadFault::Unreadable { position, .. }) if position == last + 1
            );
            assert!(is_told, "{model:?}: {fault}");
        }
        assert_eq!(model.position(&world.pool).await, last, "{model:?}");
    }
    // What stands before it in the same batch is shown; what stands after it is not.
    assert_eq!(shown(&world.pool).await, shown(&other.pool).await);
    let found = users::find(&world.pool, eva.id).await.unwrap();
    assert!(found.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_stopped_over_a_lost_key_goes_on_when_the_key_is_back() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.says(Purpose::FaceSearch, true, 1).await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let zoe = Member::joins(&world, "zoe@example.test").await;
    let taken =
        sqlx::query("DELETE FROM keys.subject_keys WHERE subject = $1 RETURNING wrapped, master")
            .bind(eva.id.0)
            .fetch_one(&world.pool)
            .await
            .unwrap();
    let feed = world.feed().await;
    let running = Model::Users.runs(world.pool.clone(), world.vault(), feed);
    until("everything before it is shown", || async {
        Model::Users.position(&world.pool).await == 4
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(Model::Users.position(&world.pool).await, 4);
    assert!(users::find(&world.pool, ana.id).await.unwrap().is_some());
    assert!(users::find(&world.pool, zoe.id).await.unwrap().is_none());
    sqlx::query("INSERT INTO keys.subject_keys (subject, wrapped, master) VALUES ($1, $2, $3)")
        .bind(eva.id.0)
        .bind(taken.get::<Vec<u8>, _>("wrapped"))
        .bind(taken.get::<String, _>("master"))
        .execute(&world.pool)
        .await
        .unwrap();
    until("everything is shown", || async {
        Model::Users.position(&world.pool).await == 10
    })
    .await;
    let row = users::find(&world.pool, eva.id).await.unwrap().unwrap();
    assert_eq!(row.email.as_deref(), Some("eva@example.test"));
    running.abort();
}
