//! Lists of hashes that somebody knows, and which of them are near copies of a picture (HSH-1).
//!
//! Exact, like `pictures::known`, which searches a list in memory by the same words: a hash within 31 bits has one of
//! 272 numbers in common with a turn of the picture, an inverted index finds whoever has one, and the distance decides.
//! No read model: lists come from outside, so they are written here as well as read.

use pgvector::Bit;
use pictures::known::{Comparable, Radius, SaysTooLittle};
use pictures::pdq::{Fingerprint, Hash};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// A hash as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHash {
    /// What the list calls it.
    pub id: String,
    /// The hash itself.
    pub hash: Hash,
    /// 50 to 100; the database takes nothing else.
    pub quality: u8,
}

/// A known hash that is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// In which list.
    pub list: String,
    /// What the list calls it.
    pub id: String,
    /// Bits to the nearest of the eight turns, 0 to 31.
    pub distance: u16,
}

/// Why a picture was not searched, which is another thing than that nothing is known of it.
#[derive(Debug, thiserror::Error)]
pub enum NotSearched {
    /// Its quality is below 50.
    #[error(transparent)]
    SaysTooLittle(#[from] SaysTooLittle),
    /// The database did not answer.
    #[error("the known hashes could not be asked")]
    Database(#[from] sqlx::Error),
}

/// Adds hashes to a list. One that the list has already, by its id, gets the hash and quality given here.
///
/// Each id may be given once. A few thousand at a time are a good measure.
///
/// # Errors
/// When a quality is not 50 to 100 or an id is given twice, then none is added; or when the database does not answer.
pub async fn add(pool: &PgPool, list: &str, known: &[KnownHash]) -> Result<(), sqlx::Error> {
    let ids: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
    let hashes: Vec<Bit> = known.iter().map(|known| bits(&known.hash)).collect();
    let qualities: Vec<i16> = known.iter().map(|known| known.quality.into()).collect();
    sqlx::query(
        "INSERT INTO known_hashes (list, id, hash, quality)
         SELECT $1, n.id, n.hash, n.quality FROM unnest($2::text[], $3::bit(256)[], $4::int2[]) AS n(id, hash, quality)
         ON CONFLICT (list, id) DO UPDATE SET hash = EXCLUDED.hash, quality = EXCLUDED.quality",
    )
    .bind(list)
    .bind(ids)
    .bind(hashes)
    .bind(qualities)
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes hashes out of a list: whoever gave one may take it back. How many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(pool: &PgPool, list: &str, ids: &[&str]) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query("DELETE FROM known_hashes WHERE list = $1 AND id = ANY($2)")
        .bind(list)
        .bind(ids)
        .execute(pool)
        .await?;
    Ok(removed.rows_affected())
}

/// A whole list in the order of ids, to build a `pictures::known::Index` of.
///
/// # Errors
/// When the database does not answer.
pub async fn read(pool: &PgPool, list: &str) -> Result<Vec<(String, Comparable)>, sqlx::Error> {
    let rows: Vec<(String, Bit, i16)> =
        sqlx::query_as("SELECT id, hash, quality FROM known_hashes WHERE list = $1 ORDER BY id")
            .bind(list)
            .fetch_all(pool)
            .await?;
    let row = |(id, hash, quality): (String, Bit, i16)| {
        let hash = <[u8; 32]>::try_from(hash.as_bytes()).map_err(unreadable)?;
        let quality = u8::try_from(quality).map_err(unreadable)?;
        let known = Comparable::try_new(Hash::from_bytes(hash), quality).map_err(unreadable)?;
        Ok((id, known))
    };
    rows.into_iter().map(row).collect()
}

/// What [`near`] asks, open so that its plan can be looked at: `$1` the lists, `$2` turns, `$3` the numbers to
/// look for, in order of turns and words, 17 for each word, and `$4` the radius.
///
/// Word by word: the index compares every row that it finds with all numbers that it was asked for at once, so 128 small
/// questions cost a third of eight large ones.
pub const QUESTION: &str = "\
    SELECT k.list, k.id, min(bit_count(k.hash # t.turn)) AS distance
      FROM unnest($2::bit(256)[]) WITH ORDINALITY AS t(turn, at)
     CROSS JOIN generate_series(1, 16) AS w(word)
      JOIN known_hashes k
        ON pdq_words(k.hash) && ($3::int4[])[((t.at - 1) * 16 + w.word - 1) * 17 + 1 : ((t.at - 1) * 16 + w.word) * 17]
     WHERE k.list = ANY($1) AND bit_count(k.hash # t.turn) <= $4
     GROUP BY k.list, k.id ORDER BY distance, k.list, k.id";

/// Every hash of these lists within 31 bits of any of the eight turns, each once: the nearest first, then by list and id.
///
/// # Errors
/// [`NotSearched`].
pub async fn near(
    pool: &PgPool,
    lists: &[&str],
    query: &Fingerprint,
) -> Result<Vec<Near>, NotSearched> {
    Comparable::try_new(query.hash, query.quality)?;
    let (some, others) = query.turns.split_at(query.turns.len() / 2);
    // Two at once: the server takes a processor for each. Both to their end, since a transaction that is dropped while it
    // begins stays open on its connection.
    let (some, others) = tokio::join!(near_to(pool, lists, some), near_to(pool, lists, others));
    let mut nearest = BTreeMap::new();
    for (list, id, bits) in some?.into_iter().chain(others?) {
        let distance = u16::try_from(bits).map_err(unreadable)?;
        let known = nearest.entry((list, id)).or_insert(distance);
        *known = distance.min(*known);
    }
    let near = |((list, id), distance)| Near { list, id, distance };
    let mut near: Vec<Near> = nearest.into_iter().map(near).collect();
    near.sort_by_key(|near| near.distance);
    Ok(near)
}

/// Lists, ids and bits of whatever is within 31 bits of any of these turns.
async fn near_to(
    pool: &PgPool,
    lists: &[&str],
    turns: &[Hash],
) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // The planner takes such an array for one in a hundred of all rows, where it is one in four thousand: going through the
    // whole table would seem cheaper to it than the index, and compiling for so many costs more than it saves.
    sqlx::query("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)")
        .execute(&mut *transaction)
        .await?;
    let rows = sqlx::query_as(QUESTION)
        .bind(lists)
        .bind(turns.iter().map(bits).collect::<Vec<Bit>>())
        .bind(numbers(turns))
        .bind(i64::from(Radius::MAX.bits()))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// What to look for among the words of the index, which have their number in front.
fn numbers(turns: &[Hash]) -> Vec<i32> {
    let probes = turns.iter().flat_map(|turn| Radius::MAX.probes(turn));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "0 to 15"
    )]
    let number = |(word, value)| (word as i32) << 16 | i32::from(value);
    probes.map(number).collect()
}

fn bits(hash: &Hash) -> Bit {
    Bit::from_bytes(hash.bytes())
}

fn unreadable(fault: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(fault))
}
