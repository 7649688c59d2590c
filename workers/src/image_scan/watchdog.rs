//! Takes up scans that nobody works on any more, because the bus lost their message: every accepted scan reaches a
//! final state (SCN-6, SCN-7).

use super::{ImageScan, QUEUE};
use domain::scan::ScanSlot;
use eventstore::lease::{self, ATTEMPTS, Lease, Taken};
use eventstore::{DatabaseFault, Recorded, heartbeat, stalled, work};
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
    loop {
        tokio::time::sleep(LOOK).await;
        look(worker, QUIET_FOR).await;
    }
}

pub(super) async fn look(worker: &ImageScan, quiet_for: Duration) {
    let forgotten = match forgotten(worker, quiet_for).await {
        Ok(forgotten) => forgotten,
        Err(fault) => {
            tracing::warn!(%fault, "forgotten scans could not be looked for");
            return;
        }
    };
    let attend = |event, lease| {
        let worker = worker.clone();
        async move { worker.attend(event, lease).await }
    };
    for event in forgotten {
        match leased(worker, event.event_id).await {
            Ok(Some(lease)) => {
                let (id, attempt) = (event.event_id, lease.attempt());
                tracing::warn!(scan_started = %id, attempt, "a forgotten scan is taken up");
                work::attempt(lease, &event, &attend, || std::future::ready(())).await;
            }
            // Somebody works on it after all, or it waits for its next attempt.
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "a forgotten scan could not be taken up"),
        }
    }
}

/// The lease of a forgotten scan. One whose attempts are used up is taken once more, to say that it ended and searched
/// nothing (SCN-7).
async fn leased(worker: &ImageScan, scan_started: Uuid) -> Result<Option<Lease>, DatabaseFault> {
    let database = worker.store.database();
    for most in [ATTEMPTS, i32::MAX] {
        match lease::take(database, QUEUE.name, scan_started, most).await? {
            Taken::Lease(lease) => return Ok(Some(lease)),
            Taken::Busy(_) => return Ok(None),
            Taken::Spent => {}
        }
    }
    Ok(None)
}

async fn forgotten(
    worker: &ImageScan,
    quiet_for: Duration,
) -> Result<Vec<Recorded>, eventstore::ReadFault> {
    let closing = ["ScanCompleted", "ScanFailed"];
    let database = worker.store.database();
    stalled::openings(database, ScanSlot::NOUN, "ScanStarted", &closing, quiet_for).await
}
