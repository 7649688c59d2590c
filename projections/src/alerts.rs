//! Her alerts: what she is told about.

use crate::codes::{code, code_or_null};
use crate::matches::ten_thousandths;
use crate::page::{Listed, Page};
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::alert::AlertEvent;
use domain::ids::{AlertId, UserId};
use eventstore::Opened;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One alert.
#[derive(Debug, Clone, sqlx::FromRow)]
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

/// The read model.
#[derive(Debug)]
pub struct Alerts;

impl ReadModel for Alerts {
    const NAME: &'static str = "alerts_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Alert(AlertEvent::AlertRaised {
                owner,
                alert_id,
                kind,
                severity,
                title,
                description,
                about,
                raised_at,
            }) => {
                sqlx::query(
                    "INSERT INTO read_alerts (alert_id, owner, event_id, kind, severity, status, status_rank,
                         title, description, match_id, image_id, source_url, platform, similarity,
                         match_type, tier, is_mock, created_at)
                     VALUES ($1, $2, $3, $4, $5, 'NEW', 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                )
                .bind(alert_id.0)
                .bind(owner.0)
                .bind(event.recorded.event_id)
                .bind(code(kind)?)
                .bind(code(severity)?)
                .bind(title.known())
                .bind(description.known())
                .bind(about.match_id.0)
                .bind(about.image_id.0)
                .bind(about.page.known())
                .bind(code_or_null(about.platform.as_ref())?)
                .bind(ten_thousandths(about.similarity))
                .bind(code(&about.match_type)?)
                .bind(code(&about.tier)?)
                .bind(about.is_mock)
                .bind(raised_at)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Plan(_) => Ok(()),
        }
    }
}

const COLUMNS: &str = "alert_id, owner, event_id, kind, severity, status, title, description, match_id, \
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
    pool: &PgPool,
    owner: UserId,
    alert: AlertId,
) -> Result<Option<AlertRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_alerts WHERE alert_id = $1 AND owner = $2"
    ))
    .bind(alert.0)
    .bind(owner.0)
    .fetch_optional(pool)
    .await
}

/// Her alerts in the order of ALR-10.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    owner: UserId,
    wanted: &Wanted,
    page: Page,
) -> Result<Listed<AlertRow>, sqlx::Error> {
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
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) FROM read_alerts WHERE {CHOSEN}"))
        .bind(owner.0)
        .bind(&wanted.statuses)
        .bind(&wanted.kinds)
        .bind(&wanted.severities)
        .bind(wanted.from)
        .bind(wanted.to)
        .fetch_one(pool)
        .await?;
    Ok(Listed { rows, total })
}
