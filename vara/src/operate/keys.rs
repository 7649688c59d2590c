//! `vara keys status|rotate|rewrap` and `vara erase`.

use super::{bar, table};
use crate::cli::{EraseMember, KeysCommand};
use crate::kit::{self, Kit};
use crate::{erasure, parts, say};
use std::process::ExitCode;

/// Does what was asked.
pub async fn operate(command: KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Status(data) => status(&parts::open(&data).await?).await,
        KeysCommand::Rotate(data) => {
            let kit = parts::open(&data).await?;
            let used = kit.vault.masters().await?;
            let used: Vec<String> = used
                .into_iter()
                .filter(|(_, keys)| *keys > 0)
                .map(|(id, _)| id)
                .collect();
            // Another handle on the same file: the vault reads it again by itself.
            kit::master_key(&kit.folder)?.turn(&used)?;
            let kit = parts::open(&data).await?;
            rewrap(&kit).await
        }
        KeysCommand::Rewrap(data) => rewrap(&parts::open(&data).await?).await,
    }
}

async fn rewrap(kit: &Kit) -> anyhow::Result<ExitCode> {
    let bar = bar("keys");
    let done = kit.vault.rewrap(|done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    say::line(format!("{done} keys were wrapped anew; no event changed."));
    status(kit).await
}

async fn status(kit: &Kit) -> anyhow::Result<ExitCode> {
    let mut rows = table(&["master key", "wraps"]);
    for (id, keys) in kit.vault.masters().await? {
        rows.add_row([id, format!("{keys} keys")]);
    }
    say::line(rows.to_string());
    Ok(ExitCode::SUCCESS)
}

/// Erases a member and prints the receipt.
pub async fn erase(ask: EraseMember) -> anyhow::Result<ExitCode> {
    let kit = parts::open_to_erase(&ask.data).await?;
    let receipt = erasure::erase(&kit, ask.member.into()).await?;
    say::line(serde_json::to_string_pretty(&receipt)?);
    Ok(ExitCode::SUCCESS)
}
