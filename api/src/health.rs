//! Whether the process serves, and whether what it shows is current (contract, section 16).

use crate::app::App;
use crate::problem::Problem;
use crate::time::Time;
use eventstore::{checkpoint, edge};
use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use projections::READ_MODELS;

/// Events that a read model may be behind and still be called current.
const LAG_MAX: i64 = 1_000;

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
    /// Events that are not on the bus yet.
    bus_lag_events: i64,
    /// Events that the slowest read model has not seen.
    read_model_lag_events: i64,
    /// Whether pictures become vectors: only where the operator supplied a model.
    picture_vectors: bool,
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
        Json(Alive {
            status: "ok".to_owned(),
            timestamp: edge::now().into(),
        })
    }

    /// Whether what is shown is current.
    #[oai(path = "/ready", method = "get", operation_id = "getReadiness")]
    async fn ready(&self, request: &Request) -> Result<Ready, Problem> {
        let app = App::of(request)?;
        let lags = lags(app).await;
        let (bus_lag_events, read_model_lag_events) = lags.unwrap_or_default();
        let ready = lags.is_some_and(|(_, read)| read <= LAG_MAX);
        let readiness = Json(Readiness {
            status: if ready { "ok" } else { "degraded" }.to_owned(),
            checks: Checks {
                event_store: lags.is_some(),
                bus_lag_events,
                read_model_lag_events,
                picture_vectors: app.model.is_some(),
            },
        });
        Ok(if ready {
            Ready::Yes(readiness)
        } else {
            Ready::No(readiness)
        })
    }
}

/// How far the bus and the slowest read model are behind; nothing when the log does not answer.
async fn lags(app: &App) -> Option<(i64, i64)> {
    let head = app.log.head().await.ok()?;
    let bus = checkpoint::read(&app.database, eventstore::relay::NAME);
    let bus = bus.await.ok()?;
    let read = checkpoint::least(&app.database, &READ_MODELS).await.ok()?;
    Some((head - bus, head - read))
}
