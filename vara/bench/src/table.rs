//! The figures as a table for a terminal, or for a Markdown file.

use crate::report::{Report, Row};
use crate::target::Target;
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{CellAlignment, Table};

const HEAD: [&str; 10] = [
    "work",
    "writers",
    "variant",
    "events/s",
    "p50 ms",
    "p99 ms",
    "ratio",
    "target",
    "p99 ratio",
    "target",
];
/// Columns that hold numbers.
const NUMBERS: [usize; 6] = [1, 3, 4, 5, 6, 8];

/// For a terminal.
#[must_use]
pub fn for_terminal(report: &Report) -> String {
    table(report, UTF8_BORDERS_ONLY)
}

/// For a Markdown file.
#[must_use]
pub fn for_markdown(report: &Report) -> String {
    table(report, ASCII_MARKDOWN)
}

fn table(report: &Report, preset: &str) -> String {
    let mut table = Table::new();
    table.load_preset(preset).set_header(HEAD);
    for at in NUMBERS {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in &report.rows {
        table.add_row(cells(row));
    }
    table.trim_fmt()
}

fn cells(row: &Row) -> [String; 10] {
    let target = Target::of(row);
    [
        row.work.clone(),
        row.writers.to_string(),
        row.variant.clone(),
        format!("{:.0}", row.events_per_s),
        format!("{:.3}", row.p50_ms),
        format!("{:.3}", row.p99_ms),
        format!("{:.2}", row.ratio),
        target.of_ratio(row.ratio),
        format!("{:.2}", row.p99_ratio),
        target.of_p99_ratio(row.p99_ratio),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_report;

    #[test]
    fn every_row_stands_in_the_table_with_its_verdict() {
        let report = a_report();
        let text = for_terminal(&report);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("vara")).collect();
        assert_eq!(lines.len(), 2 * crate::Work::APPEND.len(), "{text}");
        assert!(
            lines[0].contains("≥ 0.55 met") && lines[0].contains("0.60"),
            "{text}"
        );
        assert!(
            lines[1].contains("≥ 0.65 not met") && lines[1].contains("≤ 1.30 not met"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| !line.contains("pgbench") || !line.contains("met")),
            "{text}"
        );
    }

    #[test]
    fn the_markdown_table_has_a_line_for_the_head_one_below_it_and_one_for_each_row() {
        let report = a_report();
        let text = for_markdown(&report);
        assert_eq!(text.lines().count(), 2 + report.rows.len());
        assert!(
            text.lines()
                .all(|line| line.matches('|').count() == HEAD.len() + 1),
            "{text}"
        );
    }
}
