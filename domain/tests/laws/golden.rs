//! The facts of `domain/catalogue`, as they stand in the log, in every version they ever had.

use domain::Event;
use serde_json::Value;
use std::path::Path;

/// One fact of the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct Golden {
    /// Noun and fact, for example `match/MatchFound`.
    pub(crate) name: String,
    pub(crate) noun: String,
    pub(crate) fact: String,
    pub(crate) version: String,
    pub(crate) payload: Value,
}

impl Golden {
    pub(crate) fn event(&self) -> Event {
        self.decode(&self.payload)
    }

    /// The same fact with one field changed.
    pub(crate) fn with(&self, field: &str, value: Value) -> Event {
        let mut payload = self.payload.clone();
        let fields = payload.as_object_mut().unwrap().values_mut().next();
        let held = fields.and_then(|fields| fields.get_mut(field)).unwrap();
        *held = value;
        self.decode(&payload)
    }

    fn decode(&self, payload: &Value) -> Event {
        Event::decode(&self.noun, &self.fact, &self.version, payload).unwrap()
    }
}

/// Every fact of the catalogue, in the order of names.
pub(crate) fn catalogue() -> Vec<Golden> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let mut facts = Vec::new();
    for noun in std::fs::read_dir(root).unwrap() {
        let folder = noun.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let noun = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            if file.ends_with(".schema.json") {
                continue;
            }
            let stem = file.strip_suffix(".json").unwrap();
            let (fact, version) = stem.rsplit_once(".v").unwrap();
            facts.push(Golden {
                name: format!("{noun}/{fact}"),
                noun: noun.clone(),
                fact: fact.to_owned(),
                version: version.to_owned(),
                payload: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
            });
        }
    }
    let version = |golden: &Golden| golden.version.parse::<u32>().unwrap();
    facts.sort_by(|a, b| a.name.cmp(&b.name).then(version(a).cmp(&version(b))));
    facts
}

/// The fact with this name, in its newest version.
pub(crate) fn fact(name: &str) -> Golden {
    let found = catalogue().into_iter().rfind(|fact| fact.name == name);
    found.unwrap_or_else(|| panic!("{name} is in the catalogue"))
}
