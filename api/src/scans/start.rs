//! From a wish to a scan that is accepted, once for each command.

use crate::app::App;
use crate::idempotency::{self, Command};
use crate::problem::Problem;
use domain::Event;
use domain::ids::{ImageId, ScanId, UserId};
use domain::image::Library;
use domain::scan::{ScanCommand, ScanKind, ScanSlot, StartScan};
use domain::user::{Purpose, User};
use eventstore::{Why, edge, heartbeat};
use projections::projector::ReadModel;
use projections::scans::{ScanRow, Scans as ScansModel};
use std::time::Duration;
use uuid::Uuid;

/// The workers that scans wait for, under the name they give their signs of life.
const SCAN_WORKER: &str = "image-scan";
/// Without a sign of life for this long there is no worker (contract, section 12).
const ALIVE_WITHIN: Duration = Duration::from_secs(60);

/// What she asks for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) owner: UserId,
    pub(super) kind: ScanKind,
    /// One picture; without it all of them.
    pub(super) target: Option<ImageId>,
    pub(super) request: Uuid,
    pub(super) command: Command,
}

/// Starts a scan; asked for again, it is the one that was started.
pub(super) async fn start_once(app: &App, wish: Wish) -> Result<ScanRow, Problem> {
    if wish.command.again
        && let Some(row) = started(app, wish.command.id).await?
    {
        return Ok(row);
    }
    start(app, wish).await
}

/// Accepts a scan over the pictures as of now (SCN-2, SCN-3).
async fn start(app: &App, wish: Wish) -> Result<ScanRow, Problem> {
    let Wish {
        owner,
        kind,
        target,
        request,
        command,
    } = wish;
    let lives = heartbeat::lives(&app.database, SCAN_WORKER, ALIVE_WITHIN);
    if !lives.await? {
        // Accepted now, it would wait for nobody.
        return Err(Problem::ScanUnavailable);
    }
    let library: Library = app.store.load(owner.0).await?;
    if target.is_some_and(|image| !library.holds(image)) {
        return Err(Problem::ImageNotFound);
    }
    let member: User = app.store.load(owner.0).await?;
    if !member.agrees_to(Purpose::WebImageSearch) {
        return Err(Problem::ConsentRequired);
    }
    let scan_id = ScanId(edge::fresh_id());
    let ask = StartScan {
        owner,
        scan_id,
        kind,
        target,
        images: match target {
            Some(image) => vec![image],
            None => library.active().collect(),
        },
        started_at: edge::now(),
    };
    let row = pending(&ask);
    let why = Why::member(owner, request, command.id);
    let slot = ScanSlot::id(owner, kind);
    let receipt = app
        .store
        .execute::<ScanSlot>(slot, ScanCommand::Start(ask), why)
        .await?;
    app.show(owner, &[ScansModel::NAME], receipt.position).await;
    match receipt.already_done {
        // An equal request was faster: its scan is the one.
        true => Ok(started(app, command.id).await?.unwrap_or(row)),
        false => Ok(row),
    }
}

/// The scan that a command started, as it was accepted then; none where it started none.
async fn started(app: &App, command: Uuid) -> Result<Option<ScanRow>, Problem> {
    let Some(Event::Scan(fact)) = idempotency::fact(app, command).await? else {
        return Ok(None);
    };
    Ok(ScanRow::accepted(&fact))
}

/// The scan as it was accepted. Made from what was recorded, so that a read model that is late cannot turn an
/// accepted scan into an error.
fn pending(ask: &StartScan) -> ScanRow {
    ScanRow {
        scan_id: ask.scan_id.0,
        owner: ask.owner.0,
        kind: ask.kind.code().to_owned(),
        status: "PENDING".to_owned(),
        target: ask.target.map(|image| image.0),
        created_at: ask.started_at,
        ..ScanRow::default()
    }
}
