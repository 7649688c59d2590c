//! What cannot be used: a broken event parks its stream and lets all others go on; one that a newer program wrote is
//! waited for.

use crate::models::Model;
use crate::story::{Member, a_whole_story};
use crate::support::{Database, World, shown, until};
use domain::user::Purpose;
use eventstore::edge::fresh_id;
use eventstore::{ReadFault, Why, parked};
use projections::projector::ProjectFault;
use projections::rebuild::{Progress, rebuild, rollback};
use projections::{alerts, matches, users};
use serde_json::json;
use sqlx::Row;
use std::collections::BTreeMap;
use std::sync::Arc;

fn quietly() -> Progress {
    Arc::new(|_, _| {})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_a_newer_program_wrote_is_waited_for_and_never_passed_by() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let before = world.events().await;
    let last = i64::try_from(before.len()).unwrap();
    let why = Why::member(ana, fresh_id(), fresh_id());
    let newer = json!({ "MatchWasRestored": { "match_id": fresh_id() } });
    world.records("match", "x", &newer, &why).await;
    a_whole_story(&world, "eva@example.test").await;
    let events = world.events().await;
    let vault = world.store.vault();
    for model in [Model::Matches, Model::Streams] {
        for _ in 0..2 {
            let fault = model.apply(&world.pool, vault, &events).await.unwrap_err();
            let is_told = matches!(
                fault,
                ProjectFault::Read(ReadFault::Newer { position, .. }) if position == last + 1
            );
            assert!(is_told, "{model:?}: {fault}");
        }
        assert_eq!(model.position(&world.pool).await, last, "{model:?}");
    }
    // A read model whose rows no match can change does not wait.
    let all = i64::try_from(events.len()).unwrap();
    assert_eq!(
        Model::Alerts
            .apply(&world.pool, vault, &events)
            .await
            .unwrap(),
        all
    );
    assert!(parked::list(&world.pool).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_fact_parks_its_stream_and_all_others_go_on() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let why = Why::member(ana, fresh_id(), fresh_id());
    let broken = json!({ "MatchSeenAgain": { "match_id": "no id" } });
    world.records("match", "x", &broken, &why).await;
    world.records("match", "x", &broken, &why).await;
    let eva = a_whole_story(&world, "eva@example.test").await;
    let events = world.events().await;
    let all = i64::try_from(events.len()).unwrap();
    for model in Model::ALL {
        let reached = model.apply(&world.pool, world.store.vault(), &events).await;
        assert_eq!(reached.unwrap(), all, "{model:?}");
    }
    let told = alerts::list(
        &world.pool,
        eva,
        &alerts::Wanted::default(),
        crate::support::ALL,
    )
    .await;
    assert!(!told.unwrap().rows.is_empty());
    // Once for each reader that could not use it, and only where it begins.
    let parked = parked::list(&world.pool).await.unwrap();
    let mut readers: Vec<_> = parked.iter().map(|p| p.reader.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(
        readers,
        ["matches", "streams"],
        "others do not read this fact"
    );
    let first = parked[0].position;
    assert!(
        parked
            .iter()
            .all(|p| p.position == first && p.stream == "x")
    );
    assert!(!parked[0].reason.contains("no id"), "{}", parked[0].reason);
}

/// Gives an event other metadata, as somebody does who owns the database; what it had.
async fn metadata(world: &World, position: i64, metadata: &str) -> String {
    let had = "SELECT metadata::text FROM events WHERE position = $1";
    let had = sqlx::query_scalar(had).bind(position);
    let had = had.fetch_one(&world.pool).await.unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    let disable = sqlx::query("ALTER TABLE events DISABLE TRIGGER USER");
    disable.execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE events SET metadata = $1::text::json WHERE position = $2")
        .bind(metadata)
        .bind(position)
        .execute(&mut *tx)
        .await
        .unwrap();
    let enable = sqlx::query("ALTER TABLE events ENABLE TRIGGER USER");
    enable.execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    had
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_circumstances_parks_its_stream_until_the_row_is_right_and_it_is_rebuilt()
{
    let (world, undisturbed) = (World::fresh().await, Database::fresh().await);
    a_whole_story(&world, "ana@example.test").await;
    a_whole_story(&world, "eva@example.test").await;
    let (events, vault) = (world.events().await, world.vault());
    let found = events.iter().find(|e| e.event_type == "MatchFound");
    let (broken, stream) = found.map(|e| (e.position, e.stream.clone())).unwrap();
    for model in [Model::Matches, Model::Users] {
        let pool = &undisturbed.pool;
        model.apply(pool, &vault, &events).await.unwrap();
    }
    let had = metadata(&world, broken, "{}").await;
    let (events, all) = (world.events().await, i64::try_from(events.len()).unwrap());
    for model in [Model::Matches, Model::Users] {
        let reached = model.apply(&world.pool, &vault, &events).await;
        assert_eq!(reached.unwrap(), all, "{model:?}");
    }
    let item = parked::list(&world.pool).await.unwrap();
    assert_eq!(item.len(), 1, "users do not read it");
    let item = (&item[0].reader, &item[0].stream, item[0].reason.as_str());
    assert_eq!(item, (&"matches".to_owned(), &stream, "its metadata"));
    let rows = |of: &BTreeMap<String, Vec<String>>| of["read_matches"].clone();
    let expected = rows(&shown(&undisturbed.pool).await);
    let without = rows(&shown(&world.pool).await);
    assert!(expected.len() == without.len() + 1, "all other findings");
    metadata(&world, broken, &had).await;
    rebuild::<matches::Matches>(&world.pool, &vault, false, &quietly())
        .await
        .unwrap();
    assert_eq!(rows(&shown(&world.pool).await), expected);
    assert!(parked::list(&world.pool).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_waited_for_a_lost_key_is_shown_once_the_key_is_back_and_it_is_rebuilt() {
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
    until("everything that can be used is shown", || async {
        Model::Users.position(&world.pool).await == 10
    })
    .await;
    running.abort();
    for (member, is_shown) in [(ana.id, true), (eva.id, false), (zoe.id, true)] {
        let found = users::find(&world.pool, member).await.unwrap();
        assert_eq!(found.is_some(), is_shown);
    }
    assert_eq!(parked::list(&world.pool).await.unwrap().len(), 1);
    sqlx::query("INSERT INTO keys.subject_keys (subject, wrapped, master) VALUES ($1, $2, $3)")
        .bind(eva.id.0)
        .bind(taken.get::<Vec<u8>, _>("wrapped"))
        .bind(taken.get::<String, _>("master"))
        .execute(&world.pool)
        .await
        .unwrap();
    rebuild::<users::Users>(&world.pool, &world.vault(), false, &quietly())
        .await
        .unwrap();
    let row = users::find(&world.pool, eva.id).await.unwrap().unwrap();
    assert_eq!(row.email.as_deref(), Some("eva@example.test"));
    assert!(parked::list(&world.pool).await.unwrap().is_empty());
    let other = Database::fresh().await;
    let events = world.events().await;
    Model::Users
        .apply(&other.pool, &world.vault(), &events)
        .await
        .unwrap();
    let (one, two) = (shown(&world.pool).await, shown(&other.pool).await);
    assert_eq!(one["read_users"], two["read_users"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_parks_what_it_cannot_use_and_neither_a_way_back_nor_letting_go_forgets_it() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (events, vault) = (world.events().await, world.vault());
    Model::Matches
        .apply(&world.pool, &vault, &events)
        .await
        .unwrap();
    let found = events.iter().find(|e| e.event_type == "MatchFound");
    let (broken, stream) = found.map(|e| (e.position, e.stream.clone())).unwrap();
    let had = metadata(&world, broken, "{}").await;
    let rebuilt = |accept| {
        let (pool, vault) = (&world.pool, &vault);
        async move {
            rebuild::<matches::Matches>(pool, vault, accept, &quietly())
                .await
                .unwrap()
        }
    };
    // The live rows know the event, today's program does not.
    rebuilt(false).await;
    let is_parked = || async {
        let items = parked::list(&world.pool).await.unwrap();
        let items = items.into_iter();
        let places = items.map(|item| (item.stream, item.position, item.attempts));
        places.collect::<Vec<_>>()
    };
    assert_eq!(is_parked().await, [(stream.clone(), broken, 1)]);
    rollback::<matches::Matches>(&world.pool, &vault)
        .await
        .unwrap();
    assert_eq!(is_parked().await.len(), 1);
    // Rows that hold the event, of which the log cannot say so any more.
    rebuilt(true).await;
    assert_eq!(is_parked().await, [(stream, broken, 2)]);
    let item = parked::list(&world.pool).await.unwrap().remove(0);
    let mut tx = world.pool.begin().await.unwrap();
    parked::let_go(&mut tx, item.id).await.unwrap();
    tx.commit().await.unwrap();
    rebuilt(false).await;
    assert!(is_parked().await.is_empty(), "nobody is told again");
    let let_go = parked::let_go_of(&world.pool).await.unwrap();
    assert_eq!((let_go.len(), let_go[0].id), (1, item.id));
    metadata(&world, broken, &had).await;
    rebuilt(false).await;
    assert!(parked::let_go_of(&world.pool).await.unwrap().is_empty());
    assert!(is_parked().await.is_empty());
}
