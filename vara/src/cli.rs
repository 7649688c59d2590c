//! What can be asked on the command line.

mod bench;
mod operate;
mod soak;

pub use bench::{Bench, BenchCommand, BenchEmbed, BenchIntake, BenchOut};
pub use operate::{
    Audit, AuditCommand, EraseMember, Export, ExportHashes, Hashes, HashesCommand, Keys,
    KeysCommand, Parked, ParkedCommand, Projections, Prove, ReadModelsCommand, Replay, Verify,
};

pub use soak::{Soak, SoakWriter};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Vara finds where a woman's photos turn up without her agreement, and helps her act.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Without a subcommand everything starts: the same as `vara up`.
    #[command(flatten)]
    pub up: Up,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine, the servers included.
    Up(Up),
    /// Serve HTTP only.
    Api(Api),
    /// Work on scans and carry out policies only.
    Workers(Workers),
    /// Keep the read models current only; or list, check, rebuild them, or go back.
    Projections(Projections),
    /// What a reader of the log could not use: list, show, retry, drop.
    Parked(Parked),
    /// The record: prove, export, verify, replay.
    Audit(Audit),
    /// Master keys: status, rotate, rewrap.
    Keys(Keys),
    /// Erase a member: her key, pictures, rows and account; prints the receipt.
    Erase(EraseMember),
    /// Hashes that members registered: export.
    Hashes(Hashes),
    /// Tell which pictures have a vector of which model, and how far a new model is with those of before.
    Vectors(Data),
    /// Publish the log to NATS only.
    Relay(Data),
    /// Bring the database to the shape this release needs.
    Migrate(Data),
    /// Tell the whole story once against a running Vara.
    Demo(Demo),
    /// Write the OpenAPI document of the API and the AsyncAPI document of the bus; needs no server.
    Openapi(Openapi),
    /// Serve the stand-in of the search engine, or add a page to what it searches.
    Sandbox(Sandbox),
    /// Measure this release against pgbench and the unmodified postgres-es, on a server of its own.
    Bench(Bench),
    /// Run everything for long while servers and processes are killed, and check that nothing is lost or doubled.
    Soak(Soak),
    /// Writers of such a run.
    #[command(hide = true)]
    SoakWriter(SoakWriter),
    /// Takes one file in again and again; `vara bench images` starts it.
    #[command(hide = true)]
    BenchIntake(BenchIntake),
    /// Runs a model again and again; `vara bench images` starts it.
    #[command(hide = true)]
    BenchEmbed(BenchEmbed),
}

/// Where things lie.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// Folder of databases, sealed pictures and keys [default: .vara here; as root a folder that the
    /// servers' account may enter].
    #[arg(long, env = "VARA_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

/// How to start everything.
#[derive(Debug, Clone, Args)]
pub struct Up {
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub engine: Engine,
    /// Port of the API on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Write the addresses to this file, as JSON, once everything serves.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
}

/// How to serve HTTP.
#[derive(Debug, Clone, Args)]
pub struct Api {
    #[command(flatten)]
    pub data: Data,
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Write the address to this file, as JSON, once it serves.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
}

/// How to work.
#[derive(Debug, Clone, Args)]
pub struct Workers {
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub engine: Engine,
}

/// Which search engine to ask.
#[derive(Debug, Clone, Args)]
pub struct Engine {
    /// Address of TinEye's API; without it the stand-in is asked, and findings are marked as a demonstration.
    #[arg(long, env = "VARA_TINEYE_URL")]
    pub tineye_url: Option<String>,
    /// Key for that API. For the stand-in: `sandbox`, or a fault as `bad`, `broke`, `busy`, `slow`, `html`, `cut`.
    #[arg(long, env = "VARA_TINEYE_KEY", hide_env_values = true)]
    pub tineye_key: Option<String>,
}

/// Which story to tell.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    #[command(flatten)]
    pub data: Data,
    /// Address of a running Vara [default: the one that runs on the data folder].
    #[arg(long)]
    pub api: Option<String>,
    /// The picture to look for [default: one of our own, drawn].
    #[arg(long)]
    pub image: Option<PathBuf>,
}

/// Where to write the documents.
#[derive(Debug, Clone, Args)]
pub struct Openapi {
    /// The file of the API's document; `events.asyncapi.json`, of the bus, is written beside it.
    #[arg(long, default_value = "openapi/vara.json")]
    pub out: PathBuf,
}

/// The stand-in of the search engine.
#[derive(Debug, Clone, Args)]
pub struct Sandbox {
    #[command(flatten)]
    pub data: Data,
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
}

/// What else the stand-in can do.
#[derive(Debug, Clone, Subcommand)]
pub enum SandboxCommand {
    /// Put a picture on a page of the little web that is searched.
    Add(AddPage),
}

/// A page of the little web.
#[derive(Debug, Clone, Args)]
pub struct AddPage {
    #[command(flatten)]
    pub data: Data,
    /// Address of the page, as `https://example.org/gallery`.
    #[arg(long)]
    pub page: String,
    /// The picture on it: JPEG, PNG or WebP.
    #[arg(long)]
    pub image: PathBuf,
}
