//! What needs no running Vara.

use crate::cli::{AddPage, Data, Openapi};
use crate::say;
use crate::settings::Folder;
use anyhow::Context;

/// Writes the OpenAPI document.
pub fn openapi(ask: &Openapi) -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(&api::document()?)?;
    std::fs::write(&ask.out, document + "\n")
        .with_context(|| format!("{} cannot be written", ask.out.display()))?;
    say::line(format!("Wrote {}", ask.out.display()));
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
