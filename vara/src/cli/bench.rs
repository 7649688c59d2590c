//! What can be asked of the measurements.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Bench {
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What can be measured.
#[derive(Debug, Clone, Subcommand)]
pub enum BenchCommand {
    /// How many events a second go in, and how long a caller waits.
    Append(BenchAppend),
    /// How long it takes until a commit shows in every read model.
    Lag(BenchLag),
    /// How fast a read model is built anew from the log.
    Rebuild(BenchRebuild),
    /// How fast what people look at is read, now and as of a position.
    Read(BenchRead),
    /// How fast pictures are taken in, hashed, turned into vectors and looked up, beside sharp, the reference of PDQ and
    /// onnxruntime where they are installed.
    Images(BenchImages),
}

/// How to measure pictures.
#[derive(Debug, Clone, Args)]
pub struct BenchImages {
    /// How often each figure is taken; a figure to rely on takes 5 or more.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Pictures that are taken in in one run.
    #[arg(long, default_value_t = 30)]
    pub pictures: u32,
    /// Known hashes that are searched.
    #[arg(long, default_value_t = 1_000_000)]
    pub hashes: u32,
    #[command(flatten)]
    pub out: BenchOut,
}

/// One run of intake; the bench starts it.
#[derive(Debug, Clone, Args)]
pub struct BenchIntake {
    /// The file to take in.
    pub file: PathBuf,
    /// How often.
    pub pictures: u32,
}

/// Runs of a model; the bench starts them.
#[derive(Debug, Clone, Args)]
pub struct BenchEmbed {
    /// The model's file.
    pub model: PathBuf,
    /// The file of squares.
    pub pixels: PathBuf,
    /// Squares of one run.
    pub batch: usize,
    /// How often.
    pub runs: usize,
    /// Whether weights are held once more in the order in which they are multiplied.
    #[arg(long)]
    pub prepacked: bool,
    /// Processors that may work on it.
    #[arg(long, default_value_t = 1)]
    pub cores: usize,
}

/// How to measure the lag.
#[derive(Debug, Clone, Args)]
pub struct BenchLag {
    /// How often each figure is taken; a figure to rely on takes 5 or more.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// How long each time, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Commands a second.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    #[command(flatten)]
    pub out: BenchOut,
}

/// How to measure rebuilds.
#[derive(Debug, Clone, Args)]
pub struct BenchRebuild {
    /// How often each figure is taken; a figure to rely on takes 5 or more.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Events in the log.
    #[arg(long, default_value_t = 200_000)]
    pub events: u64,
    #[command(flatten)]
    pub out: BenchOut,
}

/// How to measure reads.
#[derive(Debug, Clone, Args)]
pub struct BenchRead {
    /// How often each figure is taken; a figure to rely on takes 5 or more.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Questions of one run.
    #[arg(long, default_value_t = 2_000)]
    pub questions: u32,
    #[command(flatten)]
    pub out: BenchOut,
}

/// How to measure it. DATABASE_URL names another server than one of our own; a database is made there and dropped.
#[derive(Debug, Clone, Args)]
pub struct BenchAppend {
    /// How often each figure is taken; a figure to rely on takes 5 or more.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// How long each time, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// How many write at once.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    pub writers: Vec<u32>,
    /// What is done.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "execute-1,execute-known,execute-10,append-only,append-unordered"
    )]
    pub works: Vec<::bench::Work>,
    #[command(flatten)]
    pub out: BenchOut,
}

/// Where the figures go beside the terminal.
#[derive(Debug, Clone, Args)]
pub struct BenchOut {
    /// Folder of the report with its pictures.
    #[arg(long, default_value = "bench-report")]
    pub report: PathBuf,
    /// Write the same figures to this file, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
}
