//! The published schemas are what the types say, and every golden file keeps to the schema of its version.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use domain::personal::{KNOWN, OPENED, SEALED};
use domain::schema;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue")
}

/// The names `<noun>/<fact>.v<version>` of the files that end so.
fn names(ending: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for noun in std::fs::read_dir(catalogue()).unwrap().flatten() {
        for file in std::fs::read_dir(noun.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = file.file_name().into_string().unwrap();
            let noun = noun.file_name().into_string().unwrap();
            let named = name
                .strip_suffix(ending)
                .filter(|name| !name.ends_with(".schema"));
            names.extend(named.map(|name| format!("{noun}/{name}")));
        }
    }
    names
}

fn json(name: &str, ending: &str) -> Value {
    let text = std::fs::read(catalogue().join(format!("{name}{ending}"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// The fact as it stands in the log: each personal value sealed, in newer facts of libraries under a picture's key.
fn sealed(name: &str, payload: &Value) -> Value {
    let for_picture = name.starts_with("image/") && !name.ends_with(".v1");
    let text = if for_picture { "2.AAAA" } else { "1.AAAA" };
    replaced(payload, KNOWN, &|_, _| json!({ SEALED: text }))
}

/// The fact with its personal values in the open, and the schema that says the same of them.
fn opened(payload: &Value) -> Value {
    replaced(payload, KNOWN, &|_, value| value.clone())
}

fn opened_schema(schema: &Value) -> Value {
    replaced(schema, OPENED, &|around, value| {
        let may_be_absent = around["type"] == json!(["object", "null"]);
        if may_be_absent {
            json!({ "anyOf": [value, { "type": "null" }] })
        } else {
            value.clone()
        }
    })
}

/// The value with every object that has this key replaced.
fn replaced(value: &Value, key: &str, by: &dyn Fn(&Value, &Value) -> Value) -> Value {
    match value {
        Value::Object(map) => map.get(key).map_or_else(
            || {
                let inside = map
                    .iter()
                    .map(|(name, inner)| (name.clone(), replaced(inner, key, by)));
                Value::Object(inside.collect())
            },
            |held| by(value, held),
        ),
        Value::Array(items) => items.iter().map(|item| replaced(item, key, by)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn the_schemas_in_the_tree_are_the_ones_the_types_make() {
    for made in schema::all() {
        let file = made.file();
        let published = std::fs::read_to_string(catalogue().join(&file)).unwrap_or_default();
        assert!(
            made.text() == published,
            "domain/catalogue/{file} is not what the types say. If that is meant, run \
             `cargo run -p domain --example write_schemas` and review the difference as a change of contract"
        );
    }
}

#[test]
fn every_golden_file_has_a_schema_and_every_schema_a_golden_file() {
    assert_eq!(names(".json"), names(".schema.json"));
}

#[test]
fn every_schema_is_a_schema() {
    for name in names(".schema.json") {
        let schema = json(&name, ".schema.json");
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{name}");
    }
}

#[test]
fn every_golden_file_keeps_to_its_schema_once_it_is_sealed() {
    for name in names(".json") {
        let schema = validator(&json(&name, ".schema.json"));
        let fact = sealed(&name, &json(&name, ".json"));
        let faults: Vec<String> = schema.iter_errors(&fact).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn every_personal_value_keeps_to_the_schema_beside_its_seal() {
    for name in names(".json") {
        let schema = validator(&opened_schema(&json(&name, ".schema.json")));
        let fact = opened(&json(&name, ".json"));
        let faults: Vec<String> = schema.iter_errors(&fact).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn a_fact_with_a_field_missing_or_of_another_kind_breaks_its_schema() {
    for name in names(".json") {
        let schema = validator(&json(&name, ".schema.json"));
        let golden = sealed(&name, &json(&name, ".json"));
        let fact = golden.as_object().unwrap().keys().next().unwrap();
        for field in golden[fact].as_object().unwrap().keys() {
            let mut without = golden.clone();
            without[fact].as_object_mut().unwrap().remove(field);
            assert!(!schema.is_valid(&without), "{name} without {field}");
            let mut other = golden.clone();
            other[fact][field] = json!([[["of no kind"]]]);
            assert!(!schema.is_valid(&other), "{name} with another {field}");
        }
    }
}

#[test]
fn a_fact_whose_personal_values_are_in_the_open_breaks_its_schema() {
    // AUD-2: ciphertext only
    let mut personal = 0;
    for name in names(".json") {
        let golden = json(&name, ".json");
        let schema = validator(&json(&name, ".schema.json"));
        if sealed(&name, &golden) != golden {
            personal += 1;
            assert!(!schema.is_valid(&golden), "{name} as it is in memory");
            assert!(!schema.is_valid(&opened(&golden)), "{name} in the open");
        }
    }
    assert!(personal >= 5, "{personal}");
}
