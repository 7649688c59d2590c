//! The tree of this installation, as it was signed, and checkpoints that others kept of it.

use crate::kit::Kit;
use anyhow::{Context, ensure};
use eventstore::prover;
use proof::{Checkpoint, Tiles, VerifierKey};
use std::path::Path;

/// Longest text of a checkpoint or key that is read.
const TEXT_BYTES_MAX: u64 = 64 * 1024;

/// The signed tree of this installation.
pub(super) struct Signed {
    pub(super) tiles: Tiles,
    pub(super) key: VerifierKey,
    pub(super) note: String,
    pub(super) checkpoint: Checkpoint,
}

impl Signed {
    pub(super) async fn of(kit: &Kit) -> anyhow::Result<Self> {
        Self::find(kit).await?.context(
            "there is no signed checkpoint yet; `vara relay` or `vara up` signs one a second",
        )
    }

    /// Nothing where nothing was signed yet; what is there must be right.
    pub(super) async fn find(kit: &Kit) -> anyhow::Result<Option<Self>> {
        if !kit.folder.ledger().join("checkpoint").exists() {
            return Ok(None);
        }
        let key = prover::verifier(kit.store.database(), &kit.folder.ledger_key()).await?;
        let tiles = Tiles::at(&kit.folder.ledger());
        let note = tiles
            .read("checkpoint", 0)
            .context("the checkpoint cannot be read")?;
        let note = String::from_utf8(note).context("the checkpoint is no text")?;
        let checkpoint = key.open(&note)?;
        ensure!(
            tiles.root(checkpoint.size)? == checkpoint.root,
            "the tree is not the one that was signed: another root over {} events",
            checkpoint.size
        );
        Ok(Some(Self {
            tiles,
            key,
            note,
            checkpoint,
        }))
    }

    /// The size of an older checkpoint of this log that somebody kept.
    pub(super) fn older(&self, file: &Path) -> anyhow::Result<u64> {
        let named = file.display();
        let kept = self.key.open(&text(file)?);
        let kept = kept.with_context(|| format!("{named} is no checkpoint of this log"))?;
        ensure!(
            kept.size <= self.checkpoint.size,
            "{named} covers {} events, and only {} are signed here: this log lost events, or is not the one it was \
             kept from",
            kept.size,
            self.checkpoint.size
        );
        ensure!(
            self.tiles.root(kept.size)? == kept.root,
            "{named} was signed over other events than the first {} of this log: history was rewritten, or it is \
             another log's",
            kept.size
        );
        Ok(kept.size)
    }

    pub(super) fn size(&self) -> i64 {
        i64::try_from(self.checkpoint.size).unwrap_or(i64::MAX)
    }
}

/// A small text from a file.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let about =
        std::fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(
        about.len() <= TEXT_BYTES_MAX,
        "{} is too long for what it should hold",
        path.display()
    );
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
