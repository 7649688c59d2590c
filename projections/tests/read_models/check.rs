//! The standing check names where live rows and log part.

use crate::generations::quietly;
use crate::models::{Model, all_shown};
use crate::story::{Member, a_whole_story};
use crate::support::World;
use domain::user::Purpose;
use eventstore::checkpoint;
use projections::alerts::Alerts;
use projections::check::{Followed, check, following};
use projections::rebuild::rebuild;
use projections::scans::Scans;
use projections::standing::{self, check_if_due};
use projections::users::Users;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_that_are_what_the_log_says_are_said_to_be() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (pool, vault, events) = (&world.pool, world.store.vault(), world.events().await);
    // In small batches, so that there is a history of digests.
    for batch in events.chunks(3) {
        Model::Scans.apply(pool, vault, batch).await.unwrap();
    }
    Model::Users.apply(pool, vault, &events).await.unwrap();
    let seen = check::<Scans>(pool, vault, &quietly()).await.unwrap();
    assert_eq!(seen.position, i64::try_from(events.len()).unwrap());
    assert_eq!((seen.diverges_at, seen.live), (None, seen.log));
    assert!(seen.rows.is_empty());
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    assert_eq!(seen.diverges_at, None);
    // A read model that has not begun agrees with an empty log.
    let seen = check::<Alerts>(pool, vault, &quietly()).await.unwrap();
    assert_eq!((seen.position, seen.diverges_at), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_changed_behind_the_projector_is_placed_at_the_event_that_wrote_it() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    for n in 1..9 {
        ana.says(Purpose::FaceSearch, n % 2 == 1, n).await;
    }
    all_shown(pool, vault, &world.events().await).await;
    let change = "UPDATE users_1.read_users SET email = 'someone@example.test' WHERE user_id = $1";
    sqlx::query(change)
        .bind(eva.id.0)
        .execute(pool)
        .await
        .unwrap();
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    let events = world.events().await;
    let registered = events
        .iter()
        .find(|e| e.why.known().unwrap().subject == eva.id)
        .unwrap();
    assert_eq!(seen.diverges_at, Some(registered.position));
    assert_eq!(seen.rows.len(), 1);
    assert!(seen.rows[0].contains(&eva.id.to_string()) && !seen.rows[0].contains('@'));
    let delete = "DELETE FROM users_1.read_consents WHERE purpose = 'FACE_SEARCH'";
    sqlx::query(delete).execute(pool).await.unwrap();
    sqlx::query("UPDATE users_1.read_users SET email = 'eva@example.test' WHERE user_id = $1")
        .bind(eva.id.0)
        .execute(pool)
        .await
        .unwrap();
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    let last = events.last().unwrap().position;
    assert_eq!(seen.diverges_at, Some(last), "the consent that is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_no_difference_though_the_past_can_no_longer_be_read() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    for event in world.events().await {
        Model::Users.apply(pool, vault, &[event]).await.unwrap();
    }
    ana.is_erased().await;
    eva.says(Purpose::FaceSearch, true, 3).await;
    all_shown(pool, vault, &world.events().await).await;
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    assert_eq!((seen.diverges_at, seen.live), (None, seen.log));
    projections::erasure::purge::<Users>(pool, ana.id)
        .await
        .unwrap();
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    assert_eq!(seen.diverges_at, None);
    let old: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM read_digests WHERE name = 'users' AND position < 7",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(old, 0, "what was made of her values is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_passed_by_is_named_also_when_later_ones_hid_it() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    for n in 1..40 {
        let rare = [14, 38].contains(&n);
        let purpose = if rare {
            Purpose::BreachLookup
        } else {
            Purpose::FaceSearch
        };
        ana.says(purpose, n != 38 && n % 2 == 1 || n == 14, n).await;
    }
    let events = world.events().await;
    let passed_by = events
        .iter()
        .filter(|e| e.sequence > 3)
        .nth(13)
        .unwrap()
        .position;
    for event in &events {
        if event.position == passed_by {
            // A projector that moves on without having written anything.
            let mut db = pool.acquire().await.unwrap();
            checkpoint::move_to(&mut db, "users", passed_by)
                .await
                .unwrap();
        }
        let batch = std::slice::from_ref(event);
        Model::Users.apply(pool, vault, batch).await.unwrap();
    }
    // The rows are right again, because a later consent overwrote the missing one.
    let seen = check::<Users>(pool, vault, &quietly()).await.unwrap();
    assert_eq!(seen.live, seen.log);
    assert_eq!(seen.diverges_at, Some(passed_by));
    assert!(seen.rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standing_check_looks_when_it_is_due_and_one_process_at_a_time() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    all_shown(pool, vault, &world.events().await).await;
    let hour = Duration::from_secs(3_600);
    let seen = check_if_due::<Users>(pool, vault, hour).await.unwrap();
    assert_eq!(seen.unwrap().diverges_at, None);
    let again = check_if_due::<Users>(pool, vault, hour).await.unwrap();
    assert_eq!(again, None, "it is not due");
    let mut elsewhere = pool.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(7370712602)")
        .execute(&mut *elsewhere)
        .await
        .unwrap();
    let meanwhile = check_if_due::<Scans>(pool, vault, hour).await.unwrap();
    assert_eq!(meanwhile, None, "another process checks");
    sqlx::query("SELECT pg_advisory_unlock(7370712602)")
        .execute(&mut *elsewhere)
        .await
        .unwrap();
    // Behind the projector's back: found at the next check, and told until a generation is right.
    let change = "UPDATE users_1.read_users SET email = 'someone@example.test'";
    sqlx::query(change).execute(pool).await.unwrap();
    let seen = check_if_due::<Users>(pool, vault, Duration::ZERO).await;
    let diverges_at = seen.unwrap().unwrap().diverges_at;
    assert!(diverges_at.is_some());
    let last = standing::last(pool).await.unwrap();
    assert_eq!(last.len(), 1, "{last:?}");
    assert_eq!(
        (last[0].name.as_str(), last[0].diverges_at),
        ("users", diverges_at)
    );
    rebuild::<Users>(pool, vault, true, &quietly())
        .await
        .unwrap();
    assert_eq!(
        standing::last(pool).await.unwrap(),
        [],
        "of this one nothing is known"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_is_followed_is_compared_with_what_is_new_at_each_look() {
    let world = World::fresh().await;
    let (pool, vault) = (&world.pool, world.store.vault());
    let mut followed = following("users").await.unwrap();
    let whole = |position| Followed {
        position,
        diverges_at: None,
    };
    assert_eq!(followed.follow(pool, vault).await.unwrap(), whole(0));
    let ana = Member::joins(&world, "ana@example.test").await;
    for n in 1..6 {
        ana.says(Purpose::FaceSearch, n % 2 == 1, n).await;
        let events = world.events().await;
        Model::Users.apply(pool, vault, &events).await.unwrap();
        let position = i64::try_from(events.len()).unwrap();
        let seen = followed.follow(pool, vault).await.unwrap();
        assert_eq!(seen, whole(position), "{n}");
    }
    // As if the projector had made something else of an event than the log says.
    ana.says(Purpose::FaceSearch, false, 6).await;
    let events = world.events().await;
    Model::Users.apply(pool, vault, &events).await.unwrap();
    let last = i64::try_from(events.len()).unwrap();
    for statement in [
        "UPDATE read_generations SET digest = decode(repeat('07', 32), 'hex') WHERE name = 'users'",
        "UPDATE read_digests SET digest = decode(repeat('07', 32), 'hex') WHERE name = 'users' AND position = (SELECT max(position) FROM events)",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    let seen = followed.follow(pool, vault).await.unwrap();
    assert_eq!((seen.position, seen.diverges_at), (last, Some(last)));
    assert!(following("nothing").await.is_none());
}
