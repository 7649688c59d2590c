//! `vara parked list|show|retry|drop`.

use super::{read_models, table};
use crate::cli::ParkedCommand;
use crate::kit::Kit;
use crate::{parts, say};
use anyhow::{Context, bail};
use eventstore::parked::{self, Parked};
use eventstore::partitions::Partitions;
use eventstore::{Log, lease, subscription};
use projections::READ_MODELS;
use std::process::ExitCode;
use uuid::Uuid;

/// Does what was asked.
pub async fn operate(command: ParkedCommand) -> anyhow::Result<ExitCode> {
    match command {
        ParkedCommand::List(data) => list(&parts::open(&data).await?).await,
        ParkedCommand::Show(ask) => {
            let kit = parts::open(&ask.data).await?;
            show(&find(&kit, ask.id).await?);
            Ok(ExitCode::SUCCESS)
        }
        ParkedCommand::Retry(ask) => {
            let kit = parts::open(&ask.data).await?;
            let item = find(&kit, ask.id).await?;
            retry(&kit, &item).await
        }
        ParkedCommand::Drop(ask) => {
            let kit = parts::open(&ask.data).await?;
            let item = find(&kit, ask.id).await?;
            let_go(&kit, &item).await
        }
    }
}

async fn find(kit: &Kit, id: Uuid) -> anyhow::Result<Parked> {
    let found = parked::find(kit.store.database(), id).await?;
    found.with_context(|| format!("nothing with the id {id} is parked"))
}

async fn list(kit: &Kit) -> anyhow::Result<ExitCode> {
    let items = parked::list(kit.store.database()).await?;
    for item in parked::let_go_of(kit.store.database()).await? {
        say::line(format!(
            "Let go: {} leaves out {}/{} from position {} on ({})",
            item.reader, item.noun, item.stream, item.position, item.id
        ));
    }
    if items.is_empty() {
        say::line("Nothing is parked.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = table(&[
        "id", "reader", "stream", "position", "tries", "since", "reason",
    ]);
    for item in items {
        rows.add_row([
            item.id.to_string(),
            item.reader,
            format!("{}/{}", item.noun, item.stream),
            item.position.to_string(),
            item.attempts.to_string(),
            item.parked_at.to_rfc3339(),
            item.reason,
        ]);
    }
    say::line(rows.to_string());
    Ok(ExitCode::SUCCESS)
}

fn show(item: &Parked) {
    for (name, value) in [
        ("id", item.id.to_string()),
        ("reader", item.reader.clone()),
        ("stream", format!("{}/{}", item.noun, item.stream)),
        ("event", item.event_id.to_string()),
        ("position", item.position.to_string()),
        ("tries", item.attempts.to_string()),
        ("since", item.parked_at.to_rfc3339()),
        ("reason", item.reason.clone()),
        (
            "let go",
            item.let_go_at
                .map_or_else(|| "no".to_owned(), |at| at.to_rfc3339()),
        ),
    ] {
        say::line(format!("{name:9} {value}"));
    }
}

async fn retry(kit: &Kit, item: &Parked) -> anyhow::Result<ExitCode> {
    if READ_MODELS.contains(&item.reader.as_str()) {
        return read_again(kit, item).await;
    }
    if item.reader == subscription::POLICIES {
        let store = kit.store.clone();
        let again = subscription::retry(&kit.store, item, move |event| {
            ::workers::policies::react(store.clone(), event)
        });
        if let Some(why) = again.await? {
            bail!("it still waits: {why}");
        }
        say::line("Its stream was used, and goes on.");
        return Ok(ExitCode::SUCCESS);
    }
    let log = Log::new(kit.store.database().clone());
    let event = log.find(item.event_id).await?;
    let event = event.context("its event is not in the log")?;
    let partitions = Partitions::after(&log, event.position - 1).await?;
    // Its message must not meet the attempts that were used up.
    lease::forget(kit.store.database(), &item.reader, item.event_id).await?;
    kit.bus.publish_again(&event, partitions).await?;
    forget(kit, item).await?;
    say::line("It is in its queue again.");
    Ok(ExitCode::SUCCESS)
}

/// A read model is not patched, because only a fold from zero equals one: once the event that stopped the stream can be
/// used, the whole is folded with today's program, this stream in its place among the others.
async fn read_again(kit: &Kit, item: &Parked) -> anyhow::Result<ExitCode> {
    let log = Log::new(kit.store.database().clone());
    let event = log.find(item.event_id).await?;
    let event = event.context("its event is not in the log")?;
    if let Err(fault) = event.open(&kit.vault).await {
        bail!("it still waits: {fault}");
    }
    read_models::rebuild(kit, &item.reader, false).await?;
    match parked::find(kit.store.database(), item.id).await? {
        None => say::line("Its stream is shown, and goes on."),
        Some(later) => bail!(
            "its stream was used up to position {}, and waits there: {}",
            later.position,
            later.reason
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn let_go(kit: &Kit, item: &Parked) -> anyhow::Result<ExitCode> {
    if READ_MODELS.contains(&item.reader.as_str()) {
        let mut tx = kit.store.database().begin().await?;
        parked::let_go(&mut tx, item.id).await?;
        tx.commit().await?;
        say::line(format!(
            "It was let go: {0} leaves that stream out from position {1} on, until `vara parked retry` or a rebuild \
             can use it.",
            item.reader, item.position
        ));
        return Ok(ExitCode::SUCCESS);
    }
    lease::forget(kit.store.database(), &item.reader, item.event_id).await?;
    forget(kit, item).await?;
    say::line("It was let go; the event stays in the log.");
    Ok(ExitCode::SUCCESS)
}

async fn forget(kit: &Kit, item: &Parked) -> anyhow::Result<()> {
    let mut tx = kit.store.database().begin().await?;
    parked::remove(&mut tx, item.id).await?;
    Ok(tx.commit().await?)
}
