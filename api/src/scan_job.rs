//! A scan as the contract shows it: where it stands, what it reached, what it found (SCN-12).

use crate::envelope::known;
use crate::problem::Problem;
use crate::time::Time;
use domain::scan::FailureCode;
use poem_openapi::{Enum, Object};
use projections::scans::ScanRow;
use uuid::Uuid;

/// One scan.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ScanJob {
    /// The scan.
    id: Uuid,
    /// Whose.
    user_id: Uuid,
    /// What is searched for.
    #[oai(rename = "type")]
    kind: ScanType,
    /// Where it stands.
    status: ScanStatus,
    /// The one picture she asked for.
    protected_image_id: Option<Uuid>,
    /// The linked account it reads.
    connected_account_id: Option<Uuid>,
    /// The scan it is a part of.
    parent_scan_id: Option<Uuid>,
    /// 0 is the ordinary one.
    priority: i32,
    /// 0 to 100; never decreases.
    progress: i32,
    /// Attempts after the first.
    retry_count: i32,
    /// When a worker took it up.
    started_at: Option<Time>,
    /// When it ended.
    completed_at: Option<Time>,
    /// When it was accepted.
    created_at: Time,
    /// What it reached and found, once it ended.
    result: Option<ScanResult>,
    /// Why nothing could be searched.
    error_code: Option<String>,
    /// The same for people.
    error_message: Option<String>,
}

/// What a scan reached and found (SCN-12).
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ScanResult {
    /// Pictures whose work is over.
    images_processed: i32,
    /// The same, under the name that today's screens read.
    images_scanned: i32,
    /// Pictures for which at least one engine answered: only for these can "nothing found" be said.
    images_searched: i32,
    /// Pages found for the first time.
    matches_found: i32,
    /// Pages that earlier scans had found.
    matches_seen_again: i32,
    /// Findings that wait for her review.
    flagged_for_review: i32,
    /// Alerts that its findings raised.
    alerts_created: i32,
    /// From taking up to the end.
    duration_ms: i64,
    /// Engines that answered.
    engines: Vec<String>,
    /// Results left out, by reason.
    breakdown: Breakdown,
    /// What she must know about the coverage, as `PROVIDER_FAILED:tineye`.
    warnings: Vec<String>,
    /// Why pictures were not searched for, each reason once.
    errors: Vec<String>,
}

/// Results left out, by reason (MAT-6).
#[derive(Debug, Object)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Breakdown {
    /// Too little agreed.
    below_threshold: i32,
    /// The vectors said that it is another picture.
    clip_mismatch: i32,
    /// No page to point to.
    bad_url: i32,
}

/// Kinds of scan.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanType {
    /// Her pictures on the web.
    ImageScan,
    /// Profiles that pretend to be her.
    ProfileScan,
    /// Her address in breach collections.
    BreachCheck,
    /// Unusual activity around a linked account.
    BehavioralAnalysis,
    /// All that applies.
    FullScan,
}

/// Where a scan stands.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum ScanStatus {
    /// Accepted.
    Pending,
    /// In work.
    Running,
    /// Ended; `imagesSearched` says for how many pictures an engine answered.
    Completed,
    /// Ended, and nothing could be searched.
    Failed,
}

pub(crate) fn show(row: ScanRow) -> Result<ScanJob, Problem> {
    let failure: Option<FailureCode> = row
        .error_code
        .as_ref()
        .map(|code| serde_json::from_value(serde_json::Value::String(code.clone())))
        .transpose()
        .map_err(|_| Problem::ours("a row makes no sense", &"read_scans.error_code"))?;
    Ok(ScanJob {
        id: row.scan_id,
        user_id: row.owner,
        kind: known("read_scans.kind", &row.kind)?,
        status: known("read_scans.status", &row.status)?,
        protected_image_id: row.target,
        connected_account_id: None,
        parent_scan_id: None,
        priority: 0,
        progress: row.progress,
        retry_count: 0,
        started_at: row.started_at.map(Time::from),
        completed_at: row.completed_at.map(Time::from),
        created_at: row.created_at.into(),
        error_code: row.error_code.clone(),
        error_message: failure.map(|failure| failure.sentence().to_owned()),
        result: result(row),
    })
}

/// What a scan that ended says about itself.
fn result(row: ScanRow) -> Option<ScanResult> {
    let ended = row.completed_at?;
    let duration = ended - row.started_at.unwrap_or(row.created_at);
    Some(ScanResult {
        images_processed: row.finished,
        images_scanned: row.finished,
        images_searched: row.searched,
        matches_found: row.matches_found,
        matches_seen_again: row.seen_again,
        flagged_for_review: row.flagged_for_review,
        alerts_created: row.alerts_created,
        duration_ms: duration.num_milliseconds(),
        engines: row.engines,
        breakdown: Breakdown {
            below_threshold: row.below_threshold,
            clip_mismatch: row.clip_mismatch,
            bad_url: row.bad_url,
        },
        warnings: row.warnings,
        errors: row.errors,
    })
}
