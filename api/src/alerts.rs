//! Her alerts: what she is told about (contract, section 10).

use crate::app::App;
use crate::bearer::Member;
use crate::envelope::{Many, One, codes, known, many, one, page};
use crate::matches::{Confidence, MatchKind, Platform, platform, unit};
use crate::problem::Problem;
use crate::time::Time;
use crate::trail::{Step, trail};
use chrono::{DateTime, Utc};
use domain::ids::{AlertId, UserId};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use projections::alerts::{AlertRow, Alerts as Model, Wanted};
use uuid::Uuid;

/// Routes about alerts.
#[derive(Debug)]
pub struct Alerts;

/// One finding that she is told about.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Alert {
    /// The alert.
    id: Uuid,
    /// Who is told.
    user_id: Uuid,
    /// What it is about.
    #[oai(rename = "type")]
    kind: AlertKind,
    /// How urgent: a sorting key, never a headline.
    severity: Severity,
    /// The words to read first.
    title: String,
    /// What was seen, how sure Vara is, one next step.
    description: String,
    /// The finding.
    metadata: Option<AlertMetadata>,
    /// Where it stands.
    status: AlertStatus,
    /// When it was raised.
    created_at: Time,
    /// When she looked at it.
    viewed_at: Option<Time>,
    /// When she acted on it.
    actioned_at: Option<Time>,
}

/// The finding behind a match alert (ALR-6).
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AlertMetadata {
    /// The match.
    match_id: Uuid,
    /// Her picture.
    image_id: Uuid,
    /// The page. Treat it as hostile: never open it by itself.
    source_url: String,
    /// Platform of the page.
    platform: Option<Platform>,
    /// How alike, 0 to 1.
    similarity: f64,
    /// What kind of likeness.
    match_type: MatchKind,
    /// How strong the finding is.
    tier: Confidence,
    /// The finding comes from a demonstration.
    is_mock: bool,
}

/// What an alert is about.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertKind {
    /// A copy of her picture was found.
    ImageMisuse,
    /// Her face was found.
    FaceMatch,
    /// An artificial picture of her was found.
    DeepfakeDetected,
    /// An account pretends to be her.
    FakeProfile,
    /// Several accounts use her identity.
    ProfileImpersonation,
    /// Her address was part of a leak.
    DataBreach,
    /// An unusual account follows her.
    SuspiciousFollower,
    /// Unusual activity around an account of hers.
    BehavioralChange,
}

/// How urgent an alert is.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Can wait.
    Low,
    /// Worth a look soon.
    Medium,
    /// Worth a look today.
    High,
    /// Worth a look now.
    Critical,
}

/// Where an alert stands.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum AlertStatus {
    /// Not looked at.
    New,
    /// Looked at.
    Viewed,
    /// Acted on.
    Actioned,
    /// Put aside.
    Dismissed,
}

#[OpenApi(prefix_path = "/alerts", tag = "crate::Tag::Alerts")]
impl Alerts {
    /// Her alerts: new ones first, newest first within that (ALR-10).
    #[oai(path = "/", method = "get", operation_id = "listAlerts")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each one is a parameter of the contract"
    )]
    async fn list(
        &self,
        request: &Request,
        member: Member,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
        status: Query<Option<String>>,
        #[oai(name = "type")] kind: Query<Option<String>>,
        severity: Query<Option<String>>,
        from: Query<Option<DateTime<Utc>>>,
        to: Query<Option<DateTime<Utc>>>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<Many<Alert>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let page = page(page_number.0, limit.0)?;
        let wanted = Wanted {
            statuses: codes::<AlertStatus>("status", status.0)?,
            kinds: codes::<AlertKind>("type", kind.0)?,
            severities: codes::<Severity>("severity", severity.0)?,
            from: from.0,
            to: to.0,
        };
        let mut shown = app
            .shown::<Model>(request, user, as_of.0.as_deref())
            .await?;
        let listed = projections::alerts::list(&mut *shown, user, &wanted, page).await?;
        many(listed, page, show)
    }

    /// One alert; reading does not change it (ALR-7).
    #[oai(path = "/:id", method = "get", operation_id = "getAlert")]
    async fn get(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<One<Alert>>, Problem> {
        let (user, as_of) = (member.0.user, as_of.0.as_deref());
        Ok(one(show(find(request, user, id.0.into(), as_of).await?)?))
    }

    /// What led to an alert, oldest first: each recorded event with its position and time.
    #[oai(path = "/:id/trail", method = "get", operation_id = "getAlertTrail")]
    async fn trail(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<Vec<Step>>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let alert = find(request, user, id.0.into(), None).await?;
        Ok(one(trail(app, user, alert.event_id).await?))
    }
}

async fn find(
    request: &Request,
    user: UserId,
    alert: AlertId,
    as_of: Option<&str>,
) -> Result<AlertRow, Problem> {
    let app = App::of(request)?;
    let mut shown = app.shown::<Model>(request, user, as_of).await?;
    let row = projections::alerts::find(&mut *shown, user, alert).await?;
    row.ok_or(Problem::AlertNotFound)
}

fn show(row: AlertRow) -> Result<Alert, Problem> {
    let metadata = AlertMetadata {
        match_id: row.match_id,
        image_id: row.image_id,
        source_url: row.source_url.unwrap_or_default(),
        platform: platform(row.platform.as_deref())?,
        similarity: unit(row.similarity),
        match_type: known("read_alerts.match_type", &row.match_type)?,
        tier: known("read_alerts.tier", &row.tier)?,
        is_mock: row.is_mock,
    };
    Ok(Alert {
        id: row.alert_id,
        user_id: row.owner,
        kind: known("read_alerts.kind", &row.kind)?,
        severity: known("read_alerts.severity", &row.severity)?,
        title: row.title.unwrap_or_default(),
        description: row.description.unwrap_or_default(),
        metadata: Some(metadata),
        status: known("read_alerts.status", &row.status)?,
        created_at: row.created_at.into(),
        viewed_at: None,
        actioned_at: None,
    })
}
