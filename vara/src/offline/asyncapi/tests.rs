//! The document against real events: every golden file of the catalogue, as the relay would publish it.

use super::*;
use chrono::DateTime;
use eventstore::{Circumstances, Recorded, Why, bus};
use jsonschema::{Draft, Validator};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

/// The golden file of a fact as it stands in the log: each personal value sealed.
fn golden(fact: &EventSchema) -> Value {
    fn sealed(value: &Value, text: &str) -> Value {
        match value {
            Value::Object(map) if map.contains_key(domain::personal::KNOWN) => {
                json!({ domain::personal::SEALED: text })
            }
            Value::Object(map) => {
                let inside = map
                    .iter()
                    .map(|(name, inner)| (name.clone(), sealed(inner, text)));
                Value::Object(inside.collect())
            }
            Value::Array(items) => items.iter().map(|item| sealed(item, text)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    let file = fact.file().replace(".schema.json", ".json");
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/catalogue");
    let text = match fact.shape.noun {
        "image" => "2.AAAA",
        _ => "1.AAAA",
    };
    let payload: Value =
        serde_json::from_slice(&std::fs::read(catalogue.join(file)).unwrap()).unwrap();
    sealed(&payload, text)
}

/// The event as readers of the log get it.
fn recorded(fact: &EventSchema) -> Recorded {
    let id = Uuid::from_u128;
    Recorded {
        position: 7,
        event_id: id(1),
        noun: fact.shape.noun.to_owned(),
        stream: id(2).to_string(),
        sequence: 1,
        event_type: fact.shape.event_type.to_owned(),
        event_version: fact.shape.version.to_string(),
        recorded_at: DateTime::UNIX_EPOCH,
        why: Why::member(id(3).into(), id(4), id(5)).into(),
        payload: golden(fact),
    }
}

/// The event as its message carries it.
fn published(fact: &EventSchema) -> Value {
    serde_json::to_value(recorded(fact)).unwrap()
}

/// A schema of the document, with the components that it refers to around it.
fn validator(document: &Value, schema: &Value) -> Validator {
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[test]
fn every_event_keeps_to_its_own_message_and_to_no_other() {
    let document = document().unwrap();
    let events: Vec<(String, Value)> = domain::schema::all()
        .iter()
        .map(|fact| (key(fact.shape), published(fact)))
        .collect();
    let messages = document["components"]["messages"].as_object().unwrap();
    assert_eq!(messages.len(), events.len());
    for (name, message) in messages {
        let schema = validator(&document, &message["payload"]);
        for (of, event) in &events {
            assert_eq!(schema.is_valid(event), of == name, "{of} as {name}");
        }
    }
}

#[test]
fn the_envelope_has_the_fields_of_a_recorded_event_and_no_others() {
    let fact = &domain::schema::all()[0];
    let (event, schema) = (published(fact), envelope::recorded());
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&schema["properties"]), names(&event));
    assert_eq!(
        names(&schema["properties"]["why"]["properties"]),
        names(&event["why"])
    );
    for part in [&schema, &schema["properties"]["why"]] {
        let required = part["required"].as_array().unwrap().len();
        assert_eq!(required, names(&part["properties"]).len());
    }
}

#[test]
fn an_event_with_a_part_missing_breaks_its_message() {
    let document = document().unwrap();
    let fact = &domain::schema::all()[0];
    let message = &document["components"]["messages"][key(fact.shape)];
    let schema = validator(&document, &message["payload"]);
    let event = published(fact);
    for name in event.as_object().unwrap().keys() {
        let mut without = event.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(!schema.is_valid(&without), "without {name}");
    }
    for name in event["why"].as_object().unwrap().keys() {
        let mut without = event.clone();
        without["why"].as_object_mut().unwrap().remove(name);
        assert!(!schema.is_valid(&without), "without why.{name}");
    }
}

#[test]
fn subjects_are_those_that_the_relay_uses() {
    let document = document().unwrap();
    let channel = &document["channels"]["events"];
    let names = channel["address"].as_str().unwrap().split('.');
    let (facts, events) = (
        domain::schema::all(),
        &channel["parameters"]["event"]["enum"],
    );
    assert_eq!(events.as_array().unwrap().len(), facts.len());
    for fact in facts {
        let subject = bus::subject(&recorded(&fact));
        let parts: Vec<&str> = subject.split('.').collect();
        assert_eq!(parts.len(), names.clone().count());
        for (name, part) in names.clone().zip(parts) {
            match channel["parameters"].get(name.trim_matches(['{', '}'])) {
                Some(parameter) => {
                    let allowed = parameter["enum"].as_array().unwrap();
                    assert!(allowed.contains(&json!(part)), "{subject}: {name}");
                }
                None => assert_eq!(part, name),
            }
        }
    }
}

#[test]
fn headers_are_those_that_the_relay_sets() {
    let event = recorded(&domain::schema::all()[0]);
    let set = |event: &Recorded| {
        let mut set: BTreeMap<_, _> = bus::headers(event, 0).into_iter().collect();
        set.insert("Nats-Msg-Id", bus::message_id(event));
        set
    };
    let schema = envelope::headers();
    let named: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
    let required = schema["required"].as_array().unwrap().iter();
    let required: BTreeSet<_> = required.map(|name| name.as_str().unwrap()).collect();
    let bare = Recorded {
        why: Circumstances::Unreadable,
        ..event.clone()
    };
    assert_eq!(required, set(&bare).keys().copied().collect());
    let set = set(&event);
    assert!(named.into_iter().eq(set.keys()));
    let values = json!(set);
    assert!(validator(&document().unwrap(), &schema).is_valid(&values));
    // As its description says.
    let (noun, stream) = (&event.noun, &event.stream);
    assert_eq!(values["Nats-Msg-Id"], format!("{noun}-{stream}-1"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|inner| walk(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document().unwrap();
    let mut found = Vec::new();
    walk(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let target = reference
            .strip_prefix('#')
            .map(|path| document.pointer(path));
        assert!(target.flatten().is_some(), "{reference}");
    }
}

#[test]
fn what_exists_in_memory_only_is_not_in_the_document() {
    // AUD-2
    let text = document().unwrap().to_string();
    for marker in [domain::personal::KNOWN, domain::personal::ERASED] {
        assert!(!text.contains(marker), "{marker}");
    }
}
