//! The verdict on every picture that is kept with this crate, as `docs/pictures.md` gives it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::shelf;
use pictures::pdq::{self, Hash};
use pictures::{Unfit, take_in};
use serde::Deserialize;

/// A hash may be so far from that of the reference program; Meta's rule of conformance.
const BITS_MAX: u16 = 10;
/// And its quality so far, by the decoder.
const QUALITY_OFF_MAX: u8 = 2;

#[derive(Deserialize)]
struct Expected {
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct File {
    pdq_upright: Option<String>,
    pdq_quality: Option<u8>,
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures.md");
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table under `heading`, by the name in their first column.
pub fn table(heading: &str) -> BTreeMap<String, Vec<String>> {
    let document = document();
    let section = document.split(heading).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<String> = row.trim_matches('|').split('|').map(cell).collect();
        (cells[0].clone(), cells[1..].to_vec())
    })
    .collect()
}

fn cell(text: &str) -> String {
    text.trim().trim_matches('`').to_owned()
}

/// The contract's code for a refusal, and the word beside it.
fn code(unfit: &Unfit) -> String {
    match unfit {
        Unfit::Empty => "NO_FILE_PROVIDED".into(),
        Unfit::TooManyBytes => "FILE_TOO_LARGE".into(),
        Unfit::NotAPicture(seen) => format!("INVALID_FILE_TYPE {}", seen.name()),
        Unfit::Unreadable => "IMAGE_UNREADABLE".into(),
        Unfit::TooSmall { .. } => "IMAGE_UNREADABLE small".into(),
        Unfit::TooManyPixels { .. } => "IMAGE_UNREADABLE pixels".into(),
        Unfit::TooHeavy { .. } => "IMAGE_UNREADABLE heavy".into(),
    }
}

/// What became of a file, in the words of the table.
pub fn verdict_on(bytes: &[u8]) -> String {
    match take_in(bytes) {
        Ok(taken) => format!("taken, {} x {}", taken.width, taken.height),
        Err(unfit) => code(&unfit),
    }
}

#[test]
fn every_picture_has_the_verdict_of_the_table() {
    let table = table("## Verdicts on the test pictures");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(shelf::own()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if matches!(name.as_str(), "README.md" | "expected.json") {
            continue;
        }
        let (is, said) = (
            verdict_on(&shelf::bytes(&name)),
            table.get(&name).map(|row| row[0].as_str()),
        );
        if said != Some(is.as_str()) {
            wrong.push(format!("| `{name}` | {is} | (the table says {said:?})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(table.len() >= 88, "{} files have a verdict", table.len());
    for name in table.keys() {
        assert!(shelf::own().join(name).is_file(), "{name} is not here");
    }
}

/// Where the collection lies as it was made, all of it has its verdict here.
#[test]
fn no_picture_of_the_collection_is_without_a_verdict() {
    let Some(folder) = shelf::shared("images/generated") else {
        return;
    };
    let table = table("## Verdicts on the test pictures");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_picture = name != "expected.json";
        assert!(!is_picture || table.contains_key(&name), "{name}");
    }
}

// PIP-3: what was taken is upright and has the hash and the quality of the reference program.
#[test]
fn every_picture_that_is_taken_has_the_hash_that_is_expected() {
    let expected: Expected = serde_json::from_slice(&shelf::bytes("expected.json")).unwrap();
    let mut compared = 0;
    let mut wrong = Vec::new();
    for name in table("## Verdicts on the test pictures").into_keys() {
        let file = &expected.files[&name];
        let (Some(hash), Some(quality)) = (&file.pdq_upright, file.pdq_quality) else {
            continue;
        };
        let Ok(picture) = pictures::decode(&shelf::bytes(&name)) else {
            continue;
        };
        let ours = pdq::fingerprint_with_bars(&picture).unwrap();
        let bits = ours.hash.distance(&Hash::parse(hash).unwrap());
        if bits > BITS_MAX || ours.quality.abs_diff(quality) > QUALITY_OFF_MAX {
            wrong.push(format!(
                "{name}: {bits} bits, quality {} ({quality})",
                ours.quality
            ));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 55, "only {compared} were compared");
}
