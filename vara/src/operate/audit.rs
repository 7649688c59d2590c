//! `vara audit prove|export|verify|replay`.

mod signed;

use super::bar;
use crate::cli::{AuditCommand, Export, Prove, Replay, Verify};
use crate::kit::Kit;
use crate::{parts, say};
use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use eventstore::Log;
use eventstore::audit::{self, Evidence, Replayed};
use eventstore::stored::Stored;
use proof::{Options, VerifierKey, verify, verify_inclusion};
use signed::{Signed, text};
use std::path::Path;
use std::process::ExitCode;
use uuid::Uuid;

/// Does what was asked; failure is said by the exit code too.
pub async fn operate(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Prove(ask) => prove(&ask).await,
        AuditCommand::Export(ask) => export(&ask).await,
        AuditCommand::Verify(ask) => verify_offline(&ask),
        AuditCommand::Replay(ask) => replay(&ask).await,
        AuditCommand::Key(data) => {
            let kit = parts::open(&data).await?;
            say::line(Signed::of(&kit).await?.key.to_string());
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn prove(ask: &Prove) -> anyhow::Result<ExitCode> {
    let kit = parts::open(&ask.data).await?;
    let database = kit.store.database();
    let event = match ask.event.parse::<i64>() {
        Ok(position) => {
            ensure!(position > 0, "positions begin with 1");
            Stored::read(database, position - 1, position, 1)
                .await?
                .pop()
        }
        Err(_) => {
            let id: Uuid = ask
                .event
                .parse()
                .context("an event is named by its id or its position")?;
            Stored::find(database, id).await?
        }
    };
    let event = event.with_context(|| format!("the log has no event {}", ask.event))?;
    let signed = Signed::of(&kit).await?;
    let made = proof::prove(&signed.tiles, event.entry(), &signed.note, &signed.key)?;
    let text = serde_json::to_string_pretty(&made)? + "\n";
    match &ask.out {
        Some(file) => {
            std::fs::write(file, text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            say::line(format!("Wrote {}", file.display()));
        }
        None => say::line(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

async fn export(ask: &Export) -> anyhow::Result<ExitCode> {
    let kit = parts::open(&ask.data).await?;
    let signed = Signed::of(&kit).await?;
    let (from, to) = (ask.from, ask.to.unwrap_or_else(|| signed.size()));
    ensure!(from > 0, "positions begin with 1");
    ensure!(from <= to + 1, "--from stands after --to");
    ensure!(
        to <= signed.size(),
        "the checkpoint covers {} events; {to} are asked for",
        signed.size()
    );
    let older = ask.made_for.iter().map(|file| signed.older(file));
    let older = older.collect::<anyhow::Result<Vec<_>>>()?;
    let evidence = Evidence {
        tiles: &signed.tiles,
        checkpoint: &signed.note,
        key: &signed.key,
        older: &older,
    };
    let bar = bar("export");
    bar.set_length((to - from + 1).unsigned_abs());
    let told = |done| bar.set_position(done);
    let made = audit::export(kit.store.database(), from, to, &ask.out, &evidence, told).await?;
    bar.finish_and_clear();
    say::line(format!(
        "{} events, {} to {}, in {}",
        made.count,
        made.from,
        made.to,
        ask.out.display()
    ));
    say::line(format!("key {}", signed.key));
    Ok(ExitCode::SUCCESS)
}

/// The key as text, or a file that holds it.
fn key(given: &str) -> anyhow::Result<VerifierKey> {
    let text = if Path::new(given).exists() {
        text(Path::new(given))?
    } else {
        given.to_owned()
    };
    text.trim().parse().context("this is no verifier key")
}

/// Needs no server: an export, a proof, a key, an older checkpoint.
fn verify_offline(ask: &Verify) -> anyhow::Result<ExitCode> {
    let key = ask.key.as_deref().map(key).transpose()?;
    if ask.what.is_file() {
        let key =
            key.context("a proof is verified with --key, the log's key from somewhere else")?;
        let proven = verify_inclusion(&ask.what, &key)?;
        say::line(format!(
            "The event at position {} is in the record of {} events that was signed.",
            proven.event.position, proven.size
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let against = ask.against.as_deref().map(text).transpose()?;
    let options = Options {
        against: against.as_deref(),
        key: key.as_ref(),
        ..Options::default()
    };
    let bar = bar("verify");
    let report = verify(&ask.what, &options, &mut |done| bar.set_position(done))?;
    bar.finish_and_clear();
    say::line(format!(
        "{}: events {} to {} of {} are as they were signed.",
        report.origin, report.from, report.to, report.size
    ));
    say::line(format!("root  {}", hex::encode(report.root.0)));
    match report.against {
        Some(size) => say::line(format!(
            "They go on from the older checkpoint over {size} events."
        )),
        None => say::line(
            "No older checkpoint was given: whoever holds the signing key could have rewritten everything.",
        ),
    }
    if report.key_from_export {
        say::line(
            "The key came from the export itself: compare it with one you got elsewhere, by --key.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(ask: &Replay) -> anyhow::Result<ExitCode> {
    let kit = parts::open(&ask.data).await?;
    let log = Log::new(kit.store.database().clone());
    // Before the log's end is asked for, so that a whole log never ends before it.
    let signed = Signed::find(&kit).await?;
    let mark = signed.as_ref().map_or(0, |signed| signed.checkpoint.size);
    let until = until(&log, ask.until.as_deref()).await?;
    ensure!(
        ask.until.is_some() || until.unsigned_abs() >= mark,
        "the log has lost events: it ends at {until}, and {mark} were signed"
    );
    let bar = bar("replay");
    bar.set_length(until.unsigned_abs());
    let seen = match &ask.stream {
        None => {
            audit::replay(kit.store.database(), &kit.vault, until, mark, |done| {
                bar.set_position(done)
            })
            .await?
        }
        Some(stream) => one_stream(&kit, stream, until).await?,
    };
    bar.finish_and_clear();
    tell(signed.as_ref(), &seen)
}

async fn one_stream(kit: &Kit, named: &str, until: i64) -> anyhow::Result<Replayed> {
    let (noun, stream) = named
        .split_once('/')
        .context("a stream is named by its noun and its id, as scan/018f…")?;
    let seen = audit::replay_stream(kit.store.database(), &kit.vault, noun, stream, until).await?;
    ensure!(seen.count > 0, "the log has no stream {named}");
    Ok(seen)
}

/// The position that a number or a time names; the newest without one.
async fn until(log: &Log, asked: Option<&str>) -> anyhow::Result<i64> {
    let head = log.head().await?;
    let Some(asked) = asked else {
        return Ok(head);
    };
    if let Ok(position) = asked.parse::<i64>() {
        ensure!(
            (0..=head).contains(&position),
            "the log has positions 1 to {head}"
        );
        return Ok(position);
    }
    let time: DateTime<Utc> = asked
        .parse()
        .context("--until is a position or a time as 2026-11-24T10:15:30Z")?;
    Ok(log.position_at(time).await?)
}

fn tell(signed: Option<&Signed>, seen: &Replayed) -> anyhow::Result<ExitCode> {
    say::line(format!(
        "{} events, {} to {}",
        seen.count, seen.from, seen.to
    ));
    let Some(root) = seen.root else {
        return Ok(ExitCode::SUCCESS);
    };
    say::line(format!("root  {}", hex::encode(root.0)));
    let Some(signed) = signed else {
        say::line("Not compared with what was signed: nothing is signed yet.");
        return Ok(ExitCode::SUCCESS);
    };
    let compared = seen.count.min(signed.checkpoint.size);
    // A log that is longer than what was signed has a root at that size too.
    let ours = seen.marked.unwrap_or(root);
    if signed.tiles.root(compared)? != ours {
        bail!("the log is not the one that was signed: another root over {compared} events");
    }
    match compared == seen.count {
        true => say::line("It is the root that was signed."),
        false => say::line(format!(
            "The first {compared} events have the root that was signed; those after them are not signed yet."
        )),
    }
    Ok(ExitCode::SUCCESS)
}
