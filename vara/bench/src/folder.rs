//! The report folder: figures, pictures and one page about all of them.

use crate::images::ImageReport;
use crate::report::Report;
use crate::{images, plot, table};
use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The benches whose reports one folder may hold, in the order of its page; pictures come last.
const BENCHES: [&str; 4] = ["append", "lag", "rebuild", "read"];
const IMAGES: &str = "images";

/// What can be told on a page.
pub trait Told: Serialize {
    /// Which bench it was.
    fn bench(&self) -> &str;
    /// How it was measured, the circumstances, and the figures as a table of Markdown.
    fn told(&self) -> (String, Vec<String>, String);
    /// The figures as a table for a terminal.
    fn for_terminal(&self) -> String;
    /// The figures as a document of SVG.
    ///
    /// # Errors
    /// When the drawing library fails.
    fn drawn(&self) -> anyhow::Result<String>;
}

impl Told for Report {
    fn bench(&self) -> &str {
        &self.bench
    }

    fn told(&self) -> (String, Vec<String>, String) {
        let table = table::for_markdown(self);
        (self.method(), self.facts.lines(), table)
    }

    fn for_terminal(&self) -> String {
        table::for_terminal(self)
    }

    fn drawn(&self) -> anyhow::Result<String> {
        plot::svg(self)
    }
}

impl Told for ImageReport {
    fn bench(&self) -> &str {
        IMAGES
    }

    fn told(&self) -> (String, Vec<String>, String) {
        let lines = [self.facts.lines(), self.notes.clone()].concat();
        (self.method(), lines, self.for_markdown())
    }

    fn for_terminal(&self) -> String {
        ImageReport::for_terminal(self)
    }

    fn drawn(&self) -> anyhow::Result<String> {
        images::plot::svg(self)
    }
}

/// A folder that can be written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    is_new: bool,
}

impl Folder {
    /// Makes the folder where it is missing, so that a long run does not end in a refusal.
    ///
    /// # Errors
    /// When it cannot be made, or something else has its name.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        std::fs::create_dir_all(path)
            .with_context(|| format!("the report folder {} cannot be made", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            is_new,
        })
    }

    /// Takes back what [`Folder::open`] made, when nothing came of the run.
    pub fn give_up(self) {
        if self.is_new {
            // Not empty any more: then it is somebody's.
            drop(std::fs::remove_dir(&self.path));
        }
    }

    /// Writes `<bench>.json`, `<bench>.svg`, and `report.md` over every report in the folder; tells the files.
    ///
    /// # Errors
    /// When a file cannot be written, or an older report in the folder cannot be read.
    pub fn write(&self, report: &impl Told) -> anyhow::Result<Vec<PathBuf>> {
        let json = self.path.join(format!("{}.json", report.bench()));
        write_json(&json, report)?;
        let svg = self.path.join(format!("{}.svg", report.bench()));
        write(&svg, &report.drawn()?)?;
        let page = self.path.join("report.md");
        write(&page, &self.page()?)?;
        Ok(vec![page, svg, json])
    }

    fn page(&self) -> anyhow::Result<String> {
        let mut page = String::from("# Measurements of Vara\n");
        for bench in BENCHES {
            self.tell::<Report>(bench, &mut page)?;
        }
        self.tell::<ImageReport>(IMAGES, &mut page)?;
        Ok(page)
    }

    /// Nothing, when there is no such report.
    fn tell<R: Told + DeserializeOwned>(
        &self,
        bench: &str,
        page: &mut String,
    ) -> anyhow::Result<()> {
        let path = self.path.join(format!("{bench}.json"));
        if !path.is_file() {
            return Ok(());
        }
        let text = std::fs::read_to_string(&path)?;
        let report: R = serde_json::from_str(&text)
            .with_context(|| format!("{} is no report of this release", path.display()))?;
        let (method, lines, table) = report.told();
        let _ = write!(page, "\n## {bench}\n\n{method}\n\n");
        for line in lines {
            let _ = writeln!(page, "- {line}");
        }
        let _ = write!(page, "\n{table}\n\n![{bench}]({bench}.svg)\n");
        Ok(())
    }
}

/// Writes the figures as JSON.
///
/// # Errors
/// When the file cannot be written.
pub fn write_json(path: &Path, report: &impl Serialize) -> anyhow::Result<()> {
    write(path, &(serde_json::to_string_pretty(report)? + "\n"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_report;

    #[test]
    fn a_folder_holds_the_figures_the_picture_and_one_page_about_all() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("deep/report");
        let folder = Folder::open(&path).unwrap();
        let mut report = a_report();
        folder.write(&report).unwrap();
        report.bench = "lag".to_owned();
        folder.write(&report).unwrap();
        folder.write(&images::report::tests::a_report()).unwrap();
        let page = std::fs::read_to_string(path.join("report.md")).unwrap();
        for word in [
            "## append",
            "## lag",
            "append.svg",
            "PostgreSQL: 18.4",
            "fsync: on",
            "≥ 0.55 met",
            "## images",
            "sharp: 0.34.5",
        ] {
            assert!(page.contains(word), "{word}: {page}");
        }
        let svg = std::fs::read_to_string(path.join("append.svg")).unwrap();
        assert!(svg.starts_with("<svg"), "{svg}");
    }

    #[test]
    fn a_run_that_came_to_nothing_leaves_no_folder_but_takes_none_that_was_there() {
        let base = tempfile::tempdir().unwrap();
        let (new, old) = (base.path().join("new"), base.path().join("old"));
        std::fs::create_dir(&old).unwrap();
        Folder::open(&new).unwrap().give_up();
        Folder::open(&old).unwrap().give_up();
        assert!(!new.exists() && old.exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("file");
        std::fs::write(&path, "").unwrap();
        let refusal = format!("{:#}", Folder::open(&path).unwrap_err());
        assert!(refusal.contains("file cannot be made"), "{refusal}");
    }
}
