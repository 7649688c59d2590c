//! Pictures as vectors, where the operator supplied a model; unavailable, and said so, where not (GEN-4).

use crate::member::{Member, client, sent};
use crate::pieces::png;
use crate::running::{Vara, shared};
use sqlx::PgPool;

pub const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../pictures/testdata/tiny_clip.onnx"
);

#[test]
fn with_a_model_each_picture_becomes_a_vector_and_a_near_copy_is_named() {
    // PIP-3, VEC-1
    let vara = Vara::start_with(&[("VARA_CLIP_MODEL", MODEL)]);
    assert!(has_vectors(&vara));
    let member = Member::joins(&vara.api);
    // Too plain for a hash that may be compared (quality below 50), so only the vectors can tell.
    let first = member.uploads(&plain(0.0));
    let again = member.sends(&plain(0.4), "image/png").data();
    assert_eq!(again["nearCopyOf"], first.as_str(), "{again}");
    let (vectors, length) = stored(&vara);
    assert_eq!(vectors, 2);
    assert!((length - 1.0).abs() < 1e-3, "unit length: {length}");
}

#[test]
fn without_a_model_vectors_are_unavailable_and_nothing_is_invented() {
    assert!(!has_vectors(shared()));
    Member::joins(&shared().api).uploads(sandbox::demo_picture());
    assert_eq!(stored(shared()).0, 0);
}

/// A slow gradient: the same to the eye whatever the nudge.
fn plain(nudge: f64) -> Vec<u8> {
    png(200, 160, |x, y| 80.0 + x * 0.3 + y * 0.2 + nudge)
}

fn has_vectors(vara: &Vara) -> bool {
    let ready = sent(client().get(format!("{}/api/v1/health/ready", vara.api)));
    ready.body["checks"]["pictureVectors"].as_bool().unwrap()
}

fn stored(vara: &Vara) -> (i64, f64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = PgPool::connect(&vara.database_url()).await.unwrap();
        let question = "SELECT count(*), coalesce(max(vector_norm(vector)), 1)::float8 FROM read_image_vectors";
        sqlx::query_as(question).fetch_one(&pool).await.unwrap()
    })
}
