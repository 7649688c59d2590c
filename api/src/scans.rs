//! Her scans: asking for one, and watching it (contract, section 12).

mod start;

use crate::app::App;
use crate::bearer::Member;
use crate::edge::request_id;
use crate::envelope::{Many, One, codes, many, one, page};
use crate::idempotency::command;
use crate::matches::{self, Match};
use crate::problem::Problem;
use crate::progress::{self, Progress};
use crate::scan_job::{ScanJob, ScanStatus, ScanType, show};
use chrono::{DateTime, Utc};
use domain::ids::{ImageId, ScanId, UserId};
use domain::scan::ScanKind;
use eventstore::checkpoint;
use futures::stream::BoxStream;
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{EventStream, Json};
use poem_openapi::{ApiResponse, Object, OpenApi};
use projections::READ_MODELS;
use projections::matches::{Matches as Found, Of, Wanted};
use projections::projector::ReadModel;
use projections::scans::{ScanRow, Scans as ScansModel};
use start::{Wish, start_once};
use uuid::Uuid;

/// Routes about scans.
#[derive(Debug)]
pub struct Scans;

/// What to search for.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct NewScan {
    /// Which kind.
    #[oai(rename = "type")]
    kind: Option<ScanType>,
    /// One picture; without it all of them.
    target_id: Option<Uuid>,
    /// Ask the engines anew instead of using an answer of the last day.
    fresh: Option<bool>,
}

/// A scan was accepted, and will be worked on whatever happens to the process (SCN-6).
#[derive(Debug, ApiResponse)]
pub enum Accepted {
    /// The scan.
    #[oai(status = 202)]
    Scan(Json<One<ScanJob>>),
}

#[OpenApi(prefix_path = "/scans", tag = "crate::Tag::Scans")]
impl Scans {
    /// Her scans, newest first.
    #[oai(path = "/", method = "get", operation_id = "listScans")]
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
        from: Query<Option<DateTime<Utc>>>,
        to: Query<Option<DateTime<Utc>>>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<Many<ScanJob>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let page = page(page_number.0, limit.0)?;
        let wanted = projections::scans::Wanted {
            statuses: codes::<ScanStatus>("status", status.0)?,
            kinds: codes::<ScanType>("type", kind.0)?,
            from: from.0,
            to: to.0,
        };
        let mut shown = app
            .shown::<ScansModel>(request, user, as_of.0.as_deref())
            .await?;
        let rows = projections::scans::list(&mut *shown, user, &wanted, page).await?;
        many(rows, page, show)
    }

    /// Starts a scan; at most one of a kind is open (SCN-1).
    #[oai(path = "/trigger", method = "post", operation_id = "triggerScan")]
    async fn trigger(
        &self,
        request: &Request,
        member: Member,
        body: Json<NewScan>,
    ) -> Result<Accepted, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let wish = Wish {
            owner: user,
            kind: wanted_kind(body.0.kind)?,
            target: body.0.target_id.map(ImageId),
            request: request_id(request),
            command: command(request),
        };
        app.clone()
            .to_the_end(async move {
                let row = start_once(&app, wish).await?;
                Ok(Accepted::Scan(one(show(row)?)))
            })
            .await
    }

    /// One scan.
    #[oai(path = "/:id", method = "get", operation_id = "getScan")]
    async fn get(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<One<ScanJob>>, Problem> {
        let (app, user, scan) = (App::of(request)?, member.0.user, id.0.into());
        let row = match as_of.0.as_deref() {
            None => find(app, user, scan).await?,
            then => {
                let mut shown = app.shown::<ScansModel>(request, user, then).await?;
                projections::scans::find(&mut *shown, user, scan).await?
            }
        };
        Ok(one(show(row.ok_or(Problem::ScanNotFound)?)?))
    }

    /// The same, under the older path.
    #[oai(path = "/:id/status", method = "get", operation_id = "getScanStatus")]
    async fn status(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<One<ScanJob>>, Problem> {
        self.get(request, member, id, as_of).await
    }

    /// Pages that this scan found for the first time.
    #[oai(
        path = "/:id/matches",
        method = "get",
        operation_id = "listScanMatches"
    )]
    async fn matches(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<Many<Match>>, Problem> {
        let (app, user, scan) = (App::of(request)?, member.0.user, ScanId(id.0));
        let page = page(page_number.0, limit.0)?;
        find(app, user, scan).await?.ok_or(Problem::ScanNotFound)?;
        let (of, all) = (Of::Scan(scan), Wanted::default());
        let mut shown = app
            .shown::<Found>(request, user, as_of.0.as_deref())
            .await?;
        let listed = projections::matches::list(&mut *shown, user, of, &all, page).await?;
        many(listed, page, matches::show)
    }

    /// Live progress as server-sent events, from now to the end of the scan.
    #[oai(path = "/:id/events", method = "get", operation_id = "watchScan")]
    async fn watch(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<EventStream<BoxStream<'static, Progress>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let row = find(app, user, id.0.into()).await?;
        Ok(progress::stream(
            app.clone(),
            row.ok_or(Problem::ScanNotFound)?,
        ))
    }
}

fn wanted_kind(kind: Option<ScanType>) -> Result<ScanKind, Problem> {
    match kind {
        Some(ScanType::ImageScan) => Ok(ScanKind::ImageScan),
        Some(
            ScanType::ProfileScan
            | ScanType::BreachCheck
            | ScanType::BehavioralAnalysis
            | ScanType::FullScan,
        ) => Err(Problem::ScanUnavailable),
        None => Err(Problem::field("type", "Please say what to search for.", "")),
    }
}

/// Her scan with this id. One that is over is handed out when the other read models are as far as this one:
/// whoever sees the end of a scan sees what it found.
pub(crate) async fn find(
    app: &App,
    user: UserId,
    scan: ScanId,
) -> Result<Option<ScanRow>, Problem> {
    app.fresh.before_read(user).await?;
    let row = projections::scans::find(&app.database, user, scan).await?;
    if row.as_ref().is_some_and(|row| row.completed_at.is_some()) {
        let position = checkpoint::read(&app.database, ScansModel::NAME).await?;
        app.show(user, &READ_MODELS, position).await;
    }
    Ok(row)
}
