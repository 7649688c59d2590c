//! Takes up scans that nobody works on any more, because the bus lost their message: every accepted scan reaches a
//! final state (SCN-6, SCN-7).

use super::{ATTEMPTS, DELIVERIES_MAX, ImageScan, QUEUE};
use domain::scan::ScanSlot;
use eventstore::{Recorded, heartbeat, stalled};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// A scan without any event for this long is taken up (SCN-7).
const QUIET_FOR: Duration = Duration::from_secs(15 * 60);
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(60);
/// Time between two signs of life; the API waits for four of them before it calls the workers gone.
const BEAT: Duration = Duration::from_secs(15);

/// Says every few seconds that scans are worked on here.
pub(super) async fn beat(worker: &ImageScan) {
    loop {
        if let Err(fault) = heartbeat::beat(worker.store.database(), QUEUE.name).await {
            tracing::warn!(%fault, "a sign of life could not be written");
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Looks for forgotten scans until the process ends.
pub(super) async fn watch(worker: &ImageScan) {
    let mut tries = HashMap::new();
    loop {
        tokio::time::sleep(LOOK).await;
        look(worker, &mut tries, QUIET_FOR).await;
    }
}

pub(super) async fn look(worker: &ImageScan, tries: &mut HashMap<Uuid, i64>, quiet_for: Duration) {
    let forgotten = match forgotten(worker, quiet_for).await {
        Ok(forgotten) => forgotten,
        Err(fault) => {
            tracing::warn!(%fault, "forgotten scans could not be looked for");
            return;
        }
    };
    tries.retain(|scan, _| forgotten.iter().any(|event| event.event_id == *scan));
    for event in forgotten {
        let tried = tries.entry(event.event_id).or_default();
        *tried += 1;
        tracing::warn!(scan_started = %event.event_id, tried, "a forgotten scan is taken up");
        // What could not be worked on so many times is ended, and says that it searched nothing.
        let delivered = if *tried > ATTEMPTS {
            DELIVERIES_MAX + 1
        } else {
            *tried
        };
        worker.attend(event, delivered).await;
    }
}

async fn forgotten(
    worker: &ImageScan,
    quiet_for: Duration,
) -> Result<Vec<Recorded>, eventstore::ReadFault> {
    let closing = ["ScanCompleted", "ScanFailed"];
    let database = worker.store.database();
    stalled::openings(database, ScanSlot::NOUN, "ScanStarted", &closing, quiet_for).await
}
