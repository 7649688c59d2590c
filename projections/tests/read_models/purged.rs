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
