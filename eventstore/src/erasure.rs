//! What the database itself remembers of deleted rows, and how it is made to forget.

use sqlx::PgPool;

/// Has the write-ahead log go on in a new file and lets go of the older ones, which repeat what read models held.
///
/// Files that a standby or an archive still needs stay until it has them: they follow its own retention (docs,
/// operating). Without the right to ask for it, the next regular checkpoint does the same within minutes.
pub async fn overwrite_log_of_changes(pool: &PgPool) {
    // Two: the first one lets go of files before the checkpoint before it.
    for _ in 0..2 {
        for statement in ["SELECT pg_switch_wal()", "CHECKPOINT"] {
            if let Err(fault) = sqlx::query(statement).execute(pool).await {
                tracing::info!(%fault, "old files of the write-ahead log go with the next checkpoint");
                return;
            }
        }
    }
}
