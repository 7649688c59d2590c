//! Whether the process serves, and whether what it shows is current (contract, section 16).

use crate::app::App;
use crate::problem::Problem;
use crate::time::Time;
use eventstore::{checkpoint, edge, subscription};
use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use projections::READ_MODELS;

/// Events that a read model may be behind and still be called current.
const LAG_MAX: i64 = 1_000;

/// Seconds that a reader may be behind and still be called current.
const BEHIND_SECONDS: i64 = 10;

/// Routes for those who watch the process.
#[derive(Debug)]
pub struct Health;

/// The process serves.
#[derive(Debug, Object)]
pub struct Alive {
    /// Always `ok`.
    status: String,
    /// Now.
    timestamp: Time,
}

impl Alive {
    pub(crate) fn now() -> Self {
        Self {
            status: "ok".to_owned(),
            timestamp: edge::now().into(),
        }
    }
}

/// Whether the parts behind the process do their work.
#[derive(Debug, Object)]
pub struct Readiness {
    /// `ok` or `degraded`.
    status: String,
    /// Part by part.
    checks: Checks,
}

/// Part by part.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Checks {
    /// Whether the log answers.
    event_store: bool,
    /// The way of events to other processes.
    bus: Lag,
    /// What people look at: the slowest of the read models.
    read_models: Lag,
    /// What follows from what happened: alerts and plan items.
    policies: Lag,
    /// Whether what people look at is what the log says.
    standing_check: StandingCheck,
    /// Whether pictures become vectors: only where the operator supplied a model, or a service that answers.
    picture_vectors: bool,
}

/// What the standing check saw last.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
pub struct StandingCheck {
    /// When the one was looked at that waited longest; null while one of them was not looked at.
    checked_at: Option<Time>,
    /// Read models whose rows were not what the log says.
    diverging: Vec<String>,
}

/// How far a reader of the log is behind.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
pub struct Lag {
    /// Events that it has not seen.
    lag_events: i64,
    /// How long ago the oldest of them was recorded.
    lag_seconds: i64,
}

/// How ready it is.
#[derive(Debug, ApiResponse)]
pub enum Ready {
    /// Ready.
    #[oai(status = 200)]
    Yes(Json<Readiness>),
    /// Not now.
    #[oai(status = 503)]
    No(Json<Readiness>),
}

#[OpenApi(prefix_path = "/health", tag = "crate::Tag::Health")]
impl Health {
    /// While the process serves.
    #[oai(path = "/", method = "get", operation_id = "getHealth")]
    async fn alive(&self) -> Json<Alive> {
        Json(Alive::now())
    }

    /// Whether what is shown is current.
    #[oai(path = "/ready", method = "get", operation_id = "getReadiness")]
    async fn ready(&self, request: &Request) -> Result<Ready, Problem> {
        let app = App::of(request)?;
        let lags = lags(app).await;
        let event_store = lags.is_some();
        let [bus, read_models, policies] = lags.unwrap_or_default();
        let behind = |lag: &Lag| lag.lag_events > 0 && lag.lag_seconds > BEHIND_SECONDS;
        let standing_check = checked(app).await;
        let diverges = !standing_check.diverging.is_empty();
        let degraded =
            !event_store || diverges || behind(&bus) || behind(&policies) || behind(&read_models);
        // The bus only hurries things along; without the log, or with old rows, there is nothing to show.
        let ready = event_store && read_models.lag_events <= LAG_MAX;
        let readiness = Json(Readiness {
            status: if degraded { "degraded" } else { "ok" }.to_owned(),
            checks: Checks {
                event_store,
                bus,
                read_models,
                policies,
                standing_check,
                picture_vectors: app.embedder.as_ref().is_some_and(|e| e.is_available()),
            },
        });
        Ok(if ready {
            Ready::Yes(readiness)
        } else {
            Ready::No(readiness)
        })
    }
}

/// What the standing check saw last; nothing where the database does not answer.
async fn checked(app: &App) -> StandingCheck {
    let last = projections::standing::last(&app.database).await;
    let last = last.unwrap_or_default();
    let all = last.len() == READ_MODELS.len();
    let oldest = last.iter().map(|check| check.checked_at).min();
    let diverging = last.iter().filter(|check| check.diverges_at.is_some());
    StandingCheck {
        checked_at: oldest.filter(|_| all).map(Time::from),
        diverging: diverging.map(|check| check.name.clone()).collect(),
    }
}

/// How far bus, slowest read model and policies are behind; nothing when the log does not answer.
async fn lags(app: &App) -> Option<[Lag; 3]> {
    let readers: [&[&str]; 3] = [
        &[eventstore::relay::NAME],
        &READ_MODELS,
        &[subscription::POLICIES],
    ];
    let head = app.log.head().await.ok()?;
    let mut lags = <[Lag; 3]>::default();
    for (lag, names) in lags.iter_mut().zip(readers) {
        let reached = checkpoint::least(&app.database, names).await.ok()?;
        lag.lag_events = (head - reached).max(0);
        if let Some(waiting) = app.log.read_after(reached, 1).await.ok()?.first() {
            lag.lag_seconds = (edge::now() - waiting.recorded_at).num_seconds().max(0);
        }
    }
    Some(lags)
}
