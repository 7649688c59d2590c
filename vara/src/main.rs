//! The program: one binary whose subcommands are the parts of Vara.

mod bench;
mod cli;
mod demo;
mod erasure;
mod kit;
mod ledger;
mod models;
mod offline;
mod operate;
mod parts;
mod purged;
mod routes;
mod running;
mod say;
mod serve;
mod settings;
mod shutdown;
mod soak;
mod up;

use clap::Parser;
use cli::{Cli, Command, HashesCommand, SandboxCommand};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// What is logged where VARA_LOG says nothing: our own news, and other people's warnings.
const LOGGED: &str = "warn,vara=info,api=info,workers=info,projections=info,eventstore=info,embedded=info,identity=info,sandbox=info";

fn main() -> ExitCode {
    // Before settings, logging and threads: this one gets a stranger's file, and has none of ours.
    if intake::is_asked_for() {
        return intake::child();
    }
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("VARA_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(cli) {
        Ok(code) => code,
        Err(fault) => {
            say::problem(&fault);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // Ring, because sqlx and NATS already bring it: one implementation of TLS in the program.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("TLS could not be set up"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = |()| ExitCode::SUCCESS;
    match cli.command.unwrap_or(Command::Up(cli.up)) {
        Command::Up(ask) => runtime.block_on(up::up(ask)).map(done),
        Command::Api(ask) => runtime.block_on(parts::api(ask)).map(done),
        Command::Workers(ask) => runtime.block_on(parts::workers(ask)).map(done),
        Command::Projections(ask) => match ask.command {
            Some(command) => runtime.block_on(operate::read_models::operate(command)),
            None => runtime.block_on(parts::projections(ask.data)).map(done),
        },
        Command::Audit(ask) => runtime.block_on(operate::audit::operate(ask.command)),
        Command::Keys(ask) => runtime.block_on(operate::keys::operate(ask.command)),
        Command::Erase(ask) => runtime.block_on(operate::keys::erase(ask)),
        Command::Hashes(ask) => match ask.command {
            HashesCommand::Export(ask) => runtime.block_on(operate::hashes::export(ask)),
        },
        Command::Parked(ask) => runtime.block_on(operate::parked::operate(ask.command)),
        Command::Vectors(ask) => runtime.block_on(operate::vectors::tell(ask)).map(done),
        Command::Relay(ask) => runtime.block_on(parts::relay(ask)).map(done),
        Command::Migrate(ask) => runtime.block_on(parts::migrate(ask)).map(done),
        Command::Demo(ask) => runtime.block_on(demo::demo(ask)),
        Command::Openapi(ask) => offline::openapi(&ask).map(done),
        Command::Sandbox(ask) => match ask.command {
            Some(SandboxCommand::Add(add)) => offline::add_page(&ask.data, &add).map(done),
            None => runtime.block_on(parts::sandbox(ask)).map(done),
        },
        Command::Bench(ask) => runtime.block_on(bench::bench(ask)).map(done),
        Command::BenchIntake(ask) => runtime.block_on(bench::intake(ask)).map(done),
        Command::BenchEmbed(ask) => bench::embed(&ask).map(done),
        Command::Soak(ask) => runtime.block_on(soak::soak(ask)).map(done),
        Command::SoakWriter(ask) => runtime.block_on(soak::write(ask)),
    }
}
