//! Known hashes in PostgreSQL: found exactly as by comparing with each, by the index, and never with words not theirs.

use crate::support::{World, until};
use pgvector::Bit;
use pictures::known::{Index, Radius};
use pictures::pdq::{self, Fingerprint, Hash};
use projections::known_hashes::{self, KnownHash, Near, NotSearched, QUESTION};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// A hash like any other: those of different numbers are about 128 bits apart.
fn hash_of(number: u32) -> Hash {
    Hash::from_bytes(Sha256::digest(number.to_be_bytes()).into())
}

/// A hash so many bits from that of the number.
fn near_to(number: u32, bits: usize) -> Hash {
    let mut bytes = *hash_of(number).bytes();
    for bit in (0..bits).map(|bit| (bit * 37 + bits) % 256) {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    Hash::from_bytes(bytes)
}

/// A picture of which one turn is this hash; the others are far from everything.
fn picture(hash: Hash, turn: usize) -> Fingerprint {
    let mut turns = std::array::from_fn(|turn| hash_of(4_000_000_000 + turn as u32));
    turns[turn] = hash;
    Fingerprint {
        hash: turns[0],
        quality: 50,
        turns,
    }
}

fn known(id: impl ToString, hash: Hash) -> KnownHash {
    KnownHash {
        id: id.to_string(),
        hash,
        quality: 50,
    }
}

async fn found(pool: &PgPool, lists: &[&str], query: &Fingerprint) -> Vec<Near> {
    known_hashes::near(pool, lists, query).await.unwrap()
}

/// What is near in a list, by comparing with each.
fn compared(list: &str, known: &[KnownHash], query: &Fingerprint) -> Vec<Near> {
    let near = known.iter().map(|known| Near {
        list: list.to_owned(),
        id: known.id.clone(),
        distance: pdq::nearest(query, &known.hash),
    });
    let mut near: Vec<Near> = near.filter(|near| near.distance <= 31).collect();
    near.sort_by(|one, two| (one.distance, &one.id).cmp(&(two.distance, &two.id)));
    near
}

/// A list as real ones are: most hashes alone, some in clusters of near copies.
fn a_list(alone: u32) -> Vec<KnownHash> {
    let alone = (0..alone).map(|number| known(number, hash_of(number)));
    let clustered = (0..20).flat_map(|base| {
        let sizes = [1, 7, 15, 16, 24, 30, 31, 32, 33, 47];
        sizes.map(|bits| known(format!("{base} and {bits}"), near_to(base, bits)))
    });
    alone.chain(clustered).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_finds_what_a_comparison_with_each_finds() {
    // HSH-1
    let world = World::fresh().await;
    let list = a_list(800);
    known_hashes::add(&world.pool, "exchange", &list)
        .await
        .unwrap();
    let held = known_hashes::read(&world.pool, "exchange").await.unwrap();
    let index = Index::build(held.iter().map(|(_, hash)| *hash)).unwrap();
    assert_eq!(index.len(), list.len());
    let mut pairs = 0;
    for asked in 0..60_u32 {
        // Up to 15 bits on the other side of the cluster's middle, and some that nothing is near.
        let hash = near_to(asked / 2, 11 + asked as usize % 23);
        let query = picture(hash, asked as usize % 8);
        let near = found(&world.pool, &["exchange"], &query).await;
        assert_eq!(near, compared("exchange", &list, &query), "{asked}");
        let mut in_memory: Vec<(u16, &str)> = index
            .search(&query, Radius::MAX)
            .unwrap()
            .iter()
            .map(|near| (near.distance, held[near.place].0.as_str()))
            .collect();
        in_memory.sort_unstable();
        let near: Vec<_> = near.iter().map(|n| (n.distance, n.id.as_str())).collect();
        assert_eq!(near, in_memory, "{asked}");
        pairs += near.len();
    }
    assert!(pairs > 100, "{pairs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_one_bits_are_found_and_thirty_two_are_not() {
    // HSH-1: two bits in each word but one, the hardest case of the pigeonhole
    let world = World::fresh().await;
    let list = [known("a", hash_of(1)), known("b", hash_of(2))];
    known_hashes::add(&world.pool, "l", &list).await.unwrap();
    for left_out in 0..=16_usize {
        let mut bytes = *hash_of(1).bytes();
        for word in 0..16 {
            bytes[word * 2] ^= 0b0100_0000;
            bytes[word * 2 + 1] ^= if word == left_out { 0 } else { 0b0000_0100 };
        }
        let near = found(&world.pool, &["l"], &picture(Hash::from_bytes(bytes), 3)).await;
        let near: Vec<_> = near.iter().map(|n| (n.id.as_str(), n.distance)).collect();
        let expected = if left_out < 16 {
            vec![("a", 31)]
        } else {
            vec![]
        };
        assert_eq!(near, expected, "{left_out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_takes_back_is_not_found_and_other_lists_are_not_asked() {
    let world = World::fresh().await;
    let pool = &world.pool;
    for list in ["one", "two"] {
        let both = [known("a", hash_of(1)), known("b", near_to(1, 9))];
        known_hashes::add(pool, list, &both).await.unwrap();
    }
    let query = picture(hash_of(1), 6);
    let of = async |lists: &[&str]| -> Vec<(String, String, u16)> {
        let near = found(pool, lists, &query).await.into_iter();
        near.map(|near| (near.list, near.id, near.distance))
            .collect()
    };
    let row = |list: &str, id: &str, distance| (list.to_owned(), id.to_owned(), distance);
    assert_eq!(of(&["two"]).await, [row("two", "a", 0), row("two", "b", 9)]);
    let gone = known_hashes::remove(pool, "two", &["a", "nobody"]).await;
    assert_eq!(gone.unwrap(), 1);
    let left = [row("one", "a", 0), row("one", "b", 9), row("two", "b", 9)];
    assert_eq!(of(&["one", "two"]).await, left);
    assert_eq!(of(&[]).await, []);
    // Given again, an id has the hash that was given last, and the words of that one.
    let moved = [known("b", near_to(1, 4))];
    known_hashes::add(pool, "two", &moved).await.unwrap();
    assert_eq!(of(&["two"]).await, [row("two", "b", 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_too_little_is_neither_stored_nor_searched() {
    // HSH-1: quality below 50
    let world = World::fresh().await;
    for quality in [0, 49, 101] {
        let refused = [
            known("good", hash_of(1)),
            KnownHash {
                quality,
                ..known("bad", hash_of(2))
            },
        ];
        let refused = known_hashes::add(&world.pool, "l", &refused).await;
        let fault = refused.unwrap_err().into_database_error().unwrap();
        assert!(fault.is_check_violation(), "{fault}");
    }
    assert_eq!(known_hashes::read(&world.pool, "l").await.unwrap(), []);
    let query = Fingerprint {
        quality: 49,
        ..picture(hash_of(1), 0)
    };
    let refused = known_hashes::near(&world.pool, &["l"], &query).await;
    assert!(matches!(refused, Err(NotSearched::SaysTooLittle(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_the_index_are_those_of_the_hash() {
    let world = World::fresh().await;
    let pool = &world.pool;
    let list = [known("a", hash_of(1))];
    known_hashes::add(pool, "l", &list).await.unwrap();
    let words: Vec<i32> = sqlx::query_scalar("SELECT pdq_words(hash) FROM known_hashes")
        .fetch_one(pool)
        .await
        .unwrap();
    let pairs = hash_of(1).bytes().as_chunks::<2>().0.to_vec();
    let expected = (0..).zip(pairs);
    let expected =
        expected.map(|(at, [high, low])| at << 16 | i32::from(high) << 8 | i32::from(low));
    assert_eq!(words, expected.collect::<Vec<i32>>());
    let index = "SELECT pg_get_indexdef('known_hashes_by_word'::regclass)";
    let index: String = sqlx::query_scalar(index).fetch_one(pool).await.unwrap();
    assert!(index.ends_with("USING gin (pdq_words(hash))"), "{index}");
}

/// How often the index over words was asked, as far as it is counted yet.
async fn looks(pool: &PgPool) -> i64 {
    let looks = "SELECT coalesce(idx_scan, 0) FROM pg_stat_user_indexes WHERE indexrelname = 'known_hashes_by_word'";
    sqlx::query_scalar(looks).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_some_size_is_searched_by_the_index_over_words() {
    let world = World::fresh().await;
    let pool = &world.pool;
    for part in a_list(10_000).chunks(2_000) {
        known_hashes::add(pool, "exchange", part).await.unwrap();
    }
    sqlx::query("ANALYZE known_hashes")
        .execute(pool)
        .await
        .unwrap();
    let query = picture(near_to(77, 20), 5);
    let turns = query.turns.map(|turn| Bit::from_bytes(turn.bytes()));
    let numbers = query.turns.iter().flat_map(|turn| {
        let probes = Radius::MAX.probes(turn);
        probes.map(|(word, value)| i32::try_from(word).unwrap() << 16 | i32::from(value))
    });
    let plan: Vec<String> = sqlx::query_scalar(&format!("EXPLAIN {QUESTION}"))
        .bind(["exchange"].as_slice())
        .bind(turns.to_vec())
        .bind(numbers.collect::<Vec<i32>>())
        .bind(31_i64)
        .fetch_all(pool)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(
        plan.contains("Bitmap Index Scan on known_hashes_by_word"),
        "{plan}"
    );
    assert!(!plan.contains("Seq Scan on known_hashes"), "{plan}");
    // And not only in the plan: each of the eight turns asks it for each of its sixteen words.
    let near = found(pool, &["exchange"], &query).await;
    assert_eq!(
        near.iter()
            .map(|near| (near.id.as_str(), near.distance))
            .collect::<Vec<_>>(),
        [("77", 20)]
    );
    until("the index is asked 128 times", async || {
        looks(pool).await == 128
    })
    .await;
}
