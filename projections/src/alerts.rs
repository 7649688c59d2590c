//! Her alerts: what she is told about.

use crate::codes::{code, code_or_null};
use crate::matches::ten_thousandths;
use crate::page::{Listed, Page};
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::alert::AlertEvent;
use domain::ids::{AlertId, UserId};
use domain::user::UserEvent;
use eventstore::Opened;
use serde::Serialize;
use uuid::Uuid;

/// One alert.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct AlertRow {
    /// The alert.
    pub alert_id: Uuid,
    /// Who is told.
    pub owner: Uuid,
    /// The event that raised it: where its explanation begins.
    pub event_id: Uuid,
    /// `IMAGE_MISUSE`.
    pub kind: String,
    /// `INFO` to `CRITICAL`.
    pub severity: String,
    /// `NEW`.
    pub status: String,
    /// Its place among the states (ALR-10).
    pub status_rank: i16,
    /// The words she reads first; absent once she was erased.
    pub title: Option<String>,
    /// The words she reads next; absent once she was erased.
    pub description: Option<String>,
    /// The match.
    pub match_id: Uuid,
    /// Her picture.
    pub image_id: Uuid,
    /// The page; absent once she was erased.
    pub source_url: Option<String>,
    /// Platform of the page.
    pub platform: Option<String>,
    /// Ten-thousandths.
    pub similarity: i16,
    /// `EXACT`, `SIMILAR`, `MODIFIED`.
    pub match_type: String,
    /// `LOW` to `HIGH`.
    pub tier: String,
    /// The finding comes from a demonstration (GEN-4).
    pub is_mock: bool,
    /// When it was raised.
    pub created_at: DateTime<Utc>,
}

impl Row for AlertRow {
    const TABLE: &'static str = "read_alerts";
    const KEY: &'static [&'static str] = &["alert_id"];
    const PERSONAL: &'static [&'static str] = &["title", "description", "source_url"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.alert_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Alerts {
    alerts: Table<AlertRow>,
}

impl ReadModel for Alerts {
    const NAME: &'static str = "alerts";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("alert", &[]), ERASURE];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.alerts]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Alert(raised) => {
                self.alerts.insert(row(raised, event.recorded.event_id)?);
                Ok(())
            }
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.alerts.remove_all_of(place, user_id.0).await
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Plan(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

fn row(event: &AlertEvent, event_id: Uuid) -> Result<AlertRow, sqlx::Error> {
    let AlertEvent::AlertRaised {
        owner,
        alert_id,
        kind,
        severity,
        title,
        description,
        about,
        raised_at,
    } = event;
    Ok(AlertRow {
        alert_id: alert_id.0,
        owner: owner.0,
        event_id,
        kind: code(kind)?,
        severity: code(severity)?,
        status: "NEW".to_owned(),
        status_rank: 0,
        title: title.known().cloned(),
        description: description.known().cloned(),
        match_id: about.match_id.0,
        image_id: about.image_id.0,
        source_url: about.page.known().map(ToString::to_string),
        platform: code_or_null(about.platform.as_ref())?,
        similarity: ten_thousandths(about.similarity),
        match_type: code(&about.match_type)?,
        tier: code(&about.tier)?,
        is_mock: about.is_mock,
        created_at: *raised_at,
    })
}

const COLUMNS: &str = "alert_id, owner, event_id, kind, severity, status, status_rank, title, description, match_id, \
                       image_id, source_url, platform, similarity, match_type, tier, is_mock, created_at";

/// Which alerts are asked for; an empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// States.
    pub statuses: Vec<String>,
    /// Types.
    pub kinds: Vec<String>,
    /// Severities.
    pub severities: Vec<String>,
    /// Raised at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Raised before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Her alert with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    owner: UserId,
    alert: AlertId,
) -> Result<Option<AlertRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_alerts WHERE alert_id = $1 AND owner = $2"
    ))
    .bind(alert.0)
    .bind(owner.0)
    .fetch_optional(&mut *db)
    .await
}

/// Her alerts in the order of ALR-10.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    from: impl Into<Source<'_>>,
    owner: UserId,
    wanted: &Wanted,
    page: Page,
) -> Result<Listed<AlertRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    const CHOSEN: &str = "owner = $1 AND (cardinality($2::text[]) = 0 OR status = ANY ($2))
                          AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
                          AND (cardinality($4::text[]) = 0 OR severity = ANY ($4))
                          AND ($5::timestamptz IS NULL OR created_at >= $5)
                          AND ($6::timestamptz IS NULL OR created_at < $6)";
    let rows = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_alerts WHERE {CHOSEN}
          ORDER BY status_rank, created_at DESC, alert_id LIMIT $7 OFFSET $8"
    ))
    .bind(owner.0)
    .bind(&wanted.statuses)
    .bind(&wanted.kinds)
    .bind(&wanted.severities)
    .bind(wanted.from)
    .bind(wanted.to)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(&mut *db)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) FROM read_alerts WHERE {CHOSEN}"))
        .bind(owner.0)
        .bind(&wanted.statuses)
        .bind(&wanted.kinds)
        .bind(&wanted.severities)
        .bind(wanted.from)
        .bind(wanted.to)
        .fetch_one(&mut *db)
        .await?;
    Ok(Listed { rows, total })
}
