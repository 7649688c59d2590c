//! After a member was erased, nothing of hers stays in the tables of read models: not in the live generation, whose
//! projector removes her rows, not in the one before it, and not in the pages that her rows left behind.

use crate::generation;
use crate::images::Images;
use crate::projector::ReadModel;
use domain::ids::UserId;
use eventstore::erasure::rewrite;
use sqlx::PgPool;
use std::time::Duration;

/// Time between two looks for pictures that were purged and stand in an earlier generation.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(60 * 60);

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

/// Takes pictures that were purged since out of the generation of her library before the live one, until the process ends
/// (IMG-6): nobody reads it, but there they would stay until the next rebuild.
pub async fn keep_forgetting(pool: PgPool) {
    loop {
        if let Err(fault) = forget_purged(&pool).await {
            tracing::warn!(%fault, "purged pictures may still stand in an earlier generation");
        }
        tokio::time::sleep(FORGOTTEN_EVERY).await;
    }
}

/// Takes pictures that were purged since out of the generation before the live one; how many rows.
///
/// # Errors
/// When the database does not answer; asking again is safe.
pub async fn forget_purged(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let Some(before) = generation::previous(&mut tx, Images::NAME).await? else {
        return Ok(0);
    };
    let schema = before.schema::<Images>();
    let tables: Vec<&str> = Images::default()
        .tables()
        .iter()
        .map(|t| t.name())
        .collect();
    let mut removed = 0;
    for table in tables {
        let delete = format!(
            "DELETE FROM {schema}.{table} t USING events e
              WHERE e.event_type = 'ImagePurged' AND e.aggregate_type = 'image' AND e.position > $1
                AND e.payload->e.event_type->>'image_id' = t.image_id::text"
        );
        let gone = sqlx::query(&delete).bind(before.position).execute(&mut *tx);
        removed += gone.await?.rows_affected();
    }
    if removed > 0 {
        // Its digest is no longer known; the way back computes it from the rows.
        sqlx::query(
            "UPDATE read_generations SET digest = NULL WHERE name = $1 AND generation = $2",
        )
        .bind(Images::NAME)
        .bind(before.number)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(removed)
}
