//! `vara parked list|show|retry|drop`.

use super::table;
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
    ] {
        say::line(format!("{name:9} {value}"));
    }
}

async fn retry(kit: &Kit, item: &Parked) -> anyhow::Result<ExitCode> {
    if READ_MODELS.contains(&item.reader.as_str()) {
        bail!(
            "{0} is a read model: `vara projections rebuild {0}` reads all of it again with today's program",
            item.reader
        );
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

async fn let_go(kit: &Kit, item: &Parked) -> anyhow::Result<ExitCode> {
    if READ_MODELS.contains(&item.reader.as_str()) {
        bail!(
            "a read model shows all of the log or waits: after a fix, `vara projections rebuild {}`",
            item.reader
        );
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
