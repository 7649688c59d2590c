//! Which pictures of one library are alike: exactly what a comparison with each says, however large the library (VEC-1).

use crate::generations::quietly;
use crate::support::World;
use domain::ids::{ImageId, UserId};
use eventstore::edge::fresh_id;
use projections::images::Images;
use projections::likeness::{ALIKE_MAX, alike, coverage};
use projections::rebuild::rebuild;
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows as the projector writes them, without fifty pictures being the most that a member may have.
async fn holds(pool: &PgPool, owner: UserId, model: &str, vectors: &BTreeMap<Uuid, Vec<f32>>) {
    let (ids, vectors): (Vec<Uuid>, Vec<pgvector::Vector>) = vectors
        .iter()
        .map(|(id, vector)| (*id, vector.clone().into()))
        .unzip();
    sqlx::query(
        "INSERT INTO images_1.read_image_vectors (owner, model, image_id, vector)
         SELECT $1, $2, n.id, n.vector FROM unnest($3::uuid[], $4::vector[]) AS n(id, vector)",
    )
    .bind(owner.0)
    .bind(model)
    .bind(ids)
    .bind(vectors)
    .execute(pool)
    .await
    .unwrap();
}

/// Pictures around a few scenes, so that similarities of every height occur.
fn pictures(count: u32, seed: u64) -> BTreeMap<Uuid, Vec<f32>> {
    let mut state = seed;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / 8_388_608.0 - 1.0
    };
    let scenes: Vec<Vec<f32>> = (0..40)
        .map(|_| (0..512).map(|_| next()).collect())
        .collect();
    let picture = |n: u32| {
        let noise = f32::from((n % 17) as u8) / 12.0;
        let scene = &scenes[n as usize % scenes.len()];
        (
            fresh_id(),
            scene.iter().map(|number| number + noise * next()).collect(),
        )
    };
    (0..count).map(picture).collect()
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum::<f64>()
    };
    dot(one, other) / (dot(one, one).sqrt() * dot(other, other).sqrt())
}

/// Those at 0.70 or more, the picture itself left out, most similar first.
fn brute_force(library: &BTreeMap<Uuid, Vec<f32>>, asked: Uuid) -> Vec<(Uuid, f64)> {
    let others = library.iter().filter(|(id, _)| **id != asked);
    let compared = others.map(|(id, vector)| (*id, cosine(vector, &library[&asked])));
    let mut alike: Vec<(Uuid, f64)> = compared.filter(|(_, cosine)| *cosine >= 0.70).collect();
    alike.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    alike
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_of_three_thousand_answers_exactly_as_brute_force_does() {
    // VEC-1: where a graph of neighbours dropped 87 of 100
    let world = World::fresh().await;
    let owners: [UserId; 3] = std::array::from_fn(|_| fresh_id().into());
    let libraries = [pictures(3_000, 1), pictures(400, 1), pictures(12, 1)];
    for (owner, library) in owners.iter().zip(&libraries) {
        holds(&world.pool, *owner, "clip@1", library).await;
    }
    // The same pictures under another model must never be named.
    holds(&world.pool, owners[0], "clip@2", &pictures(500, 1)).await;
    let mut named = 0;
    for (owner, library) in owners.iter().zip(&libraries) {
        for asked in library.keys().step_by(library.len() / 6) {
            let image = ImageId(*asked);
            let found = alike(&world.pool, *owner, "clip@1", image, 5_000)
                .await
                .unwrap();
            let expected = brute_force(library, *asked);
            assert_eq!(found.len(), expected.len());
            for ((image, similarity), (id, cosine)) in found.iter().zip(&expected) {
                assert_eq!(image.0, *id);
                assert!((similarity - cosine).abs() < 1e-6);
            }
            named += found.len();
            let first = alike(&world.pool, *owner, "clip@1", image, ALIKE_MAX)
                .await
                .unwrap();
            assert_eq!(first[..], found[..found.len().min(10)]);
        }
    }
    assert!(named > 200, "{named}");
    let (by_model, _) = coverage(&world.pool).await.unwrap();
    assert_eq!(
        by_model,
        [("clip@1".to_owned(), 3_412), ("clip@2".to_owned(), 500)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_a_vector_and_somebody_elses_are_like_nothing() {
    // VEC-1, I12
    let world = World::fresh().await;
    let (ana, eva): (UserId, UserId) = (fresh_id().into(), fresh_id().into());
    let hers = pictures(20, 4);
    holds(&world.pool, ana, "clip@1", &hers).await;
    let image = ImageId(*hers.keys().next().unwrap());
    for (owner, model, image) in [
        (eva, "clip@1", image),
        (ana, "clip@2", image),
        (ana, "clip@1", fresh_id().into()),
    ] {
        let found = alike(&world.pool, owner, model, image, 10).await.unwrap();
        assert_eq!(found, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_index_of_neighbours_stands_on_the_vectors_of_members() {
    // VEC-1: with one, the planner would choose it for the largest libraries, and drop most of them without an error
    let world = World::fresh().await;
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'read_image_vectors'",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert!(!indexes.is_empty());
    assert!(
        indexes.iter().all(|index| index.contains("USING btree")),
        "{indexes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_members_lie_in_their_rows_also_after_a_rebuild() {
    // VEC-1: beside them a question about three thousand looks into eighteen times as many pages
    let world = World::fresh().await;
    rebuild::<Images>(&world.pool, &world.vault(), false, &quietly())
        .await
        .unwrap();
    let storage: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.relnamespace::regnamespace::text, a.attstorage::text
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          WHERE c.relname = 'read_image_vectors' AND c.relkind = 'r' AND a.attname = 'vector' ORDER BY 1",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let plain = |schema: &str| (schema.to_owned(), "p".to_owned());
    assert_eq!(storage, ["images_1", "images_2", "shape"].map(plain));
}
