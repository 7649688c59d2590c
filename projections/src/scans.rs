//! Her scans: how far each one is, what it reached, what it found.

mod questions;

pub use questions::{Wanted, find, list};

use crate::projector::{ERASURE, Facts, ReadModel};
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::alert::AlertEvent;
use domain::ids::ScanId;
use domain::scan::{ScanEvent, Tally, UnitOutcome, Warning};
use domain::user::UserEvent;
use eventstore::Opened;
use serde::Serialize;
use uuid::Uuid;

/// One scan.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
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

impl Row for ScanRow {
    const TABLE: &'static str = "read_scans";
    const KEY: &'static [&'static str] = &["scan_id"];
    const LISTS: &'static [&'static str] = &["engines", "warnings", "errors"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.scan_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Scans {
    scans: Table<ScanRow>,
}

impl ReadModel for Scans {
    const NAME: &'static str = "scans";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("scan", &[]), ("alert", &[]), ERASURE];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.scans]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Scan(scan) => self.change(place, scan).await,
            Event::Alert(AlertEvent::AlertRaised { about, .. }) => {
                if let Some(scan) = self.scans.get(place, &about.scan_id.0).await? {
                    scan.alerts_created += 1;
                }
                Ok(())
            }
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.scans.remove_all_of(place, user_id.0).await
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Match(_)
            | Event::Plan(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

impl Scans {
    async fn change(
        &mut self,
        place: &mut Place<'_>,
        event: &ScanEvent,
    ) -> Result<(), sqlx::Error> {
        if let Some(row) = ScanRow::accepted(event) {
            self.scans.insert(row);
            return Ok(());
        }
        if let Some(row) = self.scans.get(place, &scan_of(event).0).await? {
            row.go_on(event);
        }
        Ok(())
    }
}

const fn scan_of(event: &ScanEvent) -> ScanId {
    match event {
        ScanEvent::ScanStarted { scan_id, .. }
        | ScanEvent::ScanBegun { scan_id, .. }
        | ScanEvent::ProviderQueried { scan_id, .. }
        | ScanEvent::ProviderFailed { scan_id, .. }
        | ScanEvent::ImageScanned { scan_id, .. }
        | ScanEvent::ScanCompleted { scan_id, .. }
        | ScanEvent::ScanFailed { scan_id, .. } => *scan_id,
    }
}

impl ScanRow {
    /// A scan as it was accepted; none of any other fact.
    #[must_use]
    pub fn accepted(event: &ScanEvent) -> Option<Self> {
        let ScanEvent::ScanStarted {
            owner,
            scan_id,
            kind,
            target,
            images,
            started_at,
        } = event
        else {
            return None;
        };
        Some(Self {
            scan_id: scan_id.0,
            owner: owner.0,
            kind: kind.code().to_owned(),
            status: "PENDING".to_owned(),
            target: target.map(|image| image.0),
            images: i32::try_from(images.len()).unwrap_or(i32::MAX),
            created_at: *started_at,
            ..Self::default()
        })
    }

    fn go_on(&mut self, event: &ScanEvent) {
        match event {
            ScanEvent::ScanStarted { .. } | ScanEvent::ProviderFailed { .. } => {}
            ScanEvent::ScanBegun { begun_at, .. } => {
                self.status = "RUNNING".to_owned();
                self.progress = 10;
                self.started_at = Some(*begun_at);
            }
            ScanEvent::ProviderQueried { provider, .. } => once(&mut self.engines, provider),
            ScanEvent::ImageScanned {
                outcome,
                tally,
                warnings,
                ..
            } => {
                self.image_scanned(*outcome, tally);
                self.warn(warnings);
            }
            ScanEvent::ScanCompleted {
                warnings,
                completed_at,
                ..
            } => {
                self.warn(warnings);
                self.end("COMPLETED", None, *completed_at);
            }
            ScanEvent::ScanFailed {
                code, failed_at, ..
            } => self.end("FAILED", Some(code.code()), *failed_at),
        }
    }

    /// SCN-10: after image i of n the progress is min(90, 10 + round(i * 80 / n)).
    fn image_scanned(&mut self, outcome: UnitOutcome, tally: &Tally) {
        match outcome {
            UnitOutcome::Done | UnitOutcome::Partial => self.searched += 1,
            UnitOutcome::Skipped => {}
            UnitOutcome::Failed(code) => once(&mut self.errors, code.code()),
        }
        self.finished += 1;
        let images = i64::from(self.images.max(1));
        let share = (i64::from(self.finished) * 160 + images) / (2 * images);
        self.progress = i32::try_from(share.min(80)).unwrap_or(80) + 10;
        for (sum, found) in [
            (&mut self.matches_found, tally.matches_found),
            (&mut self.seen_again, tally.seen_again),
            (&mut self.flagged_for_review, tally.flagged_for_review),
            (&mut self.below_threshold, tally.below_threshold),
            (&mut self.clip_mismatch, tally.clip_mismatch),
            (&mut self.bad_url, tally.bad_url),
        ] {
            *sum = sum.saturating_add(i32::try_from(found).unwrap_or(i32::MAX));
        }
    }

    fn warn(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            once(&mut self.warnings, &warning.to_string());
        }
    }

    fn end(&mut self, status: &str, error_code: Option<&str>, at: DateTime<Utc>) {
        self.status = status.to_owned();
        self.error_code = error_code.map(ToOwned::to_owned);
        self.progress = 100;
        self.completed_at = Some(at);
    }
}

/// Adds what is not there yet.
fn once(list: &mut Vec<String>, value: &str) {
    if !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}
