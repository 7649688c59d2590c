//! What operators ask.

use super::Data;
use clap::{Args, Subcommand};
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
    /// Use it again with today's program: after a fix.
    Retry(ParkedItem),
    /// Let it go: its reader goes on with the next event of that stream.
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
