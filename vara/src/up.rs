//! `vara up`: everything on one machine, the servers included.

use crate::cli;
use crate::erasure;
use crate::kit::{self, Kit};
use crate::models;
use crate::parts;
use crate::purged;
use crate::routes::routes;
use crate::running::Running;
use crate::serve::{self, Listening};
use crate::settings::{Folder, Servers, TinEyeAt, from_env};
use crate::{say, shutdown};
use anyhow::Context;
use embedded::{Stack, StackOptions};
use eventstore::Role;
use eventstore::feed::Tail;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Longest wait for the parts to say that they are ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Starts everything, and stops it when asked to.
pub async fn up(ask: cli::Up) -> anyhow::Result<()> {
    let folder = Folder::of(&ask.data);
    if let Some(file) = &ask.ready_file {
        // One of an earlier start would tell a script that this one is ready.
        drop(std::fs::remove_file(file));
    }
    // Ports first: a taken one must be said before anything else is started.
    let (api, sandbox) = (serve::listen(ask.port).await?, serve::listen(0).await?);
    let stack = start_servers(&folder).await?;
    let ended = serve_all(ask, folder.clone(), servers(&stack)?, api, sandbox).await;
    Running::remove(&folder);
    tokio::task::spawn_blocking(move || stack.stop()).await?;
    ended
}

/// The servers that are not configured from outside, as children of this process.
async fn start_servers(folder: &Folder) -> anyhow::Result<Stack> {
    let options = StackOptions {
        data: folder.path().to_owned(),
        cache: embedded::default_cache(),
        postgres: from_env("DATABASE_URL").is_none(),
        nats: from_env("NATS_URL").is_none(),
        quiet: false,
    };
    Ok(tokio::task::spawn_blocking(move || Stack::start(options)).await??)
}

fn servers(stack: &Stack) -> anyhow::Result<Servers> {
    Ok(Servers {
        database_url: from_env("DATABASE_URL")
            .or_else(|| stack.database_url("vara"))
            .context("there is no database")?,
        nats_url: from_env("NATS_URL")
            .or_else(|| stack.nats_url())
            .context("there is no NATS")?,
    })
}

async fn serve_all(
    ask: cli::Up,
    folder: Folder,
    servers: Servers,
    api: Listening,
    sandbox: Listening,
) -> anyhow::Result<()> {
    kit::migrate(&servers.database_url).await?;
    let kit = Kit::open(folder, servers).await?;
    let to_erase = erasure::replay(&kit).await?;
    purged::destroy_again(&kit).await?;
    let note = Running {
        api: api.url(),
        sandbox: sandbox.url(),
        database_url: kit.servers.database_url.clone(),
        nats_url: kit.servers.nats_url.clone(),
    };
    let engine = TinEyeAt::choose(&ask.engine, Some(&note.sandbox))?;
    let embedder = models::embedder().await?;
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        drop(stopped.wait_for(|stopped| *stopped).await);
        Ok(())
    };

    let writing = kit.acting_as(Role::Writer).await?;
    let mut parts = JoinSet::new();
    parts::run_relay(&mut parts, &writing)?;
    let tail = Tail::follow(kit.bus.clone());
    parts::run_projections(&mut parts, &kit, &tail).await?;
    parts::run_workers(&mut parts, &writing, engine.clone(), &tail)?;
    models::run(
        &mut parts,
        &writing,
        embedder.clone(),
        models::faces().await?,
        &tail,
    )?;
    erasure::finish(&kit, to_erase).await;
    let web = ::sandbox::routes(kit.folder.web())?;
    let searching = tokio::spawn(sandbox.serve(web, until(stopped.clone())));
    let routes = routes(&writing, &api, embedder).await?;
    let serving = tokio::spawn(api.serve(routes, until(stopped)));

    ready(&note.api).await?;
    note.write(&kit.folder)?;
    let addresses = json!({
        "api": note.api, "sandbox": note.sandbox, "identity": format!("{}/auth/v1", note.api),
    });
    serve::tell_ready(ask.ready_file.as_deref(), &addresses)?;
    greet(&note, &engine, &kit.folder);
    shutdown::asked().await?;
    say::line("Stopping.");
    stop.send_replace(true);
    drop(parts);
    parts::give_back(&kit).await;
    serving.await??;
    searching.await?
}

/// Waits until the API says that what it shows is current.
async fn ready(api: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asking = async {
        loop {
            let answer = client
                .get(format!("{api}/api/v1/health/ready"))
                .send()
                .await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(READY_WITHIN, asking)
        .await
        .context("the parts did not become ready within 30 seconds; the log above says why")
}

fn greet(note: &Running, engine: &TinEyeAt, folder: &Folder) {
    let here = folder.path().display();
    say::line("Vara is ready.");
    say::line(format!("  API        {}/api/v1", note.api));
    say::line(format!("  identity   {}/auth/v1", note.api));
    if engine.is_stand_in {
        let at = &note.sandbox;
        say::line(format!(
            "  engine     a stand-in of TinEye at {at}/rest; its findings are marked"
        ));
    } else {
        say::line("  engine     TinEye, as configured");
    }
    say::line(format!("  data       {here}"));
    say::line("Next, in another terminal:");
    say::line("  cargo run --release -- demo");
    say::line("Stop with Ctrl-C.");
}
