//! What was shown then is shown again, whatever happened since.

use crate::models::Model;
use crate::story::a_whole_story;
use crate::support::{ALL, World};
use domain::ids::UserId;
use eventstore::Vault;
use projections::alerts::{self, Alerts};
use projections::as_of::{Moment, Past, PastFault, Shown};
use projections::matches::{self, Matches};
use projections::plan::{self, Plan};
use projections::scans::{self, Scans};
use sqlx::PgPool;

/// Everything she is shown, as text.
async fn seen(past: &Past, who: UserId, position: Option<i64>) -> [String; 4] {
    let mut shown = past.shown::<Alerts>(who, position).await.unwrap();
    let told = alerts::list(&mut *shown, who, &alerts::Wanted::default(), ALL).await;
    let mut shown = past.shown::<Matches>(who, position).await.unwrap();
    let of = matches::Of::Review;
    let found = matches::list(&mut *shown, who, of, &matches::Wanted::default(), ALL).await;
    let mut shown = past.shown::<Scans>(who, position).await.unwrap();
    let scanned = scans::list(&mut *shown, who, &scans::Wanted::default(), ALL).await;
    let mut shown = past.shown::<Plan>(who, position).await.unwrap();
    let items = plan::items(&mut *shown, who).await.unwrap();
    [
        format!("{:?}", told.unwrap()),
        format!("{:?}", found.unwrap()),
        format!("{:?}", scanned.unwrap()),
        format!("{items:?}"),
    ]
}

fn past(pool: &PgPool, vault: &Vault) -> Past {
    Past::new(pool, vault.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_as_of_any_position_is_what_was_served_then() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let eva = a_whole_story(&world, "eva@example.test").await;
    let (pool, vault, events) = (&world.pool, world.store.vault(), world.events().await);
    let past = past(pool, vault);
    let mut served = Vec::new();
    for event in &events {
        for model in Model::ALL {
            let batch = std::slice::from_ref(event);
            model.apply(pool, vault, batch).await.unwrap();
        }
        served.push([seen(&past, ana, None).await, seen(&past, eva, None).await]);
    }
    assert_ne!(served[10], served[40]);
    for (n, then) in served.iter().enumerate().rev() {
        let position = i64::try_from(n + 1).unwrap();
        let position = past.position(Moment::Position(position)).await.unwrap();
        assert_eq!(
            &seen(&past, ana, Some(position)).await,
            &then[0],
            "{position}"
        );
        assert_eq!(
            &seen(&past, eva, Some(position)).await,
            &then[1],
            "{position}"
        );
    }
    // Before everything there was nothing, and now is still now.
    assert!(seen(&past, ana, Some(0)).await[3].contains("[]"));
    assert_eq!(seen(&past, ana, None).await, served[events.len() - 1][0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_the_position_of_the_last_event_recorded_by_then() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let events = world.events().await;
    let past = past(&world.pool, world.store.vault());
    for event in &events {
        let at = past
            .position(Moment::Time(event.recorded_at))
            .await
            .unwrap();
        assert_eq!(
            events[usize::try_from(at).unwrap() - 1].recorded_at,
            event.recorded_at
        );
        assert!(at >= event.position);
        let before = event.recorded_at - chrono::Duration::microseconds(1);
        let at = past.position(Moment::Time(before)).await.unwrap();
        assert!(at < event.position);
    }
    let future = past.position(Moment::Position(1_000)).await;
    assert!(matches!(future, Err(PastFault::Future)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_question_about_the_past_stays() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let (pool, vault, events) = (&world.pool, world.store.vault(), world.events().await);
    for model in Model::ALL {
        model.apply(pool, vault, &events).await.unwrap();
    }
    let past = past(pool, vault);
    for _ in 0..20 {
        let shown = past.shown::<Scans>(ana, Some(12)).await.unwrap();
        assert!(matches!(shown, Shown::Then(_)));
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relpersistence = 't'")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
