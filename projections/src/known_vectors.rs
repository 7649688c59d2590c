//! Lists of vectors that somebody knows, and which of them are like a picture (VEC-1, PIP-5).
//!
//! Up to [`COMPARED_MAX`] of one list and model each is compared, so none is missed. Longer lists are asked through a graph
//! of neighbours (HNSW), which misses some; how many is measured in the tests. A member's own library is never asked here:
//! that is `likeness`, exact whatever its size.
//!
//! No read model: lists come from outside, so they are written here as well as read.

use pgvector::Vector;
use sqlx::{PgConnection, PgPool};

/// Most vectors of one list and model that are compared one by one: 20,000 took 13 ms.
pub const COMPARED_MAX: i64 = 20_000;

/// Most neighbours that one question yields (VEC-1 asks for ten).
pub const NEAR_MAX: i64 = 100;

/// How many candidates the graph follows: recall 0.999 of the first ten among 100,000 (docs/decisions/0025).
const FOLLOWED: &str = "SET LOCAL hnsw.ef_search = 100";

/// The graph knows neither lists nor models, so what it finds elsewhere is passed over and it goes on, nearest first, until
/// enough is found or 20,000 vectors were looked at (pgvector's default).
const GOES_ON: &str = "SET LOCAL hnsw.iterative_scan = strict_order";

/// A vector as a list names it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownVector {
    /// What the list calls it.
    pub id: String,
    /// 512 numbers of one space.
    pub vector: Vec<f32>,
}

/// A known vector that is alike.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Alike {
    /// What the list calls it.
    pub id: String,
    /// Cosine similarity (VEC-2).
    pub similarity: f64,
}

/// What is asked: a vector, and where to look.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// In which list.
    pub list: &'a str,
    /// The space of the vector; those of others are never compared.
    pub model: &'a str,
    /// 512 numbers.
    pub vector: &'a [f32],
    /// Most that are wanted, 1 to [`NEAR_MAX`].
    pub most: i64,
}

/// Adds vectors of one model to a list. One that the list has already, by its id, gets the numbers given here.
///
/// Each id may be given once. A thousand at a time are a good measure.
///
/// # Errors
/// When a vector has not 512 numbers or an id is given twice, then none is added; or when the database does not answer.
pub async fn add(
    pool: &PgPool,
    list: &str,
    model: &str,
    known: &[KnownVector],
) -> Result<(), sqlx::Error> {
    let ids: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
    let vectors: Vec<Vector> = known
        .iter()
        .map(|known| known.vector.clone().into())
        .collect();
    sqlx::query(
        "INSERT INTO known_vectors (list, model, id, vector)
         SELECT $1, $2, n.id, n.vector FROM unnest($3::text[], $4::vector[]) AS n(id, vector)
         ON CONFLICT (list, model, id) DO UPDATE SET vector = EXCLUDED.vector",
    )
    .bind(list)
    .bind(model)
    .bind(ids)
    .bind(vectors)
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes vectors out of a list, of whichever model: whoever gave one may take it back. How many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(pool: &PgPool, list: &str, ids: &[&str]) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query("DELETE FROM known_vectors WHERE list = $1 AND id = ANY($2)")
        .bind(list)
        .bind(ids)
        .execute(pool)
        .await?;
    Ok(removed.rows_affected())
}

/// The vectors of a list that are most alike, most similar first; none is missed in a list of up to [`COMPARED_MAX`].
///
/// # Errors
/// When the vector has not 512 numbers, or the database does not answer.
pub async fn alike(pool: &PgPool, asked: &Question<'_>) -> Result<Vec<Alike>, sqlx::Error> {
    let counted: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT FROM known_vectors WHERE list = $1 AND model = $2 LIMIT $3) AS counted",
    )
    .bind(asked.list)
    .bind(asked.model)
    .bind(COMPARED_MAX + 1)
    .fetch_one(pool)
    .await?;
    if counted <= COMPARED_MAX {
        compared(pool, asked).await
    } else {
        through_the_graph(pool, asked).await
    }
}

/// The same by comparing with each: exact.
///
/// # Errors
/// Those of [`alike`].
pub async fn compared(pool: &PgPool, asked: &Question<'_>) -> Result<Vec<Alike>, sqlx::Error> {
    // Ordered by an expression that no index serves: the planner cannot choose the graph behind our back.
    let question = "SELECT id, coalesce(nullif(1 - (vector <=> $3), 'NaN'), 0) AS similarity FROM known_vectors
                     WHERE list = $1 AND model = $2 ORDER BY similarity DESC, id LIMIT $4";
    sqlx::query_as(question)
        .bind(asked.list)
        .bind(asked.model)
        .bind(Vector::from(asked.vector.to_vec()))
        .bind(asked.most.clamp(1, NEAR_MAX))
        .fetch_all(pool)
        .await
}

/// What [`through_the_graph`] asks, open so that its plan can be looked at.
pub const GRAPH_QUESTION: &str = "\
    SELECT id, 1 - (vector <=> $3) AS similarity FROM known_vectors
     WHERE list = $1 AND model = $2 ORDER BY vector <=> $3 LIMIT $4";

/// The same through the graph of neighbours: quick in lists of any length, and now and then one is missed.
///
/// # Errors
/// Those of [`alike`].
pub async fn through_the_graph(
    pool: &PgPool,
    asked: &Question<'_>,
) -> Result<Vec<Alike>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    follow_the_graph(&mut tx).await?;
    let alike = sqlx::query_as(GRAPH_QUESTION)
        .bind(asked.list)
        .bind(asked.model)
        .bind(Vector::from(asked.vector.to_vec()))
        .bind(asked.most.clamp(1, NEAR_MAX))
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(alike)
}

/// Settings of a transaction that asks [`GRAPH_QUESTION`].
///
/// # Errors
/// When the database does not answer.
pub async fn follow_the_graph(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    for setting in [FOLLOWED, GOES_ON] {
        sqlx::query(setting).execute(&mut *db).await?;
    }
    Ok(())
}
