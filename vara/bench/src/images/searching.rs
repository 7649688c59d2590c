//! Looking a picture up among known hashes at up to 31 bits in all eight turns: in memory, in PostgreSQL, and by comparing with
//! each one.

use super::Images;
use super::figures::Figures;
use crate::ground::Ground;
use anyhow::ensure;
use pictures::known::{Comparable, Index, Radius};
use pictures::pdq::{DISTANCE_MAX, Fingerprint, Hash, nearest};
use projections::known_hashes::{self, KnownHash};
use std::time::{Duration, Instant};

/// Questions of one run in memory, and of the slower ones.
const QUESTIONS: usize = 400;
const SLOW: usize = 40;
/// Hashes that are added to the database at once.
const PAGE: usize = 20_000;
const LIST: &str = "bench";
/// What the database remembers of the list is written down before it is asked, as autovacuum and checkpoints do in their time.
const SETTLE: [&str; 2] = ["VACUUM (ANALYZE) known_hashes", "CHECKPOINT"];

/// What is found: places in the list with their distances.
type Found = Vec<(usize, u16)>;

/// All three; each must find what comparing with each one finds.
pub async fn measured(ground: &Ground, ask: Images) -> anyhow::Result<Vec<Figures>> {
    let mut chance = fastrand::Rng::with_seed(1);
    let known: Vec<Hash> = (0..ask.hashes).map(|_| any(&mut chance)).collect();
    let questions: Vec<Fingerprint> = (0..QUESTIONS)
        .map(|_| near_to(&known, &mut chance))
        .collect();
    let slow = &questions[..SLOW];
    // Only a million is what the target speaks of.
    let work = match ask.hashes {
        1_000_000 => "search-1m".to_owned(),
        other => format!("search-{other}"),
    };
    let mut brute = Figures::new(&work, "compare-with-each", true);
    let mut memory = Figures::new(&work, "vara", false);
    let mut database = Figures::new(&work, "vara-postgres", false);
    let held = resident_kib(std::process::id());
    let comparable = known.iter().map(|hash| Comparable::try_new(*hash, 100));
    let index = Index::build(comparable.collect::<Result<Vec<_>, _>>()?)?;
    memory.peak_kib = held
        .zip(resident_kib(std::process::id()))
        .map(|(before, after)| after.saturating_sub(before));
    let pool = ground.connect(2).await?;
    fill(&pool, &known).await?;
    // A server that has just been filled asks its disk for every page; one that answered other questions does so no more.
    for other in &questions[SLOW..] {
        known_hashes::near(&pool, &[LIST], other).await?;
    }
    for _ in 0..ask.rounds {
        let right = timed(slow, &mut brute, |asked| Ok(each(&known, asked)))?;
        let found = timed(&questions, &mut memory, |asked| {
            let near = index.search(asked, Radius::MAX)?;
            Ok(near
                .iter()
                .map(|near| (near.place, near.distance))
                .collect())
        })?;
        ensure!(
            found[..SLOW] == right,
            "what is found in memory is not what is there"
        );
        let mut singly = Vec::new();
        for (asked, right) in slow.iter().zip(&right) {
            let begun = Instant::now();
            let near = known_hashes::near(&pool, &[LIST], asked).await?;
            singly.push(begun.elapsed());
            let place = |near: &known_hashes::Near| Ok((near.id.parse()?, near.distance));
            let mut found = near.iter().map(place).collect::<anyhow::Result<Found>>()?;
            found.sort_unstable_by_key(|(place, distance)| (*distance, *place));
            ensure!(
                found == *right,
                "what the database finds is not what is there"
            );
        }
        database.add_in_turn(singly);
    }
    pool.close().await;
    Ok(vec![brute, memory, database])
}

/// Each question singly; what was found, in the order of the questions.
fn timed(
    questions: &[Fingerprint],
    figures: &mut Figures,
    ask: impl Fn(&Fingerprint) -> anyhow::Result<Found>,
) -> anyhow::Result<Vec<Found>> {
    let (mut singly, mut all) = (Vec::<Duration>::new(), Vec::new());
    for asked in questions {
        let begun = Instant::now();
        let mut found = ask(asked)?;
        singly.push(begun.elapsed());
        found.sort_unstable_by_key(|(place, distance)| (*distance, *place));
        all.push(found);
    }
    figures.add_in_turn(singly);
    Ok(all)
}

fn each(known: &[Hash], asked: &Fingerprint) -> Found {
    let near = known
        .iter()
        .enumerate()
        .map(|(place, hash)| (place, nearest(asked, hash)));
    near.filter(|(_, distance)| *distance <= DISTANCE_MAX)
        .collect()
}

fn any(chance: &mut fastrand::Rng) -> Hash {
    let mut bytes = [0; 32];
    chance.fill(&mut bytes);
    Hash::from_bytes(bytes)
}

/// A known hash with up to 31 bits changed, as one of eight turns that are otherwise anything: uniform is the hardest case.
fn near_to(known: &[Hash], chance: &mut fastrand::Rng) -> Fingerprint {
    let mut bytes = *known[chance.usize(..known.len())].bytes();
    let mut bits: Vec<usize> = (0..256).collect();
    chance.shuffle(&mut bits);
    for bit in &bits[..chance.usize(..=usize::from(DISTANCE_MAX))] {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let mut turns = std::array::from_fn(|_| any(chance));
    turns[chance.usize(..8)] = Hash::from_bytes(bytes);
    Fingerprint {
        hash: turns[0],
        quality: 100,
        turns,
    }
}

async fn fill(pool: &sqlx::PgPool, known: &[Hash]) -> anyhow::Result<()> {
    for (page, hashes) in known.chunks(PAGE).enumerate() {
        let row = |(at, hash): (usize, &Hash)| KnownHash {
            id: (page * PAGE + at).to_string(),
            hash: *hash,
            quality: 100,
        };
        let rows: Vec<KnownHash> = hashes.iter().enumerate().map(row).collect();
        known_hashes::add(pool, LIST, &rows).await?;
    }
    for statement in SETTLE {
        sqlx::query(statement).execute(pool).await?;
    }
    Ok(())
}

/// Memory that a process itself holds, in KiB; nothing where the system does not tell (proc(5), VmRSS).
#[must_use]
pub fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_an_answer_that_comparing_with_each_finds() {
        let mut chance = fastrand::Rng::with_seed(7);
        let known: Vec<Hash> = (0..1_000).map(|_| any(&mut chance)).collect();
        for _ in 0..50 {
            let found = each(&known, &near_to(&known, &mut chance));
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }
}
