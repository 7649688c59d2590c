//! Every shape a fact ever had still reads into today's types, and no published shape ever changes (EXAMPLES, section
//! 4). The test never writes its own baseline: whoever adds a fact writes its golden file and its line by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use cqrs_es::DomainEvent;
use domain::event::{Event, Undecodable};
use domain::shape::SHAPES;
use domain::upcast::{STEPS, to_today};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of the catalogue, `<noun>/<fact>.v<version>.json`.
struct Golden {
    name: String,
    noun: String,
    fact: String,
    version: String,
    bytes: Vec<u8>,
}

impl Golden {
    fn payload(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn event(&self) -> Event {
        Event::decode(&self.noun, &self.fact, &self.version, &self.payload())
            .unwrap_or_else(|fault| panic!("{} no longer reads: {fault}", self.name))
    }

    fn is_of_today(&self) -> bool {
        let mine = |noun, fact, version: u32| {
            (noun, fact) == (self.noun.as_str(), self.fact.as_str())
                && version.to_string() == self.version
        };
        let all = SHAPES.concat();
        all.iter().any(|s| mine(s.noun, s.event_type, s.version))
    }
}

fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue")
}

/// Noun, name and bytes of every file of the catalogue.
fn files() -> Vec<(String, String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in std::fs::read_dir(catalogue()).unwrap().flatten() {
        if !folder.path().is_dir() {
            continue;
        }
        let noun = folder.file_name().into_string().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap();
            files.push((noun.clone(), name, std::fs::read(file.path()).unwrap()));
        }
    }
    files
}

fn golden_files() -> Vec<Golden> {
    let golden = |(noun, name, bytes): (String, String, Vec<u8>)| {
        let stem = name.strip_suffix(".json");
        let (fact, version) = stem.and_then(|stem| stem.rsplit_once(".v")).unwrap();
        Golden {
            fact: fact.to_owned(),
            version: version.to_owned(),
            name: format!("{noun}/{name}"),
            noun,
            bytes,
        }
    };
    let is_golden = |(_, name, _): &(String, String, Vec<u8>)| !name.ends_with(".schema.json");
    files().into_iter().filter(is_golden).map(golden).collect()
}

/// The sum of every schema without its descriptions, which may be worded better at any time; what may be written may not
/// change, a choice more or an optional field included.
fn schemas() -> BTreeMap<String, String> {
    fn without_words(schema: Value) -> Value {
        match schema {
            Value::Object(map) => map
                .into_iter()
                .filter(|(name, inner)| name != "description" || !inner.is_string())
                .map(|(name, inner)| (name, without_words(inner)))
                .collect(),
            Value::Array(items) => items.into_iter().map(without_words).collect(),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
        }
    }
    let summed = |(noun, name, bytes): (String, String, Vec<u8>)| {
        let schema = without_words(serde_json::from_slice(&bytes).unwrap());
        (format!("{noun}/{name}"), sum(schema.to_string().as_bytes()))
    };
    let is_schema = |(_, name, _): &(String, String, Vec<u8>)| name.ends_with(".schema.json");
    files().into_iter().filter(is_schema).map(summed).collect()
}

/// What a fact is called today, which version it has, and how it is written.
fn written(event: &Event) -> (String, String, Value) {
    fn of<E: DomainEvent>(fact: &E) -> (String, String, Value) {
        let written = serde_json::to_value(fact).unwrap();
        (fact.event_type(), fact.event_version(), written)
    }
    match event {
        Event::User(fact) => of(fact),
        Event::Image(fact) => of(fact),
        Event::Scan(fact) => of(fact),
        Event::Match(fact) => of(fact),
        Event::Alert(fact) => of(fact),
        Event::Plan(fact) => of(fact),
        Event::HashCase(fact) => of(fact),
    }
}

#[test]
fn every_golden_file_reads_whatever_its_version() {
    for golden in golden_files() {
        golden.event();
    }
}

#[test]
fn a_golden_file_of_today_is_the_fact_it_is_named_after_as_it_is_written_today() {
    for golden in golden_files().iter().filter(|golden| golden.is_of_today()) {
        let payload = golden.payload();
        let expected = (golden.fact.clone(), golden.version.clone(), payload);
        assert_eq!(written(&golden.event()), expected, "{}", golden.name);
    }
}

#[test]
fn every_shape_that_a_fact_has_or_had_has_a_golden_file() {
    let has = |noun: &str, fact: &str, version: u32| {
        let name = format!("{noun}/{fact}.v{version}.json");
        let found = golden_files().iter().any(|golden| golden.name == name);
        assert!(found, "domain/catalogue/{name} is missing");
    };
    for shape in SHAPES.concat() {
        has(shape.noun, shape.event_type, shape.version);
    }
    for step in STEPS {
        has(step.noun, step.event_type, step.version);
    }
}

#[test]
fn raising_a_fact_of_today_changes_nothing_and_raising_one_of_tomorrow_is_refused() {
    for golden in golden_files().iter().filter(|golden| golden.is_of_today()) {
        let mut payload = golden.payload();
        to_today(&golden.noun, &golden.fact, &golden.version, &mut payload).unwrap();
        assert_eq!(payload, golden.payload(), "{}", golden.name);
        let next = (golden.version.parse::<u32>().unwrap() + 1).to_string();
        let told = to_today(&golden.noun, &golden.fact, &next, &mut payload);
        assert!(matches!(told, Err(Undecodable::Newer { .. })), "{told:?}");
        assert_eq!(payload, golden.payload(), "{}", golden.name);
    }
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
    for golden in golden_files() {
        assert!(!floats(&golden.payload()), "{}", golden.name);
    }
}

/// What is wrong with a list of published files, in the format of sha256sum(1), against the files that are there.
fn faults(files: &BTreeMap<String, String>, list: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut listed = BTreeMap::new();
    for line in list.lines() {
        match line.split_once("  ") {
            Some((sum, name)) if listed.insert(name, sum).is_none() => {}
            Some((_, name)) => faults.push(format!("{name} is listed twice")),
            None => faults.push(format!("`{line}` is no sum, two blanks and a file name")),
        }
    }
    for (name, sum) in &listed {
        match files.get(*name) {
            Some(found) if found == sum => {}
            Some(_) => faults.push(format!(
                "{name} is published and was changed: take the change back and add a new version"
            )),
            None => faults.push(format!("{name} is published and missing: bring it back")),
        }
    }
    let new = files
        .iter()
        .filter(|(name, _)| !listed.contains_key(name.as_str()));
    faults.extend(new.map(|(name, sum)| {
        format!("{name} is not listed; add this line to domain/catalogue/PUBLISHED.sha256:\n{sum}  {name}")
    }));
    faults
}

fn sum(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_published_golden_file_or_schema_never_changes_and_never_goes() {
    let list = std::fs::read_to_string(catalogue().join("PUBLISHED.sha256")).unwrap();
    let golden = golden_files()
        .into_iter()
        .map(|golden| (golden.name, sum(&golden.bytes)));
    let files = golden.chain(schemas()).collect();
    let faults = faults(&files, &list);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// How many lines the list of published files has, and the sum of all of them. Written here by hand too, so that a line
/// cannot go with its file unseen: the number only ever rises.
const PUBLISHED: (usize, &str) = (
    50,
    "cac8cf8c412842b06e4b845089d031bfd105766ca4989d4808f825bfd32d24f4",
);

/// What is wrong with a list of which the first lines are known by their number and their sum.
fn lost(list: &str, (count, published): (usize, &str)) -> Option<String> {
    let first: String = list.split_inclusive('\n').take(count).collect();
    if sum(first.as_bytes()) != published {
        return Some(format!(
            "of the first {count} lines of domain/catalogue/PUBLISHED.sha256 one was removed, changed or moved: bring \
             it back as it was; new lines go to the end"
        ));
    }
    let lines = list.lines().count();
    (lines > count).then(|| {
        let all = sum(list.as_bytes());
        format!(
            "more is published now; in domain/tests/catalogue.rs, PUBLISHED is ({lines}, \"{all}\")"
        )
    })
}

#[test]
fn no_line_of_the_list_of_published_files_is_ever_lost() {
    let list = std::fs::read_to_string(catalogue().join("PUBLISHED.sha256")).unwrap();
    let told = lost(&list, PUBLISHED);
    assert_eq!(told, None);
    for without in 0..PUBLISHED.0 {
        let lines = list.split_inclusive('\n').enumerate();
        let rest: String = lines
            .filter(|(at, _)| *at != without)
            .map(|(_, line)| line)
            .collect();
        assert!(lost(&rest, PUBLISHED).is_some_and(|told| told.contains("removed")));
    }
    let longer = format!("{list}{}  new.json\n", sum(b"new"));
    let told = lost(&longer, PUBLISHED).unwrap();
    assert!(
        told.ends_with(&format!(
            "({}, \"{}\")",
            PUBLISHED.0 + 1,
            sum(longer.as_bytes())
        )),
        "{told}"
    );
    assert_eq!(
        lost(&longer, (PUBLISHED.0 + 1, &sum(longer.as_bytes()))),
        None
    );
    let changed = list.replacen("AlertRaised", "AlertRaided", 1);
    assert!(lost(&changed, PUBLISHED).is_some());
}

#[test]
fn the_list_of_published_files_forgives_nothing() {
    let files = BTreeMap::from([
        ("a.json".to_owned(), sum(b"a")),
        ("b.json".into(), sum(b"b")),
    ]);
    let line = |bytes: &[u8], name: &str| format!("{}  {name}\n", sum(bytes));
    let (a, b) = (line(b"a", "a.json"), line(b"b", "b.json"));
    let told = |list: &str| faults(&files, list).join("; ");
    assert_eq!(told(&format!("{a}{b}")), "");
    assert!(told(&a).ends_with(b.trim_end()), "the exact line to add");
    let changed = line(b"c", "b.json");
    assert!(told(&format!("{a}{changed}")).starts_with("b.json is published and was changed"));
    let gone = line(b"c", "c.json");
    assert!(told(&format!("{a}{b}{gone}")).starts_with("c.json is published and missing"));
    assert_eq!(told(&format!("{a}{b}{a}")), "a.json is listed twice");
    assert!(told(&format!("{a}{b}\n")).starts_with("`` is no sum"));
}
