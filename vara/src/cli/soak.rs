//! What can be asked of the long run under faults.

use clap::Args;
use std::path::PathBuf;

/// How long to run, and with which chance.
#[derive(Debug, Clone, Args)]
pub struct Soak {
    /// Schedules of faults, one after another, each of which is checked.
    #[arg(long, default_value_t = 20)]
    pub schedules: u32,
    /// Events that writers bring, over all schedules; policies add their own.
    #[arg(long, default_value_t = 100_000)]
    pub events: u64,
    /// Replays the same schedules of faults [default: another one each time; it is printed].
    #[arg(long)]
    pub seed: Option<u64>,
    /// An empty folder that stays in the end [default: a temporary one, kept only when a check fails].
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
}

/// One process of writers; `vara soak` starts it.
#[derive(Debug, Clone, Args)]
pub struct SoakWriter {
    /// The data folder of the run, which holds its keys.
    #[arg(long)]
    pub data_dir: PathBuf,
    /// Names the run: commands and streams get their ids from it.
    #[arg(long)]
    pub seed: u64,
    /// First lane of this process.
    #[arg(long)]
    pub lane: u32,
    /// How many lanes it has.
    #[arg(long)]
    pub lanes: u32,
    /// Each lane goes on until it has done so many commands.
    #[arg(long)]
    pub until: u64,
    /// Of a hundred commands, how many are dropped while they are on their way and asked again.
    #[arg(long)]
    pub drops: u32,
    /// The file of acknowledgements.
    #[arg(long)]
    pub acks: PathBuf,
}
