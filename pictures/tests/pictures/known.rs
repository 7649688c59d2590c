//! An index of known hashes finds exactly what a comparison with each of them finds.

use crate::shelf;
use pictures::known::{Comparable, Index, Near, Radius, SaysTooLittle, TooWide, WORDS};
use pictures::pdq::{self, Fingerprint, Hash};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// A hash like any other: those of different numbers are about 128 bits apart.
fn hash_of(number: u32) -> Hash {
    Hash::from_bytes(Sha256::digest(number.to_be_bytes()).into())
}

fn flipped(hash: Hash, bits: impl IntoIterator<Item = usize>) -> Hash {
    let mut bytes = *hash.bytes();
    for bit in bits {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    Hash::from_bytes(bytes)
}

/// A picture whose eight turns are these hashes.
fn picture(turns: [Hash; 8]) -> Fingerprint {
    Fingerprint {
        hash: turns[0],
        quality: 50,
        turns,
    }
}

/// A picture that stands as `hash`; its other turns are far from everything.
fn standing(hash: Hash) -> Fingerprint {
    let mut turns = std::array::from_fn(|turn| hash_of(4_000_000_000 + turn as u32));
    turns[0] = hash;
    picture(turns)
}

fn index(known: &[Hash]) -> Index {
    let comparable = known.iter().map(|hash| Comparable::try_new(*hash, 50));
    Index::build(comparable.map(Result::unwrap)).unwrap()
}

fn radius(bits: u16) -> Radius {
    Radius::try_new(bits).unwrap()
}

fn found(index: &Index, query: &Fingerprint, bits: u16) -> Vec<(usize, u16)> {
    let near = index.search(query, radius(bits)).unwrap();
    near.iter()
        .map(|near| (near.place, near.distance))
        .collect()
}

/// What is within `bits`, by comparing with each.
fn compared(known: &[Hash], query: &Fingerprint, bits: u16) -> Vec<(usize, u16)> {
    let distances = known.iter().map(|hash| pdq::nearest(query, hash));
    let mut near: Vec<_> = distances.enumerate().collect();
    near.retain(|(_, distance)| *distance <= bits);
    near.sort_by_key(|(place, distance)| (*distance, *place));
    near
}

/// Bits of a hash, few or many, anywhere or all in a few words.
fn any_bits() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0_usize..256, 0..45),
        prop::collection::vec(96_usize..160, 0..40),
        prop::collection::vec(0_usize..16, 24..33).prop_map(|words| {
            let spread = words.into_iter().enumerate();
            spread.map(|(at, word)| at % 16 * 16 + word).collect()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    // HSH-1: clusters around a few hashes, as real lists have them, among random ones.
    #[test]
    fn the_index_equals_a_comparison_with_each_at_every_radius(
        clusters in prop::collection::vec((0_u32..6, any_bits()), 0..120),
        random in prop::collection::vec(any::<[u8; 32]>(), 0..40),
        turns in prop::array::uniform8((0_u32..8, any_bits())),
    ) {
        let near_to = |(base, bits): (u32, Vec<usize>)| flipped(hash_of(base), bits);
        let mut known: Vec<Hash> = clusters.into_iter().map(near_to).collect();
        known.extend(random.into_iter().map(Hash::from_bytes));
        let index = index(&known);
        prop_assert_eq!(index.len(), known.len());
        let query = picture(turns.map(near_to));
        for bits in 0..=31 {
            prop_assert_eq!(found(&index, &query, bits), compared(&known, &query, bits), "{}", bits);
        }
    }
}

// HSH-1: the hardest case of the pigeonhole, two bits in each word but one.
#[test]
fn thirty_one_bits_are_found_wherever_the_one_word_is_that_gives_them_away() {
    let known = hash_of(1);
    let index = index(&[hash_of(2), known, hash_of(3)]);
    let two_in_each = (0..WORDS).flat_map(|word| [word * 16 + word, word * 16 + (word + 5) % 16]);
    let two_in_each: Vec<usize> = two_in_each.collect();
    for left_out in 0..32 {
        let bits = two_in_each.iter().enumerate();
        let bits = bits.filter(|(at, _)| *at != left_out).map(|(_, bit)| *bit);
        let query = standing(flipped(known, bits));
        assert_eq!(found(&index, &query, 31), [(1, 31)], "without {left_out}");
        assert_eq!(found(&index, &query, 30), []);
    }
    let query = standing(flipped(known, two_in_each));
    assert_eq!(found(&index, &query, 31), []);
}

// HSH-1: needles at known distances from a haystack of our own.
#[test]
fn needles_are_found_up_to_the_radius_and_not_beyond() {
    let distances = [0, 1, 14, 15, 16, 30, 31, 32, 40, 63];
    let haystack: Vec<Hash> = (0..2_000).map(hash_of).collect();
    let index = index(&haystack);
    for bits in [0, 15, 31] {
        let mut pairs = 0;
        for (needle, distance) in (0..500).zip(distances.into_iter().cycle()) {
            let apart = (0..distance).map(|bit| (bit * 37 + needle) % 256);
            let query = standing(flipped(haystack[needle * 4], apart));
            let near = found(&index, &query, bits);
            let expected = (distance <= usize::from(bits)).then_some((needle * 4, distance as u16));
            assert_eq!(near, expected.into_iter().collect::<Vec<_>>());
            pairs += near.len();
        }
        let within = distances.iter().filter(|d| **d <= usize::from(bits));
        assert_eq!(pairs, 50 * within.count());
    }
}

// HSH-1, `../shared/testdata/pdq`
#[test]
fn the_published_needles_are_found_in_the_published_haystack() {
    let Some((needles, haystack)) = shelf::needles_and_haystack() else {
        return;
    };
    let index = index(&haystack);
    let pairs = |bits: u16| {
        let queries = needles.iter().map(|needle| picture([*needle; 8]));
        queries
            .map(|query| found(&index, &query, bits).len())
            .sum::<usize>()
    };
    assert_eq!([0, 15, 31].map(pairs), [50, 151, 250]);
    // Place by place, not only as many.
    for needle in &needles {
        let query = standing(*needle);
        assert_eq!(found(&index, &query, 31), compared(&haystack, &query, 31));
    }
}

// HSH-1
#[test]
fn each_of_the_eight_turns_finds_and_what_several_find_is_found_once() {
    let known = hash_of(9);
    let index = index(&[hash_of(8), known, known]);
    for turn in 0..8 {
        let mut query = standing(hash_of(7));
        query.turns[turn] = flipped(known, 0..12);
        assert_eq!(found(&index, &query, 31), [(1, 12), (2, 12)], "{turn}");
    }
    // A picture that is its own mirror: the nearest turn counts.
    let mut query = picture([flipped(known, 0..20); 8]);
    query.turns[5] = flipped(known, 40..43);
    assert_eq!(found(&index, &query, 31), [(1, 3), (2, 3)]);
}

// HSH-1: a list in which all share their words is searched as exactly.
#[test]
fn a_thousand_hashes_that_differ_in_the_last_word_alone_are_all_found() {
    let known: Vec<Hash> = (0..1_000_usize)
        .map(|at| flipped(hash_of(1), (0..10).filter(move |bit| at >> bit & 1 == 1)))
        .collect();
    let query = picture([hash_of(1); 8]);
    let near = found(&index(&known), &query, 31);
    assert_eq!(near.len(), 1_000);
    assert_eq!(near, compared(&known, &query, 31));
}

// HSH-1: below 50 nothing is compared, and that is not the same as finding nothing.
#[test]
fn what_says_too_little_neither_enters_nor_is_searched() {
    for quality in [0, 49] {
        let refused = Comparable::try_new(hash_of(1), quality);
        assert_eq!(refused, Err(SaysTooLittle { quality }));
        let query = Fingerprint {
            quality,
            ..standing(hash_of(1))
        };
        let answer = index(&[hash_of(1)]).search(&query, Radius::MAX);
        assert_eq!(answer, Err(SaysTooLittle { quality }));
    }
    let enough = Comparable::try_new(hash_of(1), 50).unwrap();
    assert_eq!(enough.hash(), &hash_of(1));
    let answer = index(&[hash_of(1)]).search(&standing(hash_of(1)), Radius::MAX);
    let itself = Near {
        place: 0,
        distance: 0,
    };
    assert_eq!(answer, Ok(vec![itself]));
}

// HSH-1
#[test]
fn a_radius_beyond_31_bits_is_refused_in_words() {
    assert_eq!(Radius::try_new(31), Ok(Radius::MAX));
    let refused = Radius::try_new(32);
    assert_eq!(refused, Err(TooWide { bits: 32 }));
    let words = "known hashes are searched within 31 bits at most, not 32";
    assert_eq!(refused.unwrap_err().to_string(), words);
}

#[test]
fn an_empty_list_finds_nothing_and_no_log_shows_a_hash() {
    let empty = index(&[]);
    assert!(empty.is_empty());
    assert_eq!(found(&empty, &standing(hash_of(1)), 31), []);
    let shown = format!("{:?}", index(&[hash_of(1), hash_of(2)]));
    assert_eq!(shown, "Index(2 hashes)");
}

// HSH-1
#[test]
fn of_a_million_each_is_found_again_with_thirty_one_bits_changed() {
    let known: Vec<Hash> = (0..1_000_000).map(hash_of).collect();
    let index = index(&known);
    for query in 0..200_usize {
        let mut turns = std::array::from_fn(|turn| hash_of((2_000_000 + query * 8 + turn) as u32));
        let changed = (0..31).map(|bit| (bit * 73 + query) % 256);
        turns[query % 8] = flipped(known[query * 4_999], changed);
        assert_eq!(found(&index, &picture(turns), 31), [(query * 4_999, 31)]);
    }
}
