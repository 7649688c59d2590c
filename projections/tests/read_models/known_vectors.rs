//! Lists of known vectors: exact where they are short, and measured where the graph of neighbours is asked.

use crate::support::World;
use projections::known_vectors::{
    self, Alike, GRAPH_QUESTION, KnownVector, Question, alike, compared, through_the_graph,
};
use sqlx::PgPool;

/// Numbers without chance, between -1 and 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed >> 40) as f32) / 8_388_608.0 - 1.0
    }

    /// A vector so far from a centre, as pictures of one scene lie.
    fn near(&mut self, centre: &[f32], noise: f32) -> Vec<f32> {
        centre
            .iter()
            .map(|number| number + noise * self.next())
            .collect()
    }

    fn anywhere(&mut self) -> Vec<f32> {
        (0..512).map(|_| self.next()).collect()
    }
}

/// So many vectors in clusters of ten, called by their place.
fn a_list(count: usize, seed: u64) -> Vec<KnownVector> {
    let mut numbers = Numbers(seed);
    let mut centre = numbers.anywhere();
    (0..count)
        .map(|place| {
            if place % 10 == 0 {
                centre = numbers.anywhere();
            }
            let vector = numbers.near(&centre, 0.6);
            KnownVector {
                id: format!("{place:05}"),
                vector,
            }
        })
        .collect()
}

async fn add(pool: &PgPool, list: &str, model: &str, known: &[KnownVector]) {
    for some in known.chunks(500) {
        known_vectors::add(pool, list, model, some).await.unwrap();
    }
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

/// The ten most alike, by comparing with each here.
fn brute_force(known: &[KnownVector], asked: &[f32]) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = known
        .iter()
        .map(|k| (k.id.clone(), cosine(&k.vector, asked)))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(10);
    all
}

fn question<'a>(list: &'a str, model: &'a str, vector: &'a [f32]) -> Question<'a> {
    Question {
        list,
        model,
        vector,
        most: 10,
    }
}

fn recall(found: &[Alike], expected: &[(String, f64)]) -> usize {
    expected
        .iter()
        .filter(|(id, _)| found.iter().any(|alike| &alike.id == id))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_compared_finds_what_brute_force_finds() {
    // VEC-1, VEC-2
    let world = World::fresh().await;
    let list = a_list(600, 7);
    add(&world.pool, "taken down", "clip@1", &list).await;
    let mut numbers = Numbers(99);
    for place in (0..600).step_by(37) {
        let asked = numbers.near(&list[place].vector, 0.3);
        let found = alike(&world.pool, &question("taken down", "clip@1", &asked))
            .await
            .unwrap();
        let expected = brute_force(&list, &asked);
        assert_eq!(found.len(), 10);
        for (found, (id, similarity)) in found.iter().zip(&expected) {
            assert_eq!(&found.id, id, "{place}");
            assert!((found.similarity - similarity).abs() < 1e-6);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_finds_nearly_all_that_brute_force_finds() {
    // VEC-1: HNSW, cosine, m = 16, ef_construction = 64
    let world = World::fresh().await;
    let list = a_list(4_000, 11);
    add(&world.pool, "taken down", "clip@1", &list).await;
    // Beside it another list and another model, which must never be named.
    add(&world.pool, "elsewhere", "clip@1", &a_list(500, 12)).await;
    add(&world.pool, "taken down", "clip@2", &list[..500]).await;
    let mut numbers = Numbers(5);
    let (mut seen, mut wanted) = (0, 0);
    for place in (0..4_000).step_by(40) {
        let asked = numbers.near(&list[place].vector, 0.3);
        let found = through_the_graph(&world.pool, &question("taken down", "clip@1", &asked))
            .await
            .unwrap();
        let expected = brute_force(&list, &asked);
        assert!(found.is_sorted_by(|one, next| one.similarity >= next.similarity));
        seen += recall(&found, &expected);
        wanted += expected.len();
    }
    let recall = f64::from(seen as u32) / f64::from(wanted as u32);
    println!("recall of the first ten among 4,000, over 100 questions: {recall:.4}");
    assert!(recall >= 0.95, "{recall}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_asked_through_the_index_that_the_rules_name() {
    // VEC-1
    let world = World::fresh().await;
    add(&world.pool, "taken down", "clip@1", &a_list(3_000, 3)).await;
    sqlx::query("ANALYZE known_vectors")
        .execute(&world.pool)
        .await
        .unwrap();
    let index: String = sqlx::query_scalar(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'known_vectors_near'",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert!(
        index.contains("USING hnsw (vector vector_cosine_ops)"),
        "{index}"
    );
    assert!(
        index.contains("m='16'") && index.contains("ef_construction='64'"),
        "{index}"
    );
    let mut tx = world.pool.begin().await.unwrap();
    known_vectors::follow_the_graph(&mut tx).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(&format!("EXPLAIN {GRAPH_QUESTION}"))
        .bind("taken down")
        .bind("clip@1")
        .bind(pgvector::Vector::from(vec![0.5; 512]))
        .bind(10_i64)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("known_vectors_near"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_models_never_meet_and_what_is_taken_back_is_gone() {
    // PIP-5
    let world = World::fresh().await;
    let list = a_list(20, 1);
    add(&world.pool, "a", "clip@1", &list).await;
    add(&world.pool, "b", "clip@2", &list).await;
    let asked = &list[4].vector;
    for (name, model) in [("a", "clip@2"), ("b", "clip@1"), ("c", "clip@1")] {
        for found in [
            compared(&world.pool, &question(name, model, asked))
                .await
                .unwrap(),
            through_the_graph(&world.pool, &question(name, model, asked))
                .await
                .unwrap(),
        ] {
            assert!(found.is_empty(), "{name} {model}");
        }
    }
    let gone = known_vectors::remove(&world.pool, "a", &["00004", "no such"])
        .await
        .unwrap();
    assert_eq!(gone, 1);
    let found = alike(&world.pool, &question("a", "clip@1", asked))
        .await
        .unwrap();
    assert!(found.iter().all(|alike| alike.id != "00004"));
    let short = [0.5; 511];
    assert!(
        alike(&world.pool, &question("a", "clip@1", &short))
            .await
            .is_err()
    );
}
