//! What operators ask.

use super::Data;
use clap::{Args, Subcommand, value_parser};
use projections::hash_cases::exchange::SECONDS;
use std::path::PathBuf;
use uuid::Uuid;

/// Read models.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Projections {
    #[command(flatten)]
    pub data: Data,
    /// Something else than keeping them current.
    #[command(subcommand)]
    pub command: Option<ReadModelsCommand>,
}

/// What can be done with read models.
#[derive(Debug, Clone, Subcommand)]
pub enum ReadModelsCommand {
    /// Tell how far each one is, and which generation is read.
    List(Data),
    /// Build one anew from the log beside the live one; it takes its place when their rows agree.
    Rebuild(Rebuild),
    /// Go back to the generation before the last rebuild, brought up to date.
    Rollback(ReadModel),
    /// Compare live rows with the log, and name the first position at which they part. All of them without a name.
    Check(Check),
}

/// Which read model.
#[derive(Debug, Clone, Args)]
pub struct ReadModel {
    #[command(flatten)]
    pub data: Data,
    /// Its name, as `alerts`; `list` has them all.
    pub name: String,
}

/// Which read model to rebuild.
#[derive(Debug, Clone, Args)]
pub struct Rebuild {
    #[command(flatten)]
    pub which: ReadModel,
    /// Put the rows of the log in place also where the live ones differ.
    #[arg(long)]
    pub accept: bool,
}

/// Which read models to check.
#[derive(Debug, Clone, Args)]
pub struct Check {
    #[command(flatten)]
    pub data: Data,
    /// Its name.
    pub name: Option<String>,
}

/// Hashes that members registered.
#[derive(Debug, Clone, Args)]
pub struct Hashes {
    /// What to do with them.
    #[command(subcommand)]
    pub command: HashesCommand,
}

/// What can be done with hashes that members registered.
#[derive(Debug, Clone, Subcommand)]
pub enum HashesCommand {
    /// Write all of them, withdrawn ones included, in the record shape of the exchange that platforms read.
    Export(ExportHashes),
}

/// Where to write them.
#[derive(Debug, Clone, Args)]
pub struct ExportHashes {
    #[command(flatten)]
    pub data: Data,
    /// The file: one page of records a line.
    #[arg(long)]
    pub out: PathBuf,
    /// Only what changed in this second since 1970 or later: what the export before said.
    #[arg(long, default_value_t = 0, value_parser = value_parser!(i64).range(SECONDS))]
    pub since: i64,
}

/// What was put aside.
#[derive(Debug, Clone, Args)]
pub struct Parked {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ParkedCommand,
}

/// What can be done with what was put aside.
#[derive(Debug, Clone, Subcommand)]
pub enum ParkedCommand {
    /// Tell everything that waits.
    List(Data),
    /// Tell one item in full.
    Show(ParkedItem),
    /// Use it again with today's program: after a fix. A read model is rebuilt for it.
    Retry(ParkedItem),
    /// Let it go: its reader goes on with the next event of that stream; a read model leaves the rest of it out.
    Drop(ParkedItem),
}

/// Which item.
#[derive(Debug, Clone, Args)]
pub struct ParkedItem {
    #[command(flatten)]
    pub data: Data,
    /// Its id, as `list` tells it.
    pub id: Uuid,
}

/// Keys.
#[derive(Debug, Clone, Args)]
pub struct Keys {
    /// What to do with them.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Tell which master keys wrap how many keys.
    Status(Data),
    /// Make a fresh master key and wrap every key with it; events stay as they are.
    Rotate(Data),
    /// Wrap with today's master key what an older one wrapped: after a rotation elsewhere, or one that was stopped.
    Rewrap(Data),
}

/// Whom to erase.
#[derive(Debug, Clone, Args)]
pub struct EraseMember {
    #[command(flatten)]
    pub data: Data,
    /// Her id. This cannot be undone.
    pub member: Uuid,
}

/// The record.
#[derive(Debug, Clone, Args)]
pub struct Audit {
    /// What to ask of it.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be asked of the record.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// Prove that one event is in the signed record.
    Prove(Prove),
    /// Write a range of events with tiles and checkpoint, for somebody who verifies them elsewhere.
    Export(Export),
    /// Verify an export or a proof; needs no server and no database.
    Verify(Verify),
    /// Read every event, open it, understand it; count, range and root.
    Replay(Replay),
    /// Tell the key that others verify with.
    Key(Data),
}

/// Which event to prove.
#[derive(Debug, Clone, Args)]
pub struct Prove {
    #[command(flatten)]
    pub data: Data,
    /// Its id or its position.
    pub event: String,
    /// Write the proof to this file.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// What to export.
#[derive(Debug, Clone, Args)]
pub struct Export {
    #[command(flatten)]
    pub data: Data,
    /// First position.
    #[arg(long, default_value_t = 1)]
    pub from: i64,
    /// Last position [default: the last one that is signed].
    #[arg(long)]
    pub to: Option<i64>,
    /// An older checkpoint that its reader holds: `verify --against` it then works for a part of the record too. May
    /// be given more than once.
    #[arg(long = "for", value_name = "CHECKPOINT")]
    pub made_for: Vec<PathBuf>,
    /// An empty folder, or one that is made.
    #[arg(long)]
    pub out: PathBuf,
}

/// What to verify.
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// Folder of an export, or file of a proof.
    pub what: PathBuf,
    /// An older checkpoint of the same log, kept elsewhere.
    #[arg(long)]
    pub against: Option<PathBuf>,
    /// The log's key, as text or in a file.
    #[arg(long)]
    pub key: Option<String>,
}

/// What to replay.
#[derive(Debug, Clone, Args)]
pub struct Replay {
    #[command(flatten)]
    pub data: Data,
    /// A position, or a time as 2026-11-24T10:15:30Z.
    #[arg(long)]
    pub until: Option<String>,
    /// One stream only, as `scan/<id>`.
    #[arg(long)]
    pub stream: Option<String>,
}
