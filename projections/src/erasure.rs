//! After a member was erased, nothing of hers stays in the tables of read models: not in the live generation, whose
//! projector removes her rows, not in the one before it, and not in the pages that her rows left behind.

use crate::generation;
use crate::projector::ReadModel;
use domain::ids::UserId;
use eventstore::erasure::rewrite;
use sqlx::PgPool;

/// Removes a member's rows from the generation before the live one, and one that is being built altogether; then
/// rewrites the tables, so that no page holds what was deleted; a rebuild of a table too large for that leaves the old
/// file behind altogether. How many rows were removed.
///
/// Asked for after the projector has applied `SubjectErased`.
///
/// # Errors
/// When the database does not answer; asking again is safe.
pub async fn purge<M: ReadModel>(pool: &PgPool, who: UserId) -> Result<u64, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let live = generation::live(&mut tx, M::NAME).await?;
    let before = generation::previous(&mut tx, M::NAME).await?;
    generation::abandon::<M>(&mut tx).await?;
    let owners: Vec<(&str, &str)> = M::default()
        .tables()
        .iter()
        .map(|table| (table.name(), table.owner()))
        .collect();
    let mut removed = 0;
    if let Some(before) = &before {
        let schema = before.schema::<M>();
        for (table, owner) in &owners {
            let delete = format!("DELETE FROM {schema}.{table} WHERE {owner} = $1");
            let gone = sqlx::query(&delete).bind(who.0).execute(&mut *tx).await?;
            removed += gone.rows_affected();
        }
        // Its digest is no longer known; the way back computes it from the rows.
        sqlx::query(
            "UPDATE read_generations SET digest = NULL WHERE name = $1 AND generation = $2",
        )
        .bind(M::NAME)
        .bind(before.number)
        .execute(&mut *tx)
        .await?;
    }
    // Digests from before were made of her values too.
    sqlx::query(
        "DELETE FROM read_digests d WHERE d.name = $1 AND d.position <
            (SELECT coalesce(max(e.position), 0) FROM events e
              WHERE e.aggregate_type = 'user' AND e.aggregate_id = $2 AND e.event_type = 'SubjectErased')",
    )
    .bind(M::NAME)
    .bind(who.to_string())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    for generation in std::iter::once(&live).chain(&before) {
        let schema = generation.schema::<M>();
        for (table, _) in &owners {
            rewrite(pool, &format!("{schema}.{table}")).await?;
        }
    }
    Ok(removed)
}
