//! The shape of every fact as JSON Schema: what another program may rely on when it reads the log or the bus.
//!
//! Draft 7, because an AsyncAPI 3.0 document takes its schemas as they are. The schema says what stands in the log:
//! personal values are sealed there (see [`crate::Personal`]).

use crate::alert::AlertEvent;
use crate::hash_case::HashCaseEvent;
use crate::image::ImageEvent;
use crate::matches::MatchEvent;
use crate::plan::PlanEvent;
use crate::scan::ScanEvent;
use crate::shape::Shape;
use crate::user::UserEvent;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The key of a schema's named parts, and the beginning of every reference to one of them (JSON Schema draft 7).
pub const DEFINITIONS: &str = "definitions";

/// One fact's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSchema {
    /// The fact and its version.
    pub shape: Shape,
    /// Schema of its payload, `{"<event_type>": {…}}`, with all it refers to under [`DEFINITIONS`].
    pub schema: Value,
}

impl EventSchema {
    /// Where the schema stands in `domain/catalogue`: `user/UserRegistered.v1.schema.json`.
    #[must_use]
    pub fn file(&self) -> String {
        let Shape {
            noun,
            event_type,
            version,
        } = self.shape;
        format!("{noun}/{event_type}.v{version}.schema.json")
    }

    /// The schema as it is published: indented JSON and a line end.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", self.schema)
    }
}

/// The schemas of all facts as they are written today, by noun.
#[must_use]
pub fn all() -> Vec<EventSchema> {
    [
        facts::<UserEvent>(&UserEvent::SHAPES),
        facts::<ImageEvent>(&ImageEvent::SHAPES),
        facts::<ScanEvent>(&ScanEvent::SHAPES),
        facts::<MatchEvent>(&MatchEvent::SHAPES),
        facts::<AlertEvent>(&AlertEvent::SHAPES),
        facts::<PlanEvent>(&PlanEvent::SHAPES),
        facts::<HashCaseEvent>(&HashCaseEvent::SHAPES),
    ]
    .concat()
}

/// One schema for each fact of a noun. A shape that is no fact of the enum would have none; a test forbids it.
fn facts<E: JsonSchema>(shapes: &[Shape]) -> Vec<EventSchema> {
    let settings = SchemaSettings::draft07().for_serialize();
    let noun = settings
        .into_generator()
        .into_root_schema_for::<E>()
        .to_value();
    let variants = noun["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |shape: &Shape| {
        let variant = variants
            .iter()
            .find(|variant| variant["properties"].get(shape.event_type).is_some())?;
        let schema = alone(*shape, variant.as_object()?, &noun);
        Some(EventSchema {
            shape: *shape,
            schema,
        })
    };
    shapes.iter().filter_map(of).collect()
}

/// One fact of a noun as a document of its own.
fn alone(shape: Shape, variant: &Map<String, Value>, noun: &Value) -> Value {
    let Shape {
        noun: name,
        event_type,
        version,
    } = shape;
    let mut schema = variant.clone();
    schema.insert("$schema".to_owned(), noun["$schema"].clone());
    let id = format!("urn:vara:event:{name}:{event_type}:{version}");
    schema.insert("$id".to_owned(), json!(id));
    schema.insert("title".to_owned(), json!(event_type));
    let needed = needed(variant, &noun[DEFINITIONS]);
    if !needed.is_empty() {
        schema.insert(DEFINITIONS.to_owned(), Value::Object(needed));
    }
    Value::Object(schema)
}

/// The definitions that a schema refers to, and those that they refer to.
fn needed(schema: &Map<String, Value>, definitions: &Value) -> Map<String, Value> {
    let mut needed = Map::new();
    let mut open: Vec<&str> = schema.values().flat_map(references).collect();
    while let Some(name) = open.pop() {
        let found = definitions.get(name).filter(|_| !needed.contains_key(name));
        if let Some(definition) = found {
            open.extend(references(definition));
            needed.insert(name.to_owned(), definition.clone());
        }
    }
    needed
}

/// The names of the definitions that stand behind `$ref` anywhere in a schema.
fn references(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Object(map) => {
            let here = map.get("$ref").and_then(Value::as_str);
            let name = here.and_then(|path| path.strip_prefix("#/definitions/"));
            let below = map.values().flat_map(references);
            name.into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::{ERASED, KNOWN};
    use crate::shape::SHAPES;

    #[test]
    fn every_fact_of_today_has_one_schema() {
        let shapes: Vec<Shape> = all().iter().map(|schema| schema.shape).collect();
        assert_eq!(shapes, SHAPES.concat());
    }

    #[test]
    fn a_schema_stands_alone() {
        for schema in all() {
            let held = schema.schema.get(DEFINITIONS);
            for name in references(&schema.schema) {
                let found = held.and_then(|held| held.get(name));
                assert!(found.is_some(), "{} {name}", schema.file());
            }
            let unused = held.and_then(Value::as_object).into_iter().flatten();
            for (name, _) in unused {
                let used = references(&schema.schema).contains(&name.as_str());
                assert!(used, "{} {name}", schema.file());
            }
        }
    }

    #[test]
    fn a_schema_demands_exactly_the_fact_it_is_named_after() {
        for EventSchema { shape, schema } in all() {
            assert_eq!(schema["required"], json!([shape.event_type]));
            assert_eq!(schema["additionalProperties"], json!(false), "{shape:?}");
            let fields = &schema["properties"][shape.event_type];
            let named = fields["properties"].as_object().unwrap();
            let required = fields["required"].as_array().unwrap();
            // Every field is written every time, an absent one as null.
            assert_eq!(named.len(), required.len(), "{shape:?}");
        }
    }

    #[test]
    fn what_exists_in_memory_only_is_in_no_schema() {
        // AUD-2
        for schema in all() {
            for marker in [KNOWN, ERASED] {
                assert!(!schema.text().contains(marker), "{}", schema.file());
            }
        }
    }

    #[test]
    fn every_field_is_explained() {
        for EventSchema { shape, schema } in all() {
            assert!(schema["description"].is_string(), "{shape:?}");
            let fields = schema["properties"][shape.event_type]["properties"].as_object();
            for (name, field) in fields.unwrap() {
                assert!(field["description"].is_string(), "{shape:?} {name}");
            }
        }
    }
}
