//! Which picture of her library looks alike: by hash over eight turns, by vector within one model.

use crate::story::{Looks, Member, PLAIN};
use crate::support::World;
use domain::ids::ImageId;
use projections::likeness::{nearest_by_hash, nearest_by_vector};

fn hashed(pdq: &str, quality: u8) -> Looks<'_> {
    Looks {
        pdq: Some(pdq),
        quality,
        vector: None,
    }
}

/// A hash in which so many bits, counted from the end, differ from all zeros.
fn bits(set: u16) -> String {
    let mut digits = vec!['0'; 64];
    for place in 0..set / 4 {
        digits[63 - usize::from(place)] = 'f';
    }
    let rest = [None, Some('1'), Some('3'), Some('7')][usize::from(set % 4)];
    if let Some(digit) = rest {
        digits[63 - usize::from(set / 4)] = digit;
    }
    digits.into_iter().collect()
}

/// Eight turns of which one is this hash and the others are far from everything.
fn turned(pdq: &str, turn: usize) -> Vec<String> {
    let mut turns = vec!["5a".repeat(32); 8];
    turns[turn] = pdq.to_owned();
    turns
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_picture_is_found_in_whichever_of_the_eight_turns_it_lies() {
    // HSH-1
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let far = ana.uploads(1, hashed(&bits(60), 100)).await;
    let near = ana.uploads(2, hashed(&bits(5), 100)).await;
    ana.uploads(3, PLAIN).await;
    ana.looks().await;
    for turn in 0..8 {
        for (asked, expected) in [
            (bits(0), (near, 5)),
            (bits(5), (near, 0)),
            (bits(36), (far, 24)),
            (bits(60), (far, 0)),
            ("f".repeat(64), (far, 196)),
        ] {
            // The far turns are 128 bits from any of these; only the asked one is nearer, or it is the last.
            let turns = if expected.1 > 100 {
                vec![asked; 8]
            } else {
                turned(&asked, turn)
            };
            let found = nearest_by_hash(&world.pool, ana.id, &turns).await.unwrap();
            assert_eq!(found, Some(expected), "turn {turn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_of_equal_distance_are_answered_by_the_earlier_picture() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let mut images: Vec<ImageId> = Vec::new();
    for at in 1..=4 {
        images.push(ana.uploads(at, hashed(&bits(8), 100)).await);
    }
    ana.looks().await;
    let found = nearest_by_hash(&world.pool, ana.id, &turned(&bits(8), 3)).await;
    assert_eq!(found.unwrap(), Some((images[0], 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_says_too_little_is_never_compared() {
    // HSH-1: quality below 50
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.uploads(1, hashed(&bits(0), 49)).await;
    ana.looks().await;
    let turns = turned(&bits(0), 0);
    let found = nearest_by_hash(&world.pool, ana.id, &turns).await.unwrap();
    assert_eq!(found, None);
    let enough = ana.uploads(2, hashed(&bits(9), 50)).await;
    ana.looks().await;
    let found = nearest_by_hash(&world.pool, ana.id, &turns).await.unwrap();
    assert_eq!(found, Some((enough, 9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hash_is_refused_and_no_turn_finds_nothing() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.uploads(1, hashed(&bits(0), 100)).await;
    ana.looks().await;
    for wrong in ["xyz", "0g", "00", ""] {
        let asked = [wrong.to_owned()];
        let found = nearest_by_hash(&world.pool, ana.id, &asked).await;
        assert!(found.is_err(), "{wrong}");
    }
    let found = nearest_by_hash(&world.pool, ana.id, &[]).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_likeness_of_another_members_picture_stays_hers() {
    // I12: the very same hash and vector
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let axis = axis(3);
    let picture = Looks {
        vector: Some(("clip-1", &axis)),
        ..hashed(
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            90,
        )
    };
    ana.uploads(1, picture).await;
    ana.looks().await;
    let turns = vec![picture.pdq.unwrap().to_owned(); 8];
    let found = nearest_by_hash(&world.pool, eva.id, &turns).await.unwrap();
    assert_eq!(found, None);
    let found = nearest_by_vector(&world.pool, eva.id, "clip-1", &axis).await;
    assert_eq!(found.unwrap(), None);
}

fn axis(at: usize) -> [f32; 512] {
    let mut numbers = [0.0; 512];
    numbers[at] = 1.0;
    numbers
}

fn embedded<'a>(model: &'a str, vector: &'a [f32]) -> Looks<'a> {
    Looks {
        vector: Some((model, vector)),
        ..PLAIN
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_vector_of_the_same_model_is_found_with_its_cosine() {
    // VEC-1, VEC-2
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (mut between, mut opposite) = (axis(0), axis(0));
    (between[0], between[1]) = (0.6, 0.8);
    opposite[0] = -1.0;
    let first = ana.uploads(1, embedded("clip-1", &axis(0))).await;
    let second = ana.uploads(2, embedded("clip-1", &axis(1))).await;
    ana.looks().await;
    for (asked, expected, similarity) in [
        (axis(0), first, 1.0),
        (axis(1), second, 1.0),
        (between, second, 0.8),
        (axis(2), first, 0.0),
        (opposite, second, 0.0),
    ] {
        let found = nearest_by_vector(&world.pool, ana.id, "clip-1", &asked).await;
        let (image, cosine) = found.unwrap().unwrap();
        assert_eq!(image, expected);
        assert!((cosine - similarity).abs() < 1e-6, "{cosine} {similarity}");
    }
    let nothing = axis(0).map(|_| 0.0);
    let found = nearest_by_vector(&world.pool, ana.id, "clip-1", &nothing).await;
    assert_eq!(found.unwrap().map(|(_, cosine)| cosine), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_different_models_never_meet() {
    // PIP-5
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let old = ana.uploads(1, embedded("clip-1", &axis(0))).await;
    ana.looks().await;
    let asked = |model| nearest_by_vector(&world.pool, ana.id, model, &[0.5; 512]);
    assert!(asked("clip-2").await.unwrap().is_none());
    assert!(asked("clip").await.unwrap().is_none());
    let new = ana.uploads(2, embedded("clip-2", &axis(0))).await;
    ana.looks().await;
    assert_eq!(
        asked("clip-2").await.unwrap().map(|(image, _)| image),
        Some(new)
    );
    assert_eq!(
        asked("clip-1").await.unwrap().map(|(image, _)| image),
        Some(old)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_of_another_length_is_refused() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.uploads(1, embedded("clip-1", &axis(0))).await;
    ana.looks().await;
    let found = nearest_by_vector(&world.pool, ana.id, "clip-1", &[1.0; 511]).await;
    assert!(found.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_put_away_is_no_near_copy_until_it_comes_back() {
    // IMG-5
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (pdq, numbers) = (bits(0), vec![0.5; 512]);
    let seen = Looks {
        pdq: Some(&pdq),
        quality: 100,
        vector: Some(("clip-1", &numbers)),
    };
    let image = ana.uploads(1, seen).await;
    let found = async || {
        ana.looks().await;
        let by_hash = nearest_by_hash(&world.pool, ana.id, &vec![bits(0); 8]).await;
        let by_vector = nearest_by_vector(&world.pool, ana.id, "clip-1", &numbers).await;
        let by_vector = by_vector.unwrap().map(|(image, _)| image);
        (by_hash.unwrap().map(|(image, _)| image), by_vector)
    };
    assert_eq!(found().await, (Some(image), Some(image)));
    ana.puts_away(image, 2).await;
    assert_eq!(found().await, (None, None));
    ana.takes_back(image, 3).await;
    assert_eq!(found().await, (Some(image), Some(image)));
}
