//! A purged picture stands in no generation of her library, and the way back still leads to what the log says (IMG-6).

use crate::generations::quietly;
use crate::models::all_shown;
use crate::story::{Looks, Member, PLAIN};
use crate::support::{World, shown};
use eventstore::Role;
use projections::erasure::forget_purged;
use projections::images::Images;
use projections::rebuild::{rebuild, rollback};
use uuid::Uuid;

const WEEK: i64 = 7 * 24 * 60;

async fn ids(world: &World, table: &str) -> Vec<Uuid> {
    let asked = format!("SELECT image_id FROM {table}");
    let found = sqlx::query_scalar(&asked).fetch_all(&world.pool).await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_purged_goes_from_the_earlier_generation_too() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (pdq, numbers) = ("9d".repeat(32), vec![0.5; 512]);
    let seen = Looks {
        pdq: Some(&pdq),
        quality: 100,
        vector: Some(("clip-1", &numbers)),
    };
    let (gone, stays) = (ana.uploads(1, seen).await, ana.uploads(2, seen).await);
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
    let (pdq, numbers) = ("9d".repeat(32), vec![0.5; 512]);
    let seen = Looks {
        pdq: Some(&pdq),
        quality: 100,
        vector: Some(("clip-1", &numbers)),
    };
    let gone = ana.uploads(1, seen).await;
    let (stays, hers) = (ana.uploads(2, seen).await, eva.uploads(2, seen).await);
    ana.looks().await;
    // This one is met by projectors when its key is gone already.
    let unseen = ana.uploads(3, seen).await;
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
