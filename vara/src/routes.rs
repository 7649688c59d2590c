//! What one API process serves, and what it is made of.

use crate::kit::Kit;
use crate::ledger;
use crate::serve::Listening;
use crate::settings::{EMBEDDED_ISSUER, from_env, public_url};
use anyhow::Context;
use eventstore::view_link::LIFE_SECONDS;
use eventstore::{Answers, ShareLinks};
use identity::IdentityOptions;
use pictures::Embedder;
use poem::{Endpoint, EndpointExt, Response, Route};
use std::sync::Arc;

/// The routes of one API process: ours, and the embedded identity service unless a real one is configured.
pub async fn routes(
    kit: &Kit,
    listening: &Listening,
    embedder: Option<Arc<dyn Embedder>>,
) -> anyhow::Result<impl Endpoint<Output = Response> + 'static> {
    let outside = from_env("VARA_IDENTITY_URL");
    let issuer = match &outside {
        Some(url) => from_env("VARA_IDENTITY_ISSUER").unwrap_or_else(|| url.clone()),
        None => EMBEDDED_ISSUER.to_owned(),
    };
    let base = outside
        .clone()
        .unwrap_or_else(|| format!("{}/auth/v1", listening.url()));
    let base = base.parse().context("VARA_IDENTITY_URL is no address")?;
    let identity = api::Identity::new(base, from_env("VARA_IDENTITY_KEY"))?;
    tokio::spawn(
        Answers::new(kit.store.database().clone(), kit.store.vault().clone()).keep_purged(),
    );
    tokio::spawn(ShareLinks::new(kit.store.clone(), kit.objects.clone()).keep_purged());
    let intake = intake::Cells::of_this_program().context("this program cannot be found")?;
    let app = api::App::new(
        kit.store.clone(),
        kit.objects.clone(),
        identity,
        &issuer,
        Arc::new(intake),
        embedder,
        public(&listening.url())?,
    );
    let routes = Route::new()
        .nest_no_strip("/", api::routes(app)?)
        .at("/ledger/*path", ledger::served(kit.folder.ledger()));
    if outside.is_some() {
        return Ok(routes.map_to_response().boxed());
    }
    let options = IdentityOptions {
        database_url: kit.servers.database_url.clone(),
        key_file: kit.folder.keys().join("identity.key"),
        issuer,
    };
    let embedded = ::identity::routes(options).await?;
    Ok(routes.nest("/auth/v1", embedded).map_to_response().boxed())
}

/// How the world reaches this API: `VARA_PUBLIC_URL`, or where it listens.
fn public(listening: &str) -> anyhow::Result<api::Public> {
    let address = public_url()?.map_or_else(|| listening.to_owned(), String::from);
    let link_seconds = match from_env("VARA_LINK_SECONDS") {
        None => LIFE_SECONDS,
        Some(text) => text
            .parse()
            .context("VARA_LINK_SECONDS is a number of seconds, as 3600")?,
    };
    Ok(api::Public {
        address: address.trim_end_matches('/').to_owned(),
        link_seconds,
    })
}
