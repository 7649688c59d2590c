//! Pictures as vectors, where the operator supplied a model; unavailable, and said so, where not (GEN-4).

use crate::member::{Member, client, sent};
use crate::pieces::png;
use crate::running::{Vara, shared};
use sqlx::PgPool;
use std::time::{Duration, Instant};

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
fn another_model_gives_a_vector_to_every_picture_of_before_and_tells_how_far_it_is() {
    // PIP-5: a change of model embeds again, beside what there is
    let vara = Vara::start_with(&[("VARA_CLIP_MODEL", MODEL)]);
    let member = Member::joins(&vara.api);
    for nudge in [0.0, 40.0, 80.0] {
        member.uploads(&plain(nudge));
    }
    assert_eq!(stored(&vara).0, 3);
    let folder = vara.stop();
    let other = folder.path().join("other.onnx");
    let mut model = std::fs::read(MODEL).unwrap();
    let weight = model.len() / 2;
    model[weight] ^= 1;
    std::fs::write(&other, model).unwrap();
    let vara = Vara::start_on(folder, &[("VARA_CLIP_MODEL", other.to_str().unwrap())]);
    let begun = Instant::now();
    while stored(&vara).0 < 6 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", vara.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let (told, code) = vara.run(&["vectors"]);
    assert_eq!(code, 0, "{told}");
    let models: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("sha256:"))
        .collect();
    assert_eq!(models.len(), 2, "{told}");
    for model in models {
        let words: Vec<&str> = model.split_whitespace().collect();
        assert_eq!(words[1..3], ["3", "3"], "{told}");
    }
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
