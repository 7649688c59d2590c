//! Streams on which something was opened, not closed, and nothing happened for a while: what a lost message of the
//! bus leaves behind. The log knows, whatever the bus forgot.

use crate::log::ReadFault;
use crate::recorded::{COLUMNS, Recorded};
use sqlx::PgPool;
use std::time::Duration;

/// Most streams that are told at once; the oldest come first.
const AT_ONCE: i64 = 100;

/// The opening event of every such stream of a noun.
///
/// Reads all opening and closing events of the noun: a question for once a minute, not for each request.
///
/// # Errors
/// [`ReadFault`].
pub async fn openings(
    pool: &PgPool,
    noun: &str,
    opening: &str,
    closing: &[&str],
    quiet_for: Duration,
) -> Result<Vec<Recorded>, ReadFault> {
    let open = format!(
        "WITH last AS (SELECT DISTINCT ON (aggregate_id) * FROM events
                        WHERE aggregate_type = $1 AND (event_type = $2 OR event_type = ANY ($3))
                        ORDER BY aggregate_id, sequence DESC)
         SELECT {COLUMNS} FROM last
          WHERE last.event_type = $2
            AND NOT EXISTS (SELECT FROM events e
                             WHERE e.aggregate_type = $1 AND e.aggregate_id = last.aggregate_id
                               AND e.recorded_at > clock_timestamp() - make_interval(secs => $4))
          ORDER BY last.position LIMIT $5"
    );
    let rows = sqlx::query(&open)
        .bind(noun)
        .bind(opening)
        .bind(closing)
        .bind(quiet_for.as_secs_f64())
        .bind(AT_ONCE)
        .fetch_all(pool)
        .await?;
    rows.iter().map(Recorded::from_row).collect()
}
