//! How long it takes until a commit stands under a signed checkpoint.

use crate::filled::join_all;
use crate::ground::Ground;
use crate::lag::{Lags, Look, lags, looks, paced};
use anyhow::Context;
use eventstore::{Store, checkpoint, edge, prover};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// Members whose commands are signed for.
const MEMBERS: usize = 50;
/// How the published checkpoint is looked at.
const SIGNED: Look = Look {
    found: "signed",
    every: Duration::from_millis(5),
    patience: Duration::from_secs(30),
};

/// For each event of one run, from the answer of its command to the checkpoint file that counts it.
pub(crate) async fn once(ground: &Ground, ask: Lags) -> anyhow::Result<Vec<Duration>> {
    ground.clean().await?;
    let pool = ground.connect(24).await?;
    let store = Store::open(pool.clone(), ground.vault(&pool)?);
    let base = ground.folder().join(format!("proof-{}", edge::fresh_id()));
    std::fs::create_dir(&base).context("a folder for the proof cannot be made")?;
    let place = prover::Place {
        folder: base.join("ledger"),
        key: base.join("key"),
    };
    let published = place.folder.join("checkpoint");
    let proving = tokio::spawn(prover::run(pool.clone(), place, store.head()));
    let members = join_all(&store, MEMBERS).await?;
    let (told, last) = watch::channel(None);
    let watching = tokio::spawn(looks(SIGNED, last, move || size(published.clone())));
    let mut committed = paced(&store, &members, ask).await?;
    committed.sort_unstable();
    told.send_replace(committed.last().map(|(position, _)| *position));
    let seen = watching.await??;
    proving.abort();
    checkpoint::release(&pool, edge::this_process()).await?;
    pool.close().await;
    lags(committed, seen)
}

/// The second line of a checkpoint is the size of its tree (C2SP tlog-checkpoint).
async fn size(published: PathBuf) -> anyhow::Result<i64> {
    let note = match tokio::fs::read_to_string(published).await {
        Ok(note) => note,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(fault) => return Err(fault).context("the checkpoint cannot be read"),
    };
    let size = note.lines().nth(1).context("the checkpoint has no size")?;
    Ok(size.parse()?)
}
