//! Sweeps bytes that no record names and bytes that nobody can open any more (IMG-1, AUD-4), once an hour.
//!
//! Two of these at once do no harm: both ask the log, and deleting what is gone changes nothing.

use eventstore::objects::Objects;
use eventstore::{Store, edge};
use std::time::{Duration, Instant};

/// Time between two sweeps, and before the first one of a process.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Sweeps until the process ends.
pub async fn run(store: Store, objects: Objects) {
    loop {
        tokio::time::sleep(EVERY).await;
        let begun = Instant::now();
        match objects.sweep(store.database(), edge::now()).await {
            Ok(swept) => tracing::info!(
                seen = swept.seen,
                orphans = swept.orphans,
                unopenable = swept.unopenable,
                bytes = swept.bytes,
                milliseconds = begun.elapsed().as_millis(),
                "stored pictures were swept"
            ),
            Err(fault) => tracing::warn!(%fault, "stored pictures could not be swept"),
        }
    }
}
