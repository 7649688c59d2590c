//! Live progress of one scan as server-sent events (FRS-2: at most 3 s old; here a quarter of one).

use crate::app::App;
use crate::envelope::known;
use crate::scan_job::ScanStatus;
use crate::scans::find;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use poem::web::sse::Event;
use poem_openapi::Object;
use poem_openapi::payload::EventStream;
use poem_openapi::types::ToJSON;
use projections::scans::ScanRow;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Longest stream; whoever still watches asks again.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Time between two signs of life on a quiet stream.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How far a scan is.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Progress {
    /// The scan.
    id: Uuid,
    /// Where it stands.
    status: ScanStatus,
    /// 0 to 100; never decreases.
    progress: i32,
    /// Pages found for the first time so far.
    matches_found: i32,
    /// Alerts raised so far.
    alerts_created: i32,
    /// What she must know about the coverage so far.
    warnings: Vec<String>,
}

enum Watch {
    Next(Box<ScanRow>),
    Over,
}

/// Every change from now to the end of the scan.
pub(crate) fn stream(app: App, first: ScanRow) -> EventStream<BoxStream<'static, Progress>> {
    let until = Instant::now() + LONGEST;
    let changes = unfold(Watch::Next(Box::new(first)), move |watch| {
        let app = app.clone();
        async move {
            let Watch::Next(row) = watch else {
                return None;
            };
            let shown = show(&row)?;
            let next = match row.completed_at {
                Some(_) => Watch::Over,
                None => changed(&app, &row, until).await,
            };
            Some((shown, next))
        }
    });
    EventStream::new(changes.boxed())
        .to_event(|progress| Event::message(progress.to_json_string()).event_type("progress"))
        .keep_alive(SIGN_OF_LIFE)
}

/// Waits for the next change.
async fn changed(app: &App, seen: &ScanRow, until: Instant) -> Watch {
    while Instant::now() < until {
        tokio::time::sleep(LOOK).await;
        // A database that is away for a moment is no news.
        if let Ok(Some(row)) = find(app, seen.owner.into(), seen.scan_id.into()).await
            && looks_different(&row, seen)
        {
            return Watch::Next(Box::new(row));
        }
    }
    Watch::Over
}

fn looks_different(row: &ScanRow, seen: &ScanRow) -> bool {
    let looks = |r: &ScanRow| {
        (
            r.status.clone(),
            r.progress,
            r.matches_found,
            r.alerts_created,
            r.warnings.len(),
        )
    };
    looks(row) != looks(seen)
}

fn show(row: &ScanRow) -> Option<Progress> {
    Some(Progress {
        id: row.scan_id,
        status: known("read_scans.status", &row.status).ok()?,
        progress: row.progress,
        matches_found: row.matches_found,
        alerts_created: row.alerts_created,
        warnings: row.warnings.clone(),
    })
}
