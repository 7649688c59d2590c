//! HTTP: one file per noun. A handler parses, asks one command or one question, and maps; it decides nothing.

mod alerts;
mod app;
mod auth;
mod bearer;
mod body;
mod edge;
mod envelope;
mod faces;
mod fetches;
mod fresh;
mod hash_cases;
mod health;
mod idempotency;
mod identity;
mod images;
mod links;
mod matches;
mod moment;
mod openapi;
mod plan;
mod problem;
mod progress;
mod scan_job;
mod scans;
mod sharing;
mod time;
mod trail;
mod upload;
mod users;
mod views;

pub use app::App;
pub use identity::Identity;
pub use links::Public;
pub use problem::Problem;

use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{OpenApiService, Tags};

/// What the routes are about.
#[derive(Tags)]
enum Tag {
    /// Accounts and sessions.
    Auth,
    /// The member herself.
    Users,
    /// Her pictures.
    Images,
    /// Searches for her pictures.
    Scans,
    /// Pages on which they were found.
    Matches,
    /// What she is told.
    Alerts,
    /// What she can do.
    Plan,
    /// Hashes of pictures that never leave her device.
    HashCases,
    /// Pictures that engines fetch by link.
    Sharing,
    /// For those who watch the process.
    Health,
}

type Nouns = (
    auth::Auth,
    users::Users,
    images::Images,
    views::Views,
    fetches::Fetches,
    scans::Scans,
    matches::Matches,
    alerts::Alerts,
    plan::Plan,
    hash_cases::HashCases,
    sharing::Sharing,
    health::Health,
);

fn service() -> OpenApiService<Nouns, ()> {
    let nouns = (
        auth::Auth,
        users::Users,
        images::Images,
        views::Views,
        fetches::Fetches,
        scans::Scans,
        matches::Matches,
        alerts::Alerts,
        plan::Plan,
        hash_cases::HashCases,
        sharing::Sharing,
        health::Health,
    );
    OpenApiService::new(nouns, "Vara", env!("CARGO_PKG_VERSION"))
        .description(
            "Finds where a woman's photos turn up without her agreement, and helps her act.",
        )
        .url_prefix("/api/v1")
}

/// The OpenAPI document, without a server.
///
/// # Errors
/// When the framework emits something that is no JSON.
pub fn document() -> Result<serde_json::Value, serde_json::Error> {
    openapi::put_right(&service().spec())
}

/// All routes, to be served at the root.
///
/// # Errors
/// As [`document`].
pub fn routes(app: App) -> Result<impl Endpoint<Output = Response> + 'static, serde_json::Error> {
    let paths = openapi::Paths::of(&document()?);
    let routes = Route::new()
        .nest("/api/v1", service())
        .at("/health", poem::get(poem::endpoint::make_sync(|_| alive())))
        .data(app.in_a_hurry())
        .data(app.clone());
    Ok(edge::Edge::new(routes, paths, app))
}

/// The process serves; the same as under the prefix, where deployments look for it.
fn alive() -> Response {
    let timestamp = time::text(eventstore::edge::now());
    Response::builder()
        .content_type("application/json")
        .body(serde_json::json!({ "status": "ok", "timestamp": timestamp }).to_string())
}
