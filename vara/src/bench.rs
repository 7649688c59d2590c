//! `vara bench`: measurements on a server of our own, printed, drawn and written.

use crate::cli::{Bench, BenchAppend, BenchCommand, BenchOut};
use crate::settings::from_env;
use crate::{say, shutdown};
use ::bench::{Folder, Ground, Plan, Report, folder, table};
use std::path::Path;

/// Measures what was asked for; what was started or made for it is gone afterwards, whatever happens.
pub async fn bench(ask: Bench) -> anyhow::Result<()> {
    match ask.command {
        BenchCommand::Append(ask) => append(ask).await,
    }
}

async fn append(ask: BenchAppend) -> anyhow::Result<()> {
    let plan = Plan::try_new(ask.works, ask.writers, ask.rounds, ask.seconds)?;
    let report = Folder::open(&ask.out.report)?;
    match measured(&plan, &ask.out).await {
        Ok(found) => tell(&found, &report, &ask.out),
        Err(fault) => {
            report.give_up();
            Err(fault)
        }
    }
}

async fn measured(plan: &Plan, out: &BenchOut) -> anyhow::Result<Report> {
    if let Some(json) = &out.json {
        // Now, and not after ten minutes.
        writable(json)?;
    }
    // From now on, also while the server starts: else Ctrl-C would end us without cleaning up.
    let asked = tokio::spawn(shutdown::asked());
    let ground = Ground::open(from_env("DATABASE_URL").as_deref()).await?;
    let found = tokio::select! {
        found = ::bench::append(&ground, plan) => found,
        stopped = asked => stopped?.and_then(|()| Err(anyhow::anyhow!("stopped before the end; nothing was written"))),
    };
    let closed = ground.close().await;
    let found = found?;
    closed?;
    Ok(found)
}

fn writable(path: &Path) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    anyhow::ensure!(
        folder.is_dir(),
        "--json: the folder {} does not exist",
        folder.display()
    );
    anyhow::ensure!(!path.is_dir(), "--json: {} is a folder", path.display());
    Ok(())
}

fn tell(found: &Report, report: &Folder, out: &BenchOut) -> anyhow::Result<()> {
    say::line(table::for_terminal(found));
    say::line(found.method());
    for line in found.facts.lines() {
        say::line(format!("  {line}"));
    }
    let mut written = report.write(found)?;
    if let Some(json) = &out.json {
        folder::write_json(json, found)?;
        written.push(json.clone());
    }
    for file in written {
        say::line(format!("Wrote {}", file.display()));
    }
    Ok(())
}
