//! The figures about pictures, as they are printed, drawn and written.

use super::Images;
use super::figures::Figures;
use crate::facts::Facts;
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};

const HEAD: [&str; 8] = [
    "work", "variant", "per s", "p50 ms", "p99 ms", "peak MB", "ratio", "targets",
];

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageReport {
    /// `images`.
    pub bench: String,
    /// How often each figure was taken.
    pub rounds: u32,
    /// Pictures of one run of intake.
    pub pictures: u32,
    /// Hashes that were searched.
    pub hashes: u32,
    /// The circumstances.
    pub facts: Facts,
    /// Whom it was compared with.
    pub notes: Vec<String>,
    /// One for each variant of each work.
    pub rows: Vec<ImageRow>,
}

/// The figures of one variant of one work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// What was done, as `intake-jpeg`.
    pub work: String,
    /// By whom, as `vara`.
    pub variant: String,
    /// Of it in a second, median over the rounds.
    pub per_s: f64,
    /// Half of all took at most this long.
    pub p50_ms: f64,
    /// 99 of 100 took at most this long.
    pub p99_ms: f64,
    /// The most memory that all processes of it held, in millions of bytes; nothing where it was not looked at.
    pub peak_mb: Option<f64>,
    /// `per_s` as a multiple of the fastest one that it is compared with; nothing where there is none.
    pub ratio: Option<f64>,
    /// `peak_mb` as a multiple of that one's.
    pub peak_ratio: Option<f64>,
}

impl ImageReport {
    /// The report over what was measured.
    #[must_use]
    pub fn new(ask: Images, facts: Facts, notes: Vec<String>, figures: &[Figures]) -> Self {
        Self {
            bench: "images".to_owned(),
            rounds: ask.rounds,
            pictures: ask.pictures,
            hashes: ask.hashes,
            facts,
            notes,
            rows: figures.iter().map(|own| row(own, figures)).collect(),
        }
    }

    /// How it was measured, in a few sentences.
    #[must_use]
    pub fn method(&self) -> String {
        format!(
            "{} rounds, variants in turns; intake of {} pictures a round, two at once, ours in a process for each with all \
             that starting it costs; embed-t1-b8 is a model of chance numbers on one processor, eight pictures at once; a search is \
             through {} hashes at up to 31 bits in eight turns, and an own library has 3,000 pictures. Rates are medians over the \
             rounds, times percentiles of all; ratios are to the fastest of those compared with.",
            self.rounds, self.pictures, self.hashes
        )
    }

    /// For a terminal.
    #[must_use]
    pub fn for_terminal(&self) -> String {
        self.table(UTF8_BORDERS_ONLY)
    }

    /// For a Markdown file.
    #[must_use]
    pub fn for_markdown(&self) -> String {
        self.table(ASCII_MARKDOWN)
    }

    fn table(&self, preset: &str) -> String {
        let mut table = Table::new();
        table.load_preset(preset).set_header(HEAD);
        for at in 2..7 {
            if let Some(column) = table.column_mut(at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let number = |number: Option<f64>, digits| {
            number.map(|n| format!("{n:.digits$}")).unwrap_or_default()
        };
        for row in &self.rows {
            table.add_row([
                row.work.clone(),
                row.variant.clone(),
                format!("{:.1}", row.per_s),
                format!("{:.3}", row.p50_ms),
                format!("{:.3}", row.p99_ms),
                number(row.peak_mb, 0),
                number(row.ratio, 2),
                verdicts(row).join(", "),
            ]);
        }
        table.trim_fmt()
    }
}

fn row(own: &Figures, all: &[Figures]) -> ImageRow {
    let others = all
        .iter()
        .filter(|other| other.is_reference && other.work == own.work);
    let best = others.max_by(|a, b| a.per_s().total_cmp(&b.per_s()));
    ImageRow {
        work: own.work.clone(),
        variant: own.variant.to_owned(),
        per_s: own.per_s(),
        p50_ms: own.ms(0.50),
        p99_ms: own.ms(0.99),
        peak_mb: own.peak_mb(),
        ratio: best.map(|best| own.per_s() / best.per_s()),
        peak_ratio: best.and_then(|best| Some(own.peak_mb()? / best.peak_mb()?)),
    }
}

/// What we hold ourselves to, on two cores, and whether the figures keep it.
fn verdicts(row: &ImageRow) -> Vec<String> {
    let least = |number: Option<f64>, bound: f64| number.map(|n| told("≥", bound, "×", n >= bound));
    let most =
        |number: Option<f64>, bound: f64, unit| number.map(|n| told("≤", bound, unit, n <= bound));
    let all = match (row.work.as_str(), row.variant.as_str()) {
        ("intake-jpeg" | "intake-png", "vara") => {
            [least(row.ratio, 1.2), most(row.peak_ratio, 0.4, "× memory")]
        }
        ("intake-webp" | "intake-webp-lossless", "vara") => {
            [least(row.ratio, 1.0), most(row.peak_ratio, 0.4, "× memory")]
        }
        ("pdq", "vara") => [least(row.ratio, 2.0), most(Some(row.p50_ms), 7.0, "ms")],
        ("search-1m", "vara") => [most(Some(row.p99_ms), 2.0, "ms at 99 %"), None],
        (embed, "vara-prepacked") if embed.starts_with("embed-") => [least(row.ratio, 0.8), None],
        (embed, "vara") if embed.starts_with("embed-") => {
            [most(row.peak_ratio, 0.7, "× memory"), None]
        }
        ("own-library", "vara") => [most(Some(row.p99_ms), 5.0, "ms at 99 %"), None],
        ("search-1m", "vara-postgres") => [most(Some(row.p99_ms), 100.0, "ms at 99 %"), None],
        _ => [None, None],
    };
    all.into_iter().flatten().collect()
}

fn told(sign: &str, bound: f64, unit: &str, met: bool) -> String {
    format!(
        "{sign} {bound} {unit} {}",
        if met { "met" } else { "not met" }
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use chrono::DateTime;
    use std::time::Duration;

    pub(crate) fn a_report() -> ImageReport {
        let of = |work, variant, is_reference, ms: u64, peak_kib| {
            let mut figures = Figures::new(work, variant, is_reference);
            figures.add_in_turn(vec![Duration::from_millis(ms); 4]);
            figures.peak_kib = peak_kib;
            figures
        };
        let figures = [
            of("intake-jpeg", "vara", false, 100, Some(100_000)),
            of("intake-jpeg", "sharp", true, 150, Some(400_000)),
            of("intake-jpeg", "sharp-2-threads", true, 110, Some(200_000)),
            of("pdq", "vara", false, 8, None),
        ];
        let facts = Facts {
            at: DateTime::UNIX_EPOCH,
            cores: 2,
            processor: None,
            postgres: "18.4".to_owned(),
            settings: [("fsync".to_owned(), "on".to_owned())].into(),
            checkpoints: true,
        };
        let ask = Images {
            rounds: 1,
            pictures: 4,
            hashes: 1_000,
        };
        ImageReport::new(ask, facts, vec!["sharp: 0.34.5".to_owned()], &figures)
    }

    #[test]
    fn ratios_are_to_the_fastest_that_it_is_compared_with() {
        let rows = a_report().rows;
        assert!((rows[0].ratio.unwrap() - 1.1).abs() < 1e-9);
        assert_eq!((rows[0].peak_ratio, rows[2].ratio), (Some(0.5), Some(1.0)));
        assert_eq!((rows[3].ratio, rows[3].peak_mb), (None, None));
    }

    #[test]
    fn targets_are_judged_for_ours_alone_and_only_where_there_is_a_figure() {
        let rows = a_report().rows;
        assert_eq!(
            verdicts(&rows[0]),
            ["≥ 1.2 × not met", "≤ 0.4 × memory not met"]
        );
        assert!(verdicts(&rows[1]).is_empty());
        assert_eq!(verdicts(&rows[3]), ["≤ 7 ms not met"]);
    }

    #[test]
    fn vectors_are_judged_by_time_where_weights_are_prepacked_and_by_memory_where_not() {
        let row = |work: &str, variant: &str| ImageRow {
            work: work.to_owned(),
            variant: variant.to_owned(),
            p99_ms: 5.1,
            ratio: Some(0.81),
            peak_ratio: Some(0.71),
            ..a_report().rows[0].clone()
        };
        for (work, variant, expected) in [
            ("embed-t1-b8", "vara-prepacked", vec!["≥ 0.8 × met"]),
            ("embed-t1-b8", "vara", vec!["≤ 0.7 × memory not met"]),
            ("embed-t1-b8", "onnxruntime", vec![]),
            ("own-library", "vara", vec!["≤ 5 ms at 99 % not met"]),
        ] {
            assert_eq!(verdicts(&row(work, variant)), expected);
        }
    }

    #[test]
    fn the_written_form_has_the_promised_shape_and_reads_back() {
        let report = a_report();
        let written = serde_json::to_value(&report).unwrap();
        for key in [
            "work", "variant", "per_s", "p50_ms", "p99_ms", "peak_mb", "ratio",
        ] {
            assert!(written["rows"][0].get(key).is_some(), "{key}");
        }
        assert_eq!(
            serde_json::from_value::<ImageReport>(written).unwrap(),
            report
        );
        assert_eq!(report.for_markdown().lines().count(), 2 + report.rows.len());
    }
}
