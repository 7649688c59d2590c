//! `vara projections list|rebuild|rollback|check`.

use super::{bar, table};
use crate::cli::{Data, ReadModelsCommand};
use crate::kit::Kit;
use crate::{parts, say};
use anyhow::{Context, bail};
use eventstore::{Database, Vault};
use projections::check::{Checked, check};
use projections::projector::ReadModel;
use projections::rebuild::{self, Progress, RebuildFault, Rebuilt, rollback};
use projections::standing::{self, LastCheck};
use projections::{Operation, READ_MODELS, generation, named};
use std::process::ExitCode;
use std::sync::Arc;

/// Does what was asked; failure is said by the exit code too.
pub async fn operate(command: ReadModelsCommand) -> anyhow::Result<ExitCode> {
    match command {
        ReadModelsCommand::List(data) => list(&data).await,
        ReadModelsCommand::Rebuild(ask) => {
            let kit = parts::open(&ask.which.data).await?;
            rebuild(&kit, &ask.which.name, ask.accept).await
        }
        ReadModelsCommand::Rollback(ask) => {
            let kit = parts::open(&ask.data).await?;
            let operation = RollingBack(kit.store.database().clone(), kit.vault.clone());
            said(named(&ask.name, operation).await, &ask.name)
        }
        ReadModelsCommand::Check(ask) => {
            let kit = parts::open(&ask.data).await?;
            match ask.name {
                Some(name) => check_all(&kit, &[&name]).await,
                None => check_all(&kit, &READ_MODELS).await,
            }
        }
    }
}

/// Builds a read model anew, and says which generation is read now.
pub async fn rebuild(kit: &Kit, name: &str, accept: bool) -> anyhow::Result<ExitCode> {
    let operation = Rebuilding {
        database: kit.store.database().clone(),
        vault: kit.vault.clone(),
        accept,
        progress: progress(name),
    };
    said(named(name, operation).await, name)
}

fn unknown(name: &str) -> String {
    format!(
        "no read model is called {name}; there are {}",
        READ_MODELS.join(", ")
    )
}

fn progress(name: &str) -> Progress {
    let bar = bar(name);
    Arc::new(move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })
}

fn said(done: Option<Result<Rebuilt, RebuildFault>>, name: &str) -> anyhow::Result<ExitCode> {
    let done = done.with_context(|| unknown(name))??;
    say::line(format!(
        "{name}: generation {} is read now, at position {}, digest {}",
        done.generation, done.position, done.digest
    ));
    Ok(ExitCode::SUCCESS)
}

struct Rebuilding {
    database: Database,
    vault: Vault,
    accept: bool,
    progress: Progress,
}

impl Operation for Rebuilding {
    type Output = Result<Rebuilt, RebuildFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        rebuild::rebuild::<M>(&self.database, &self.vault, self.accept, &self.progress).await
    }
}

struct RollingBack(Database, Vault);

impl Operation for RollingBack {
    type Output = Result<Rebuilt, RebuildFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        rollback::<M>(&self.0, &self.1).await
    }
}

/// The check of a read model that is known by its name.
pub struct Checking(pub Database, pub Vault, pub Progress);

impl Operation for Checking {
    type Output = Result<Checked, RebuildFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        check::<M>(&self.0, &self.1, &self.2).await
    }
}

async fn check_all(kit: &Kit, names: &[&str]) -> anyhow::Result<ExitCode> {
    let mut rows = table(&["read model", "position", "live digest", "diverges at"]);
    let mut differ = Vec::new();
    for name in names {
        let (database, vault) = (kit.store.database().clone(), kit.vault.clone());
        let operation = Checking(database, vault, progress(name));
        let seen = named(name, operation)
            .await
            .with_context(|| unknown(name))??;
        rows.add_row([
            (*name).to_owned(),
            seen.position.to_string(),
            seen.live.to_string()[..16].to_owned(),
            seen.diverges_at
                .map_or_else(|| "nowhere".to_owned(), |at| at.to_string()),
        ]);
        if seen.diverges_at.is_some() {
            differ.push((*name, seen));
        }
    }
    say::line(rows.to_string());
    if differ.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for (name, seen) in &differ {
        for row in &seen.rows {
            say::line(format!("{name}: differs in {row}"));
        }
    }
    let names: Vec<_> = differ.iter().map(|(name, _)| *name).collect();
    bail!("live rows are not what the log says: {}", names.join(", "))
}

/// What the standing check saw last.
fn checked(last: Option<&LastCheck>) -> String {
    let Some(last) = last else {
        return "not yet".to_owned();
    };
    let at = last.checked_at.format("%Y-%m-%d %H:%M");
    match last.diverges_at {
        None => format!("{at}: as the log up to {}", last.position),
        Some(diverges_at) => format!("{at}: not as the log from {diverges_at} on"),
    }
}

async fn list(data: &Data) -> anyhow::Result<ExitCode> {
    let kit = parts::open(data).await?;
    let database = kit.store.database();
    let head = eventstore::Log::new(database.clone()).head().await?;
    let mut rows = table(&[
        "read model",
        "generation",
        "position",
        "behind",
        "digest",
        "way back",
        "last standing check",
    ]);
    let checks = standing::last(database).await?;
    for name in READ_MODELS {
        let mut db = database.acquire().await?;
        let live = generation::live(&mut db, name).await?;
        let before = generation::previous(&mut db, name).await?;
        drop(db);
        let position = eventstore::checkpoint::read(database, name).await?;
        rows.add_row([
            name.to_owned(),
            live.number.to_string(),
            position.to_string(),
            (head - position).max(0).to_string(),
            live.digest.map_or_else(
                || "not known yet".to_owned(),
                |digest| digest.to_string()[..16].to_owned(),
            ),
            before.map_or_else(|| "none".to_owned(), |before| before.number.to_string()),
            checked(checks.iter().find(|check| check.name == name)),
        ]);
    }
    say::line(rows.to_string());
    Ok(ExitCode::SUCCESS)
}
