//! Every shape a fact ever had still reads into today's types (EXAMPLES, section 4). The test never writes its
//! own baseline: whoever adds a fact writes its golden file by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use domain::alert::AlertEvent;
use domain::event::Event;
use domain::image::ImageEvent;
use domain::matches::MatchEvent;
use domain::plan::PlanEvent;
use domain::scan::ScanEvent;
use domain::user::UserEvent;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FACTS: [&str; 17] = [
    "user/UserRegistered",
    "user/ConsentGranted",
    "user/ConsentWithdrawn",
    "image/ImageUploaded",
    "image/ImageEmbedded",
    "scan/ScanStarted",
    "scan/ScanBegun",
    "scan/ProviderQueried",
    "scan/ProviderFailed",
    "scan/ImageScanned",
    "scan/ScanCompleted",
    "scan/ScanFailed",
    "match/MatchFound",
    "match/MatchSeenAgain",
    "alert/AlertRaised",
    "plan/PlanItemAdded",
    "plan/PlanItemUrgencyRaised",
];

/// No wildcard: a new fact does not compile here until it is named, and then needs its golden file.
fn name(event: &Event) -> &'static str {
    match event {
        Event::User(UserEvent::UserRegistered { .. }) => FACTS[0],
        Event::User(UserEvent::ConsentGranted { .. }) => FACTS[1],
        Event::User(UserEvent::ConsentWithdrawn { .. }) => FACTS[2],
        Event::Image(ImageEvent::ImageUploaded { .. }) => FACTS[3],
        Event::Image(ImageEvent::ImageEmbedded { .. }) => FACTS[4],
        Event::Scan(ScanEvent::ScanStarted { .. }) => FACTS[5],
        Event::Scan(ScanEvent::ScanBegun { .. }) => FACTS[6],
        Event::Scan(ScanEvent::ProviderQueried { .. }) => FACTS[7],
        Event::Scan(ScanEvent::ProviderFailed { .. }) => FACTS[8],
        Event::Scan(ScanEvent::ImageScanned { .. }) => FACTS[9],
        Event::Scan(ScanEvent::ScanCompleted { .. }) => FACTS[10],
        Event::Scan(ScanEvent::ScanFailed { .. }) => FACTS[11],
        Event::Match(MatchEvent::MatchFound { .. }) => FACTS[12],
        Event::Match(MatchEvent::MatchSeenAgain { .. }) => FACTS[13],
        Event::Alert(AlertEvent::AlertRaised { .. }) => FACTS[14],
        Event::Plan(PlanEvent::PlanItemAdded { .. }) => FACTS[15],
        Event::Plan(PlanEvent::PlanItemUrgencyRaised { .. }) => FACTS[16],
    }
}

fn written(event: &Event) -> Value {
    match event {
        Event::User(fact) => serde_json::to_value(fact),
        Event::Image(fact) => serde_json::to_value(fact),
        Event::Scan(fact) => serde_json::to_value(fact),
        Event::Match(fact) => serde_json::to_value(fact),
        Event::Alert(fact) => serde_json::to_value(fact),
        Event::Plan(fact) => serde_json::to_value(fact),
    }
    .unwrap()
}

fn golden_files() -> Vec<(String, PathBuf)> {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let mut files = Vec::new();
    for noun in std::fs::read_dir(catalogue).unwrap().flatten() {
        if !noun.path().is_dir() {
            continue;
        }
        for file in std::fs::read_dir(noun.path()).unwrap().flatten() {
            files.push((noun.file_name().into_string().unwrap(), file.path()));
        }
    }
    files
}

fn read(noun: &str, file: &Path) -> (Value, Event) {
    let golden: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let event = Event::decode(noun, &golden)
        .unwrap_or_else(|fault| panic!("{} no longer reads: {fault}", file.display()));
    (golden, event)
}

#[test]
fn every_golden_file_reads_as_the_fact_it_is_named_after() {
    for (noun, file) in golden_files() {
        let (_, event) = read(&noun, &file);
        let stem = file.file_name().unwrap().to_str().unwrap();
        let (fact, version) = stem.trim_end_matches(".json").rsplit_once(".v").unwrap();
        assert_eq!(name(&event), format!("{noun}/{fact}"));
        assert!(version.parse::<u32>().is_ok(), "{stem} names its version");
    }
}

#[test]
fn the_newest_golden_file_of_a_fact_is_what_is_written_today() {
    for (noun, file) in golden_files() {
        let (golden, event) = read(&noun, &file);
        assert_eq!(written(&event), golden, "{}", file.display());
    }
}

#[test]
fn every_fact_has_a_golden_file() {
    let found: BTreeSet<String> = golden_files()
        .iter()
        .map(|(noun, file)| name(&read(noun, file).1).to_owned())
        .collect();
    let known: BTreeSet<String> = FACTS.iter().map(|fact| (*fact).to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn no_golden_file_holds_a_floating_point_number() {
    // EXAMPLES, section 4: shares and money are whole numbers.
    fn floats(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(items) => items.iter().any(floats),
            Value::Object(map) => map.values().any(floats),
            Value::Null | Value::Bool(_) | Value::String(_) => false,
        }
    }
    for (noun, file) in golden_files() {
        assert!(!floats(&read(&noun, &file).0), "{}", file.display());
    }
}
