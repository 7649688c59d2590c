//! Pictures: how fast strangers' files are taken in, hashed, turned into vectors and looked up, beside other people's
//! programs doing the same.

mod embedding;
mod figures;
mod files;
mod hashing;
mod held;
mod intake;
mod library;
pub(crate) mod plot;
pub(crate) mod report;
mod searching;

pub use embedding::{Embedding, embed_many, stay_on};
pub use intake::{Intake, take_in_many};
pub use report::ImageReport;
pub use searching::resident_kib;

use crate::ground::Ground;
use crate::run::bar;
use anyhow::ensure;
use figures::Figures;
use std::path::Path;

/// How to measure it.
#[derive(Debug, Clone, Copy)]
pub struct Images {
    /// How often each figure is taken.
    pub rounds: u32,
    /// Pictures of one run.
    pub pictures: u32,
    /// Hashes that are searched.
    pub hashes: u32,
}

/// Measures all of it; `program` is the one that takes pictures in and runs models.
///
/// # Errors
/// When a program or the server cannot be started, or an answer is wrong: then no figure is worth anything.
pub async fn images(ground: &Ground, program: &Path, ask: Images) -> anyhow::Result<ImageReport> {
    ensure!(
        (1..=100).contains(&ask.rounds),
        "--rounds must be from 1 to 100, not {}",
        ask.rounds
    );
    ensure!(
        (2..=10_000).contains(&ask.pictures),
        "--pictures must be from 2 to 10000, not {}",
        ask.pictures
    );
    ensure!(
        (1_000..=10_000_000).contains(&ask.hashes),
        "--hashes must be from 1000 to 10000000, not {}",
        ask.hashes
    );
    let facts = ground.facts().await?;
    let folder = tempfile::tempdir()?;
    let kinds = files::KINDS.len() + embedding::CELLS.len();
    let bar = bar(3 + ask.rounds as usize * kinds)?;
    let mut notes = Vec::new();
    let mut figures: Vec<Figures> = Vec::new();
    figures.extend(intake::measured(folder.path(), program, ask, &bar, &mut notes).await?);
    figures.extend(embedding::measured(folder.path(), program, ask, &bar, &mut notes).await?);
    bar.set_message("hashing");
    figures.extend(hashing::measured(folder.path(), ask, &mut notes).await?);
    bar.inc(1);
    bar.set_message("searching");
    figures.extend(searching::measured(ground, ask).await?);
    bar.inc(1);
    bar.set_message("looking through a library");
    figures.extend(library::measured(ground, ask).await?);
    bar.finish_and_clear();
    Ok(ImageReport::new(ask, facts, notes, &figures))
}
