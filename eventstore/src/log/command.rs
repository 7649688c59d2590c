//! What one command led to.

use super::{Log, ReadFault};
use crate::recorded::{COLUMNS, Recorded};
use uuid::Uuid;

impl Log {
    /// The events of a command, in order; none where it is not in the log.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn of_command(&self, command_id: Uuid) -> Result<Vec<Recorded>, ReadFault> {
        let of_it = format!("SELECT {COLUMNS} FROM events WHERE command_id = $1 ORDER BY position");
        let rows = sqlx::query(&of_it)
            .bind(command_id)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Recorded::from_row).collect()
    }
}
