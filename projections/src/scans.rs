//! Her scans: how far each one is, what it reached, what it found.

mod questions;

pub use questions::{Wanted, find, list};

use crate::codes::code;
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::alert::AlertEvent;
use domain::ids::ScanId;
use domain::scan::{ScanEvent, Tally, UnitOutcome, Warning};
use eventstore::Opened;
use sqlx::PgConnection;
use uuid::Uuid;

/// One scan.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct ScanRow {
    /// The scan.
    pub scan_id: Uuid,
    /// Whose.
    pub owner: Uuid,
    /// `IMAGE_SCAN`.
    pub kind: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED`.
    pub status: String,
    /// The one picture she asked for.
    pub target: Option<Uuid>,
    /// Pictures to search for.
    pub images: i32,
    /// Pictures whose work is over.
    pub finished: i32,
    /// Pictures for which at least one engine answered.
    pub searched: i32,
    /// 0 to 100; never decreases (SCN-10).
    pub progress: i32,
    /// Pages found for the first time.
    pub matches_found: i32,
    /// Pages that earlier scans had found.
    pub seen_again: i32,
    /// Findings that wait for her review.
    pub flagged_for_review: i32,
    /// Results left out, by reason.
    pub below_threshold: i32,
    /// Results left out, by reason.
    pub clip_mismatch: i32,
    /// Results left out, by reason.
    pub bad_url: i32,
    /// Alerts that its findings raised.
    pub alerts_created: i32,
    /// Engines that answered.
    pub engines: Vec<String>,
    /// What she must know about the coverage.
    pub warnings: Vec<String>,
    /// Why pictures were not searched for, each reason once.
    pub errors: Vec<String>,
    /// Why nothing could be searched.
    pub error_code: Option<String>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When a worker took it up.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached its final state.
    pub completed_at: Option<DateTime<Utc>>,
}

/// The read model.
#[derive(Debug)]
pub struct Scans;

impl ReadModel for Scans {
    const NAME: &'static str = "scans_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Scan(scan) => apply_scan(tx, scan).await,
            Event::Alert(AlertEvent::AlertRaised { about, .. }) => {
                sqlx::query(
                    "UPDATE read_scans SET alerts_created = alerts_created + 1 WHERE scan_id = $1",
                )
                .bind(about.scan_id.0)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::User(_) | Event::Image(_) | Event::Match(_) | Event::Plan(_) => Ok(()),
        }
    }
}

async fn apply_scan(tx: &mut PgConnection, event: &ScanEvent) -> Result<(), sqlx::Error> {
    match event {
        ScanEvent::ScanStarted {
            owner,
            scan_id,
            kind,
            target,
            images,
            started_at,
        } => {
            sqlx::query(
                "INSERT INTO read_scans (scan_id, owner, kind, status, target, images, created_at)
                 VALUES ($1, $2, $3, 'PENDING', $4, $5, $6)",
            )
            .bind(scan_id.0)
            .bind(owner.0)
            .bind(code(kind)?)
            .bind(target.map(|image| image.0))
            .bind(i32::try_from(images.len()).unwrap_or(i32::MAX))
            .bind(started_at)
            .execute(tx)
            .await?;
        }
        ScanEvent::ScanBegun { scan_id, begun_at } => {
            sqlx::query(
                "UPDATE read_scans SET status = 'RUNNING', progress = 10, started_at = $2 WHERE scan_id = $1",
            )
            .bind(scan_id.0)
            .bind(begun_at)
            .execute(tx)
            .await?;
        }
        ScanEvent::ProviderQueried {
            scan_id, provider, ..
        } => answered(tx, *scan_id, provider).await?,
        ScanEvent::ProviderFailed { .. } => {}
        ScanEvent::ImageScanned {
            scan_id,
            outcome,
            tally,
            warnings,
            ..
        } => {
            image_scanned(tx, *scan_id, *outcome, tally).await?;
            warn(tx, *scan_id, warnings).await?;
        }
        ScanEvent::ScanCompleted {
            scan_id,
            warnings,
            completed_at,
        } => {
            warn(tx, *scan_id, warnings).await?;
            end(tx, *scan_id, "COMPLETED", None, *completed_at).await?;
        }
        ScanEvent::ScanFailed {
            scan_id,
            code,
            failed_at,
        } => {
            end(tx, *scan_id, "FAILED", Some(code.code()), *failed_at).await?;
        }
    }
    Ok(())
}

async fn answered(tx: &mut PgConnection, scan: ScanId, engine: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE read_scans SET engines = array_append(engines, $2)
          WHERE scan_id = $1 AND NOT $2 = ANY (engines)",
    )
    .bind(scan.0)
    .bind(engine)
    .execute(tx)
    .await?;
    Ok(())
}

/// SCN-10: after image i of n the progress is min(90, 10 + round(i * 80 / n)).
async fn image_scanned(
    tx: &mut PgConnection,
    scan: ScanId,
    outcome: UnitOutcome,
    tally: &Tally,
) -> Result<(), sqlx::Error> {
    let (searched, failed) = match outcome {
        UnitOutcome::Done | UnitOutcome::Partial => (1, None),
        UnitOutcome::Skipped => (0, None),
        UnitOutcome::Failed(code) => (0, Some(code.code())),
    };
    let counts = [
        tally.matches_found,
        tally.seen_again,
        tally.flagged_for_review,
        tally.below_threshold,
        tally.clip_mismatch,
        tally.bad_url,
    ];
    let mut update = sqlx::query(
        "UPDATE read_scans
            SET finished = finished + 1, searched = searched + $2,
                progress = least(90, 10 + round((finished + 1) * 80.0 / greatest(images, 1))),
                matches_found = matches_found + $3, seen_again = seen_again + $4,
                flagged_for_review = flagged_for_review + $5, below_threshold = below_threshold + $6,
                clip_mismatch = clip_mismatch + $7, bad_url = bad_url + $8,
                errors = CASE WHEN $9 IS NULL OR $9 = ANY (errors) THEN errors ELSE array_append(errors, $9) END
          WHERE scan_id = $1",
    )
    .bind(scan.0)
    .bind(searched);
    for count in counts {
        update = update.bind(i32::try_from(count).unwrap_or(i32::MAX));
    }
    update.bind(failed).execute(tx).await?;
    Ok(())
}

async fn warn(
    tx: &mut PgConnection,
    scan: ScanId,
    warnings: &[Warning],
) -> Result<(), sqlx::Error> {
    for warning in warnings {
        sqlx::query(
            "UPDATE read_scans SET warnings = array_append(warnings, $2)
              WHERE scan_id = $1 AND NOT $2 = ANY (warnings)",
        )
        .bind(scan.0)
        .bind(warning.to_string())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn end(
    tx: &mut PgConnection,
    scan: ScanId,
    status: &str,
    error_code: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE read_scans SET status = $2, error_code = $3, progress = 100, completed_at = $4
          WHERE scan_id = $1",
    )
    .bind(scan.0)
    .bind(status)
    .bind(error_code)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}
