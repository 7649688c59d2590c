//! The parts of Vara, each as a process of its own.

use crate::cli;
use crate::erasure::{self, Begun};
use crate::kit::{self, Kit};
use crate::models;
use crate::purged;
use crate::routes::routes;
use crate::running::Running;
use crate::serve;
use crate::settings::{Folder, Servers, TinEyeAt, check_every, from_env, public_url};
use crate::{say, shutdown};
use ::workers::image_scan::ImageScan;
use ::workers::providers::{TinEye, TinEyeSettings};
use ::workers::sharing::Sharing;
use eventstore::feed::Tail;
use eventstore::relay::Relay;
use eventstore::{Log, Role, ShareLinks, prover};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Serves HTTP until asked to stop.
pub async fn api(ask: cli::Api) -> anyhow::Result<()> {
    let (kit, to_erase) = open_to_work(&ask.data).await?;
    erasure::finish(&kit, to_erase).await;
    let kit = kit.acting_as(Role::Writer).await?;
    let listening = serve::listen(ask.port).await?;
    let url = listening.url();
    let routes = routes(&kit, &listening, models::embedder().await?).await?;
    let serving = tokio::spawn(listening.serve(routes, shutdown::asked()));
    serve::tell_ready(
        ask.ready_file.as_deref(),
        &serde_json::json!({ "api": url }),
    )?;
    say::line(format!("The API serves at {url}"));
    serving.await?
}

/// Works on scans and carries out policies until asked to stop.
pub async fn workers(ask: cli::Workers) -> anyhow::Result<()> {
    let kit = open_to_write(&ask.data).await?;
    let sandbox = Running::read(&kit.folder)?.map(|running| running.sandbox);
    let engine = TinEyeAt::choose(&ask.engine, sandbox.as_deref())?;
    let mut running = JoinSet::new();
    let tail = Tail::follow(kit.bus.clone());
    run_workers(&mut running, &kit, engine, &tail)?;
    models::run(
        &mut running,
        &kit,
        models::embedder().await?,
        models::faces().await?,
        &tail,
    )?;
    until_asked(running, &kit).await
}

/// Keeps read models current until asked to stop.
pub async fn projections(ask: cli::Data) -> anyhow::Result<()> {
    let (kit, to_erase) = open_to_work(&ask).await?;
    let mut running = JoinSet::new();
    run_projections(&mut running, &kit, &Tail::follow(kit.bus.clone())).await?;
    let erasing = kit.clone();
    running.spawn(async move { erasure::finish(&erasing, to_erase).await });
    until_asked(running, &kit).await
}

/// Publishes the log to NATS until asked to stop.
pub async fn relay(ask: cli::Data) -> anyhow::Result<()> {
    let kit = open_to_write(&ask).await?;
    let mut running = JoinSet::new();
    run_relay(&mut running, &kit)?;
    until_asked(running, &kit).await
}

/// Brings the database to the shape this release needs.
pub async fn migrate(ask: cli::Data) -> anyhow::Result<()> {
    // NATS is not needed for this, so DATABASE_URL alone is enough.
    let url = match from_env("DATABASE_URL") {
        Some(url) => url,
        None => Servers::find(&Folder::of(&ask))?.database_url,
    };
    kit::migrate(&url).await?;
    say::line("The database has the shape this release needs.");
    Ok(())
}

/// Serves the stand-in of the search engine until asked to stop.
pub async fn sandbox(ask: cli::Sandbox) -> anyhow::Result<()> {
    let listening = serve::listen(ask.port).await?;
    say::line(format!(
        "The stand-in of TinEye serves at {}/rest",
        listening.url()
    ));
    let routes = ::sandbox::routes(Folder::of(&ask.data).web())?;
    listening.serve(routes, shutdown::asked()).await
}

/// Opens the common ground of a Vara that runs, or of configured servers, for an operator's command; makes no file. While
/// somebody who was erased has a key, or a picture that was purged, nothing is opened with it.
pub async fn open(data: &cli::Data) -> anyhow::Result<Kit> {
    let kit = open_to_erase(data).await?;
    erasure::holds(&kit).await?;
    purged::holds(&kit).await?;
    Ok(kit)
}

/// The same, acting in a role.
pub async fn open_as(role: Role, data: &cli::Data) -> anyhow::Result<Kit> {
    open(data).await?.acting_as(role).await
}

/// The same, for the command that erases.
pub async fn open_to_erase(data: &cli::Data) -> anyhow::Result<Kit> {
    let folder = Folder::of(data);
    let servers = Servers::find(&folder)?;
    Kit::look(folder, servers).await
}

/// The same, for a part that works. Before it reads anything, everyone in the ledger is erased here as well, and every picture
/// that was purged has no key; where that cannot be done the part does not start.
async fn open_to_work(data: &cli::Data) -> anyhow::Result<(Kit, Vec<Begun>)> {
    let folder = Folder::of(data);
    let servers = Servers::find(&folder)?;
    let kit = Kit::open(folder, servers).await?;
    let begun = erasure::replay(&kit).await?;
    purged::destroy_again(&kit).await?;
    Ok((kit, begun))
}

/// The same, for a part that only adds to the log, and so cannot end an erasure that is to be done again.
async fn open_to_write(data: &cli::Data) -> anyhow::Result<Kit> {
    let (kit, begun) = open_to_work(data).await?;
    if !begun.is_empty() {
        tracing::warn!(
            erasures = begun.len(),
            "rows and pictures of erased members are still to go: `vara api`, `vara projections` or `vara up` takes \
             them away at its start"
        );
    }
    kit.acting_as(Role::Writer).await
}

/// The relay, and the prover beside it: both read the log in order and write elsewhere.
pub fn run_relay(running: &mut JoinSet<()>, kit: &Kit) -> anyhow::Result<()> {
    let place = prover::Place {
        folder: kit.folder.ledger(),
        key: kit.folder.ledger_key(),
    };
    let store = kit.store.clone();
    keep(running, "proof", move || {
        prover::run(store.database().clone(), place.clone(), store.head())
    });
    let kit = kit.clone();
    keep(running, "relay", move || {
        let (database, head) = (kit.store.database().clone(), kit.store.head());
        Relay::new(database, kit.bus.clone(), head).run()
    });
    Ok(())
}

/// Rows are written in the projector's role; only the tables of a new shape are made with the login's own rights.
pub async fn run_projections(
    running: &mut JoinSet<()>,
    kit: &Kit,
    tail: &Tail,
) -> anyhow::Result<()> {
    let writing = kit.acting_as(Role::Projector).await?;
    if let Some(every) = check_every()? {
        let (pool, vault) = (writing.store.database().clone(), kit.vault.clone());
        keep(running, "standing check", move || {
            ::projections::standing::run(pool.clone(), vault.clone(), every)
        });
    }
    let pool = writing.store.database().clone();
    keep(running, "earlier pictures", move || {
        ::projections::erasure::keep_forgetting(pool.clone())
    });
    let (kit, tail) = (kit.clone(), tail.clone());
    keep(running, "projections", move || {
        let (pool, owner) = (writing.store.database(), kit.store.database());
        let mut models = ::projections::run_all(pool, owner, &kit.vault, &tail);
        // The first one that ends, which none should, has all of them started again.
        async move { drop(models.join_next().await) }
    });
    Ok(())
}

pub fn run_workers(
    running: &mut JoinSet<()>,
    kit: &Kit,
    engine: TinEyeAt,
    tail: &Tail,
) -> anyhow::Result<()> {
    let scan = ImageScan {
        store: kit.store.clone(),
        objects: kit.objects.clone(),
        engine: Arc::new(TinEye::new(TinEyeSettings::new(
            engine.base_url,
            engine.key,
        ))?),
        is_mock: engine.is_stand_in,
    };
    let purge = ::workers::purge::Purge {
        store: kit.store.clone(),
        objects: kit.objects.clone(),
    };
    keep(running, "purge", move || {
        ::workers::purge::run(purge.clone())
    });
    let (store, objects) = (kit.store.clone(), kit.objects.clone());
    keep(running, "sweep", move || {
        ::workers::sweep::run(store.clone(), objects.clone())
    });
    if let Some(url) = public_url()? {
        let links = ShareLinks::new(kit.store.clone(), kit.objects.clone());
        running.spawn(Sharing::new(links, Some(url)).tell_whether_reachable());
    }
    let bus = kit.bus.clone();
    keep(running, "image scans", move || {
        ::workers::image_scan::run(bus.clone(), scan.clone())
    });
    let (kit, tail) = (kit.clone(), tail.clone());
    keep(running, "policies", move || {
        let feed = tail.feed(Log::new(kit.store.database().clone()));
        ::workers::policies::run(kit.store.clone(), feed)
    });
    Ok(())
}

/// Runs a part that should never end, and starts it again if it does.
pub fn keep<F>(running: &mut JoinSet<()>, name: &'static str, part: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    running.spawn(async move {
        loop {
            // In a set of its own, so that it ends when we are asked to stop.
            let mut one = JoinSet::new();
            one.spawn(part());
            let panicked = one.join_next().await.is_some_and(|ended| ended.is_err());
            tracing::error!(part = name, panicked, "a part ended; it starts again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}

async fn until_asked(running: JoinSet<()>, kit: &Kit) -> anyhow::Result<()> {
    shutdown::asked().await?;
    drop(running);
    give_back(kit).await;
    Ok(())
}

/// Gives back what this process leads, so that the next one need not wait for it to fall silent.
pub async fn give_back(kit: &Kit) {
    let me = eventstore::edge::this_process();
    if let Err(fault) = eventstore::checkpoint::release(kit.store.database(), me).await {
        tracing::debug!(%fault, "leases run out by themselves");
    }
}
