//! A read model is built anew beside the live one and takes its place; and the way back.

use crate::models::{Model, all_shown};
use crate::story::{Member, a_whole_story};
use crate::support::{World, shown, until};
use domain::ids::UserId;
use eventstore::Role;
use projections::rebuild::{Progress, RebuildFault, rebuild, rollback};
use projections::scans::Scans;
use projections::users::Users;
use projections::{alerts, images, matches, plan, streams};
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub fn quietly() -> Progress {
    Arc::new(|_, _| {})
}

async fn schemas(world: &World, name: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE $1 ORDER BY 1")
        .bind(format!("{name}\\_%"))
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_model_is_the_same_after_a_rebuild_byte_for_byte() {
    // I3
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    a_whole_story(&world, "eva@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    let events = world.events().await;
    all_shown(pool, vault, &events).await;
    let before = shown(pool).await;
    let told = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&told);
    let progress: Progress = Arc::new(move |done, of| {
        assert!(done <= of);
        counted.store(done, Ordering::Relaxed);
    });
    let p = &progress;
    let numbers = [
        rebuild::<Users>(pool, vault, false, p).await.unwrap(),
        rebuild::<images::Images>(pool, vault, false, p)
            .await
            .unwrap(),
        rebuild::<Scans>(pool, vault, false, p).await.unwrap(),
        rebuild::<matches::Matches>(pool, vault, false, p)
            .await
            .unwrap(),
        rebuild::<alerts::Alerts>(pool, vault, false, p)
            .await
            .unwrap(),
        rebuild::<plan::Plan>(pool, vault, false, p).await.unwrap(),
        rebuild::<streams::Streams>(pool, vault, false, p)
            .await
            .unwrap(),
    ];
    assert!(numbers.iter().all(|made| made.generation == 2));
    assert_eq!(told.load(Ordering::Relaxed), events.len() as u64);
    assert_eq!(shown(pool).await, before);
    // The projectors go on with the new rows, with no more rights than they had, and others see them.
    a_whole_story(&world, "zoe@example.test").await;
    let projector = world.acting_as(Role::Projector).await;
    all_shown(&projector, vault, &world.events().await).await;
    let writer = world.acting_as(Role::Writer).await;
    assert_ne!(shown(&writer).await, before);
    rebuild::<Scans>(pool, vault, false, p).await.unwrap();
    // The one before the last is gone, so that they do not pile up.
    assert_eq!(schemas(&world, "scans").await, ["scans_2", "scans_3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_differ_from_the_log_are_replaced_only_when_that_is_asked_for() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    all_shown(pool, vault, &world.events().await).await;
    let right = shown(pool).await;
    // A mistake of the projector, as it would leave it: rows and digest agree with each other, not with the log.
    sqlx::query("UPDATE users_1.read_users SET registered_at = registered_at + interval '1 day'")
        .execute(pool)
        .await
        .unwrap();
    let unknown = "UPDATE read_generations SET digest = NULL WHERE name = 'users'";
    sqlx::query(unknown).execute(pool).await.unwrap();
    ana.says(domain::user::Purpose::FaceSearch, true, 1).await;
    all_shown(pool, vault, &world.events().await).await;
    let wrong = shown(pool).await;
    let fault = rebuild::<Users>(pool, vault, false, &quietly()).await;
    assert!(matches!(
        fault,
        Err(RebuildFault::Differs { name: "users", .. })
    ));
    assert_eq!(
        shown(pool).await,
        wrong,
        "nothing changed for those who read"
    );
    rebuild::<Users>(pool, vault, true, &quietly())
        .await
        .unwrap();
    assert_eq!(shown(pool).await["read_users"], right["read_users"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_shows_what_happened_since_as_well() {
    let world = World::fresh().await;
    a_whole_story(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    all_shown(pool, vault, &world.events().await).await;
    let none = rollback::<Scans>(pool, vault).await;
    assert!(matches!(none, Err(RebuildFault::NoPrevious("scans"))));
    rebuild::<Scans>(pool, vault, false, &quietly())
        .await
        .unwrap();
    a_whole_story(&world, "eva@example.test").await;
    all_shown(pool, vault, &world.events().await).await;
    let now = shown(pool).await;
    let back = rollback::<Scans>(pool, vault).await.unwrap();
    assert_eq!(back.generation, 1);
    assert_eq!(shown(pool).await, now);
    let forth = rollback::<Scans>(pool, vault).await.unwrap();
    assert_eq!(forth.generation, 2);
    assert_eq!(shown(pool).await, now);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_reads_meets_a_fault_or_an_older_row_while_generations_change() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    all_shown(pool, vault, &world.events().await).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (pool, over) = (pool.clone(), Arc::clone(&over));
        readers.spawn(async move {
            let (mut most, mut reads) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let wanted = projections::scans::Wanted::default();
                let all = crate::support::ALL;
                let listed = projections::scans::list(&pool, ana, &wanted, all).await;
                let total = listed.unwrap().total;
                assert!(total >= most, "{total} after {most}");
                (most, reads) = (total, reads + 1);
            }
            reads
        });
    }
    for n in 0..8 {
        a_whole_story(&world, &format!("member{n}@example.test")).await;
        Model::Scans
            .apply(pool, vault, &world.events().await)
            .await
            .unwrap();
        rebuild::<Scans>(pool, vault, false, &quietly())
            .await
            .unwrap();
        rollback::<Scans>(pool, vault).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let reads: Vec<i32> = readers.join_all().await;
    assert!(reads.iter().all(|reads| *reads > 10), "{reads:?}");
}

async fn listed(pool: &PgPool, owner: UserId) -> i64 {
    let wanted = projections::scans::Wanted::default();
    let found = projections::scans::list(pool, owner, &wanted, crate::support::ALL).await;
    found.unwrap().total
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_with_another_shape_rebuilds_by_itself_and_whoever_reads_meets_no_fault() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let (pool, vault) = (&world.pool, world.store.vault());
    all_shown(pool, vault, &world.events().await).await;
    let before = shown(pool).await;
    // What a release before this one left behind: its tables look alike here, but it says that they do not.
    sqlx::query("UPDATE read_generations SET shape = 0 WHERE name = 'scans'")
        .execute(pool)
        .await
        .unwrap();
    let reader = world.acting_as(Role::Writer).await;
    let projector = world.acting_as(Role::Projector).await;
    let feed = world.feed().await;
    let hers = listed(&reader, ana).await;
    a_whole_story(&world, "eva@example.test").await;
    let last = world.events().await.len();
    let running = Model::Scans.runs_as(projector, pool.clone(), world.vault(), feed);
    until("it is current again", || async {
        assert_eq!(
            listed(&reader, ana).await,
            hers,
            "a read in the middle of it"
        );
        usize::try_from(Model::Scans.position(pool).await).unwrap() == last
    })
    .await;
    running.abort();
    assert_eq!(schemas(&world, "scans").await, ["scans_1", "scans_2"]);
    let after = shown(&reader).await;
    assert_eq!(after["read_users"], before["read_users"]);
    assert!(after["read_scans"].len() > before["read_scans"].len());
    let back = rollback::<Scans>(pool, vault).await.unwrap_err();
    assert!(back.to_string().contains("shape 0"), "{back}");
}
