//! A purged picture stands in no generation of her library, and the way back still leads to what the log says (IMG-6).

use crate::generations::quietly;
use crate::models::all_shown;
use crate::story::{Looks, Member, PLAIN, minute};
use crate::support::{World, shown};
use eventstore::edge::fresh_id;
use eventstore::{Role, Why, parked};
use projections::check::check;
use projections::erasure::forget_purged;
use projections::images::Images;
use projections::rebuild::{Progress, rebuild, rollback};
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Handle;
use uuid::Uuid;

const WEEK: i64 = 7 * 24 * 60;

/// With a hash and a vector.
const SEEN: Looks<'_> = Looks {
    pdq: Some("9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d"),
    quality: 100,
    vector: Some(("clip-1", &[0.5; 512])),
};

async fn ids(world: &World, table: &str) -> Vec<Uuid> {
    let asked = format!("SELECT image_id FROM {table}");
    let found = sqlx::query_scalar(&asked).fetch_all(&world.pool).await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_purged_goes_from_the_earlier_generation_too() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (gone, stays) = (ana.uploads(1, SEEN).await, ana.uploads(2, SEEN).await);
    ana.uploads(3, PLAIN).await;
    ana.puts_away(gone, 4).await;
    ana.looks().await;
    let vault = world.store.vault();
    let rebuilt = rebuild::<Images>(&world.pool, vault, false, &quietly()).await;
    let before = format!("images_{}", rebuilt.unwrap().generation - 1);
    ana.loses(gone, 4 + WEEK).await;
    ana.looks().await;
    let table = format!("{before}.read_image_vectors");
    assert_eq!(ids(&world, &table).await.len(), 2, "still there");

    // As the part does it, which may write rows and nothing else.
    let writing = world.acting_as(Role::Projector).await;
    assert_eq!(
        forget_purged(&writing).await.unwrap(),
        3,
        "row, hash, vector"
    );
    assert_eq!(forget_purged(&writing).await.unwrap(), 0, "once");
    for table in ["read_image_hashes", "read_image_vectors"] {
        assert_eq!(ids(&world, &format!("{before}.{table}")).await, [stays.0]);
    }
    let live = shown(&world.pool).await;
    rollback::<Images>(&world.pool, vault).await.unwrap();
    all_shown(&world.pool, vault, &world.events().await).await;
    assert_eq!(shown(&world.pool).await, live);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_anew_after_a_purge_is_what_is_shown_whether_the_picture_was_seen_before_or_not()
 {
    // IMG-6: its values open nowhere any more
    let world = World::fresh().await;
    let (ana, eva) = (
        Member::joins(&world, "ana@example.test").await,
        Member::joins(&world, "eva@example.test").await,
    );
    let gone = ana.uploads(1, SEEN).await;
    let (stays, hers) = (ana.uploads(2, SEEN).await, eva.uploads(2, SEEN).await);
    ana.looks().await;
    // This one is met by projectors when its key is gone already.
    let unseen = ana.uploads(3, SEEN).await;
    for image in [gone, unseen] {
        ana.puts_away(image, 4).await;
        ana.loses(image, 4 + WEEK).await;
    }
    let vault = world.vault();
    let pictures = [(ana.id, gone), (ana.id, unseen)];
    assert_eq!(vault.destroy_pictures(&pictures).await.unwrap(), 2);
    all_shown(&world.pool, &vault, &world.events().await).await;
    let live = shown(&world.pool).await;
    for table in ["read_images", "read_image_hashes", "read_image_vectors"] {
        let mut left = ids(&world, table).await;
        left.sort();
        let mut both = [stays.0, hers.0];
        both.sort();
        assert_eq!(left, both, "{table}");
    }
    let rebuilt = rebuild::<Images>(&world.pool, &vault, false, &quietly()).await;
    assert_eq!(rebuilt.unwrap().generation, 2);
    assert_eq!(shown(&world.pool).await, live);
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_from_before_a_purge_are_held_against_nobody() {
    // IMG-6: they were made of values that open nowhere any more
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (gone, _stays) = (ana.uploads(1, SEEN).await, ana.uploads(2, SEEN).await);
    ana.looks().await;
    ana.puts_away(gone, 4).await;
    ana.looks().await;
    ana.loses(gone, 4 + WEEK).await;
    let vault = world.vault();
    vault.destroy_pictures(&[(ana.id, gone)]).await.unwrap();
    // Her library shows the purge only while it is being looked at.
    let (pool, keys, events) = (world.pool.clone(), world.vault(), world.events().await);
    let meanwhile: Progress = Arc::new(move |_, _| {
        let showing = all_shown(&pool, &keys, &events);
        tokio::task::block_in_place(|| Handle::current().block_on(showing));
    });
    for progress in [meanwhile, quietly()] {
        let checked = check::<Images>(&world.pool, &vault, &progress).await;
        let checked = checked.unwrap();
        assert_eq!((checked.diverges_at, checked.rows), (None, vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_picture_goes_also_from_a_library_that_waits_or_was_let_go() {
    // IMG-6
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (first, second) = (ana.uploads(1, SEEN).await, ana.uploads(2, SEEN).await);
    let stays = ana.uploads(3, SEEN).await;
    ana.looks().await;
    let (stream, why) = (
        ana.id.to_string(),
        Why::member(ana.id, fresh_id(), fresh_id()),
    );
    let broken = json!({ "ImageArchived": { "image_id": "no id" } });
    world.records("image", &stream, &broken, &why).await;
    let vault = world.vault();
    for gone in [first, second] {
        let purged = json!({ "ImagePurged": {
            "owner": ana.id, "image_id": gone, "purged_at": minute(4 + WEEK),
        } });
        world.records("image", &stream, &purged, &why).await;
        vault.destroy_pictures(&[(ana.id, gone)]).await.unwrap();
        ana.looks().await;
        for table in ["read_images", "read_image_hashes", "read_image_vectors"] {
            let left = ids(&world, table).await;
            assert!(
                !left.contains(&gone.0) && left.contains(&stays.0),
                "{table}"
            );
        }
        let checked = check::<Images>(&world.pool, &vault, &quietly()).await;
        let checked = checked.unwrap();
        assert_eq!((checked.diverges_at, checked.rows), (None, vec![]));
        // The second time nobody waits for the stream any more.
        for item in parked::list(&world.pool).await.unwrap() {
            let mut db = world.pool.acquire().await.unwrap();
            parked::let_go(&mut db, item.id).await.unwrap();
        }
    }
    let let_go = parked::let_go_of(&world.pool).await.unwrap();
    assert_eq!((let_go.len(), &let_go[0].stream), (1, &stream));
    rebuild::<Images>(&world.pool, &vault, false, &quietly())
        .await
        .unwrap();
}
