//! Taking files in, two at once: ours in a process for each, sharp as it is fastest.

use super::Images;
use super::figures::Figures;
use super::files::{KINDS, Kind};
use super::held::Held;
use ::intake::{Cells, Limits};
use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use nix::sys::resource::{UsageWho, getrusage};
use pictures::TakeIn;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinSet;

/// Files at once, on both sides.
const AT_ONCE: u32 = 2;
/// Pictures before those that count, on both sides: a machine gives back memory that nobody used for a while.
const UNCOUNTED: u32 = 8;
/// Pictures that are taken in while memory is looked at.
const WATCHED: u32 = 8;
/// The same steps by sharp: one decoding, upright, then everything from the pixels of the display copy; its best (a clone of the
/// input for each copy is slower), with one thread for each picture and with two.
const SHARP: &str = include_str!("sharp.cjs");
/// Writes the file anew as a lossy WebP.
const TO_WEBP: &str = "const sharp = require('sharp'); const fs = require('node:fs'); const file = process.argv[2];
sharp(fs.readFileSync(file)).webp({ quality: 85 }).toBuffer().then((bytes) => { fs.writeFileSync(file, bytes); console.log(bytes.length); });";
const SHARPS: [(&str, &str); 2] = [("sharp", "1"), ("sharp-2-threads", "2")];
/// Longest time of one run.
const PATIENCE: Duration = Duration::from_secs(600);
/// The word under which the program takes one file in again and again.
const RUNNER: &str = "bench-intake";

/// One run, of ours or of theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intake {
    /// From the first start to the last end, in milliseconds.
    pub whole_ms: f64,
    /// Each picture, in milliseconds.
    pub singly_ms: Vec<f64>,
    /// The most memory that all processes of it held, in KiB.
    pub peak_kib: u64,
}

/// Takes the same file in so many times, two at once, after some that do not count; then some more while it is looked at what they
/// hold.
///
/// # Errors
/// When the file cannot be read, or is not taken.
pub async fn take_in_many(file: &Path, pictures: u32) -> anyhow::Result<Intake> {
    let original =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let original = Arc::new(original);
    let cells = Arc::new(Cells::of(std::env::current_exe()?, Limits::default()));
    taken_in(&cells, &original, UNCOUNTED).await?;
    let begun = Instant::now();
    let singly_ms = taken_in(&cells, &original, pictures).await?;
    let whole_ms = begun.elapsed().as_secs_f64() * 1e3;
    let held = Held::watched();
    taken_in(&cells, &original, WATCHED).await?;
    Ok(Intake {
        whole_ms,
        singly_ms,
        peak_kib: held.most_kib().map_or_else(peak_kib, Ok)?,
    })
}

/// How long each took, in milliseconds.
async fn taken_in(
    cells: &Arc<Cells>,
    original: &Arc<Vec<u8>>,
    pictures: u32,
) -> anyhow::Result<Vec<f64>> {
    let (mut running, mut singly_ms) = (JoinSet::new(), Vec::new());
    for _ in 0..pictures {
        if running.len() >= AT_ONCE as usize {
            singly_ms.push(one(running.join_next().await)?);
        }
        let (cells, original) = (cells.clone(), original.clone());
        running.spawn(async move {
            let begun = Instant::now();
            cells.take_in(original).await?;
            anyhow::Ok(begun.elapsed().as_secs_f64() * 1e3)
        });
    }
    while let Some(ended) = running.join_next().await {
        singly_ms.push(one(Some(ended))?);
    }
    Ok(singly_ms)
}

type Ended = Option<Result<anyhow::Result<f64>, tokio::task::JoinError>>;

fn one(ended: Ended) -> anyhow::Result<f64> {
    ended.context("nothing was running")??
}

/// Where nothing tells what they hold together: our own peak, and that of the largest child as often as there were children at once.
fn peak_kib() -> anyhow::Result<u64> {
    let own = getrusage(UsageWho::RUSAGE_SELF)?.max_rss();
    let child = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    Ok(u64::try_from(own + child * i64::from(AT_ONCE))?)
}

/// All kinds of files, variants in turns.
pub async fn measured(
    folder: &Path,
    program: &Path,
    ask: Images,
    bar: &ProgressBar,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<Figures>> {
    let sharp = sharp_version().await;
    notes.push(match &sharp {
        Some(version) => format!("sharp: {version}"),
        None => "sharp: not found by Node here (npm install sharp, NODE_PATH), so intake is compared with nothing".to_owned(),
    });
    let mut all = Vec::new();
    for kind in KINDS {
        let file = kind.write(folder)?;
        if kind == Kind::Webp {
            if sharp.is_none() {
                continue;
            }
            let mut command = Command::new("node");
            command.arg("-").arg(&file);
            said(command, Some(TO_WEBP)).await?;
        }
        let mut figures = vec![Figures::new(kind.work(), "vara", false)];
        if sharp.is_some() {
            figures.extend(SHARPS.map(|(name, _)| Figures::new(kind.work(), name, true)));
        }
        for _ in 0..ask.rounds {
            bar.set_message(kind.work());
            for own in &mut figures {
                own.add(run(own.variant, program, &file, ask.pictures).await?);
            }
            bar.inc(1);
        }
        all.extend(figures);
    }
    Ok(all)
}

async fn sharp_version() -> Option<String> {
    let asked = Command::new("node")
        .args([
            "-p",
            "'sharp '+require('sharp/package.json').version+', node '+process.version",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(Duration::from_secs(20), asked)
        .await
        .ok()?
        .ok()?;
    let words = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    said.status.success().then_some(words)
}

async fn run(variant: &str, program: &Path, file: &Path, pictures: u32) -> anyhow::Result<Intake> {
    let threads = SHARPS
        .iter()
        .find(|(name, _)| *name == variant)
        .map(|(_, threads)| *threads);
    let (program, script) = match threads {
        Some(_) => (PathBuf::from("node"), Some(SHARP)),
        None => (program.to_owned(), None),
    };
    let mut command = Command::new(&program);
    command.args([script.map_or(RUNNER, |_| "-")]);
    command.arg(file).arg(pictures.to_string());
    command.args(
        threads
            .map(|threads| {
                [
                    threads.to_owned(),
                    AT_ONCE.to_string(),
                    UNCOUNTED.to_string(),
                ]
            })
            .into_iter()
            .flatten(),
    );
    let said = said(command, script).await.context(variant.to_owned())?;
    let line = said.lines().last().unwrap_or_default();
    let run: Intake =
        serde_json::from_str(line).with_context(|| format!("{variant} told no figures"))?;
    ensure!(
        run.singly_ms.len() == pictures as usize,
        "{variant} left pictures out"
    );
    Ok(run)
}

async fn said(mut command: Command, script: Option<&str>) -> anyhow::Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(script.unwrap_or_default().as_bytes())
            .await?;
    }
    let said = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let said = said.with_context(|| format!("a run took longer than {PATIENCE:?}"))??;
    ensure!(said.status.success(), "a run ended with {}", said.status);
    Ok(String::from_utf8(said.stdout)?)
}

impl Figures {
    fn add(&mut self, run: Intake) {
        self.rates
            .push(run.singly_ms.len() as f64 / (run.whole_ms / 1e3));
        let times = run
            .singly_ms
            .iter()
            .map(|ms| Duration::from_secs_f64(ms / 1e3));
        self.singly.extend(times);
        self.peak_kib = self.peak_kib.max(Some(run.peak_kib));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_in_rate_times_and_peak() {
        let mut figures = Figures::new("intake-png", "vara", false);
        let run = |whole_ms, peak_kib| Intake {
            whole_ms,
            singly_ms: vec![50.0, 70.0],
            peak_kib,
        };
        figures.add(run(100.0, 2_000));
        figures.add(run(50.0, 1_000));
        assert_eq!((figures.per_s(), figures.ms(0.99)), (30.0, 70.0));
        assert_eq!(figures.peak_mb(), Some(2.048));
    }
}
