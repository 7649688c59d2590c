//! What operators do with a Vara that runs: look, repair, prove.

pub mod audit;
pub mod hashes;
pub mod keys;
pub mod parked;
pub mod read_models;
pub mod vectors;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// A plain table; its columns fit their words.
pub fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.to_vec());
    table
}

/// A bar on standard error; nothing is drawn where that is no terminal.
fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = "{msg} [{wide_bar}] {human_pos}/{human_len} {per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}
