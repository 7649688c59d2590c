//! What needs no running Vara.

mod asyncapi;

use crate::cli::{AddPage, Data, Openapi};
use crate::say;
use crate::settings::Folder;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;

/// Name of the document of the bus; it stands beside the one of the API.
const EVENTS: &str = "events.asyncapi.json";

/// Writes the OpenAPI document of the API and, beside it, the AsyncAPI document of the bus.
pub fn openapi(ask: &Openapi) -> anyhow::Result<()> {
    let events = ask.out.with_file_name(EVENTS);
    ensure!(
        events != ask.out,
        "{EVENTS} is the name of the second document; please give the first another name"
    );
    write(&ask.out, &api::document()?)?;
    write(&events, &asyncapi::document()?)
}

fn write(path: &Path, document: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    std::fs::write(path, text + "\n")
        .with_context(|| format!("{} cannot be written", path.display()))?;
    say::line(format!("Wrote {}", path.display()));
    Ok(())
}

/// Puts a picture on a page of the little web; a running stand-in finds it at the next search.
pub fn add_page(data: &Data, add: &AddPage) -> anyhow::Result<()> {
    let named = add.data.data_dir.is_some();
    let web = Folder::of(if named { &add.data } else { data }).web();
    sandbox::Web::add(&web, &add.page, &add.image)?;
    say::line(format!("{} now stands in the little web.", add.page));
    Ok(())
}
