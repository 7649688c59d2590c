//! `vara bench`: measurements on a server of our own, printed, drawn and written.

use crate::cli::{Bench, BenchCommand, BenchEmbed, BenchIntake, BenchOut};
use crate::settings::from_env;
use crate::{say, shutdown};
use ::bench::{Folder, Ground, Images, Lags, Plan, Reads, Rebuilds, Told, folder, images};
use pictures::clip::Weights;
use std::path::Path;

/// Measures what was asked for; what was started or made for it is gone afterwards, whatever happens.
pub async fn bench(ask: Bench) -> anyhow::Result<()> {
    match ask.command {
        BenchCommand::Append(ask) => {
            let plan = Plan::try_new(ask.works, ask.writers, ask.rounds, ask.seconds)?;
            run(&ask.out, async |ground| {
                ::bench::append(ground, &plan).await
            })
            .await
        }
        BenchCommand::Lag(ask) => {
            let lags = Lags {
                rate: ask.rate,
                seconds: ask.seconds,
                rounds: ask.rounds,
            };
            run(&ask.out, async |ground| ::bench::lag(ground, lags).await).await
        }
        BenchCommand::Rebuild(ask) => {
            let rebuilds = Rebuilds {
                events: ask.events,
                rounds: ask.rounds,
            };
            run(&ask.out, async |ground| {
                ::bench::rebuild(ground, rebuilds).await
            })
            .await
        }
        BenchCommand::Read(ask) => {
            let reads = Reads {
                questions: ask.questions,
                rounds: ask.rounds,
            };
            run(&ask.out, async |ground| ::bench::read(ground, reads).await).await
        }
        BenchCommand::Images(ask) => {
            let images = Images {
                rounds: ask.rounds,
                pictures: ask.pictures,
                hashes: ask.hashes,
            };
            let program = std::env::current_exe()?;
            run(&ask.out, async |ground| {
                ::bench::images(ground, &program, images).await
            })
            .await
        }
    }
}

/// One run of intake, whose figures go to standard output.
pub async fn intake(ask: BenchIntake) -> anyhow::Result<()> {
    let run = images::take_in_many(&ask.file, ask.pictures).await?;
    say::line(serde_json::to_string(&run)?);
    Ok(())
}

/// Runs of a model, whose figures go to standard output.
pub fn embed(ask: &BenchEmbed) -> anyhow::Result<()> {
    let weights = match ask.prepacked {
        true => Weights::Prepacked,
        false => Weights::Plain,
    };
    images::stay_on(ask.cores)?;
    let run = images::embed_many(&ask.model, &ask.pixels, weights, ask.batch, ask.runs)?;
    say::line(serde_json::to_string(&run)?);
    Ok(())
}

async fn run<R: Told>(
    out: &BenchOut,
    measure: impl AsyncFnOnce(&Ground) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let report = Folder::open(&out.report)?;
    match measured(out, measure).await {
        Ok(found) => tell(&found, &report, out),
        Err(fault) => {
            report.give_up();
            Err(fault)
        }
    }
}

async fn measured<R: Told>(
    out: &BenchOut,
    measure: impl AsyncFnOnce(&Ground) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    if let Some(json) = &out.json {
        // Now, and not after ten minutes.
        writable(json)?;
    }
    // From now on, also while the server starts: else Ctrl-C would end us without cleaning up.
    let asked = tokio::spawn(shutdown::asked());
    let ground = Ground::open(from_env("DATABASE_URL").as_deref()).await?;
    let found = tokio::select! {
        found = measure(&ground) => found,
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

fn tell(found: &impl Told, report: &Folder, out: &BenchOut) -> anyhow::Result<()> {
    let (method, lines, _) = found.told();
    say::line(found.for_terminal());
    say::line(method);
    for line in lines {
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
