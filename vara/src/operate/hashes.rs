//! `vara hashes export`: what members registered, for whoever hands it to the exchange.

use crate::cli::ExportHashes;
use crate::{parts, running, say};
use anyhow::Context;
use eventstore::Role;
use projections::hash_cases::exchange::{PAGE_SIZE, Wanted, page};
use std::process::ExitCode;

/// Writes one page of records a line, in the exchange's shape; the file is its owner's only.
pub async fn export(ask: ExportHashes) -> anyhow::Result<ExitCode> {
    let kit = parts::open_as(Role::Writer, &ask.data).await?;
    let mut wanted = Wanted {
        owner: None,
        start_timestamp: ask.since,
        after: 0,
        size: PAGE_SIZE,
    };
    let (mut lines, mut records) = (String::new(), 0);
    let next = loop {
        let one = page(kit.store.database(), wanted).await?;
        records += one.count;
        lines.push_str(&serde_json::to_string(&one)?);
        lines.push('\n');
        if !one.has_more_records {
            break one.next_set_timestamp;
        }
        wanted.after = one
            .next_page_token
            .parse()
            .context("a page without an end")?;
    };
    running::write_whole(&ask.out, lines.as_bytes(), 0o600)?;
    say::line(format!(
        "{records} records; the next export begins with --since {next}. The file holds hashes, which are rough pictures: \
         hand it over and delete it."
    ));
    Ok(ExitCode::SUCCESS)
}
