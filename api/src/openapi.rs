//! The OpenAPI document: what poem-openapi emits, put right where it says something else than the server does.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Request fields that must be given. They are optional in the types so that every misfit is told with its path.
const REQUIRED: [(&str, &[&str]); 6] = [
    ("SignUp", &["email", "password", "confirmPassword"]),
    ("SignIn", &["email", "password"]),
    ("Renewal", &["refreshToken"]),
    ("NewScan", &["type"]),
    ("ConsentChange", &["granted", "textVersion"]),
    (
        "NewHashCase",
        &["pdq", "quality", "attested", "textVersion"],
    ),
];

/// Bounds that the handlers check themselves, for the same reason: schema, field, keyword, value.
fn bounds() -> [(&'static str, &'static str, &'static str, Value); 11] {
    [
        ("SignUp", "email", "format", json!("email")),
        ("SignUp", "email", "maxLength", json!(255)),
        ("SignUp", "password", "minLength", json!(8)),
        ("SignUp", "password", "maxLength", json!(128)),
        ("SignUp", "confirmPassword", "minLength", json!(8)),
        ("Renewal", "refreshToken", "minLength", json!(1)),
        (
            "ConsentChange",
            "textVersion",
            "pattern",
            json!("^[A-Za-z0-9._-]{1,50}$"),
        ),
        (
            "NewHashCase",
            "textVersion",
            "pattern",
            json!("^[A-Za-z0-9._-]{1,50}$"),
        ),
        ("NewHashCase", "pdq", "pattern", json!("^[0-9A-Fa-f]{64}$")),
        ("NewHashCase", "quality", "minimum", json!(50)),
        ("NewHashCase", "quality", "maximum", json!(100)),
    ]
}

/// The document as it is published: OpenAPI 3.0.3, pretty JSON.
pub(crate) fn put_right(emitted: &str) -> Result<Value, serde_json::Error> {
    let mut document: Value = serde_json::from_str(emitted)?;
    document["openapi"] = json!("3.0.3");
    walk(&mut document);
    name_requests(&mut document);
    let answers = schemas_of_answers(&document);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas {
            let required = REQUIRED.iter().find(|(known, _)| known == name);
            if let Some((_, fields)) = required {
                schema["required"] = json!(fields);
                bound(name, schema, fields);
            } else if answers.contains(name) && name != "ErrorBody" {
                tell_nulls(schema);
            }
        }
    }
    Ok(document)
}

/// Every POST may be named by its sender; the header is read before any handler, so no handler documents it.
fn name_requests(document: &mut Value) {
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        let Some(post) = operations.get_mut("post") else {
            continue;
        };
        let words = match path.contains("/auth/") {
            true => {
                "Of no effect here: nobody is signed in yet, and session tokens are kept nowhere."
            }
            false => {
                "A name for this request, chosen by its sender. Sent again within 24 hours by the same member to the \
                 same address it gets the first answer again, and is carried out once. With another body it is refused: \
                 409 IDEMPOTENCY_CONFLICT. Answers 401 and 5xx are not kept: the next try runs."
            }
        };
        let parameter = json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": words,
            "required": false,
            "deprecated": false,
            "explode": true,
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        });
        match post.get_mut("parameters").and_then(Value::as_array_mut) {
            Some(parameters) => parameters.push(parameter),
            None => post["parameters"] = json!([parameter]),
        }
    }
}

/// Local repairs, everywhere: plain media types, plain references, single events of a stream.
fn walk(value: &mut Value) {
    match value {
        Value::Object(map) => {
            repair(map);
            map.values_mut().for_each(walk);
        }
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn repair(map: &mut Map<String, Value>) {
    map.remove("readOnly");
    map.remove("writeOnly");
    if let Some(json) = map.remove("application/json; charset=utf-8") {
        map.insert("application/json".to_owned(), json);
    }
    // LIM-11; the handlers check it themselves, to say so in the envelope.
    let most = match map.get("name").and_then(Value::as_str) {
        Some("page") => Some(i64::from(u32::MAX)),
        Some("limit") => Some(100),
        Some(_) | None => None,
    };
    if let (Some(most), Some(Value::Object(schema))) = (most, map.get_mut("schema")) {
        schema.insert("minimum".to_owned(), json!(1));
        schema.insert("maximum".to_owned(), json!(most));
    }
    // `allOf: [$ref, {description}]` breaks generated unions: the reference alone says enough.
    let reference = map
        .get("allOf")
        .and_then(Value::as_array)
        .and_then(|parts| parts.iter().find(|part| part.get("$ref").is_some()))
        .cloned();
    if let Some(Value::Object(reference)) = reference {
        *map = reference;
    }
    let of_events = map
        .get("format")
        .is_some_and(|format| format == "event-stream");
    if let (true, Some(Value::Object(item))) = (of_events, map.get("items").cloned()) {
        *map = item;
    }
}

/// What a request may hold: bounds of its fields, and `null` for those that may be left out.
fn bound(name: &str, schema: &mut Value, required: &[&str]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (field, property) in properties.iter_mut() {
        if !required.contains(&field.as_str()) {
            property["nullable"] = json!(true);
        }
        let bounds = bounds().into_iter();
        for (_, _, keyword, value) in bounds.filter(|(s, f, ..)| *s == name && f == field) {
            property[keyword] = value;
        }
    }
}

/// The server sends absent values as `null` and leaves nothing out (contract, section 1).
fn tell_nulls(schema: &mut Value) {
    let given: BTreeSet<String> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties.iter_mut() {
        if given.contains(name) {
            continue;
        }
        if property.get("$ref").is_some() {
            *property = json!({ "nullable": true, "allOf": [property.take()] });
        } else {
            property["nullable"] = json!(true);
        }
    }
    let all: Vec<String> = properties.keys().cloned().collect();
    schema["required"] = json!(all);
}

/// Names of the schemas that answers are made of, directly or through others.
fn schemas_of_answers(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let paths = document["paths"].as_object();
    for operation in paths.into_iter().flat_map(|p| p.values()) {
        let operations = operation.as_object();
        for operation in operations.into_iter().flat_map(|o| o.values()) {
            collect(&operation["responses"], document, &mut found);
        }
    }
    found
}

fn collect(value: &Value, document: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let name = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && found.insert(name.to_owned())
            {
                collect(&document["components"]["schemas"][name], document, found);
            }
            map.values()
                .for_each(|inner| collect(inner, document, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|inner| collect(inner, document, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Which methods each path has, for the `Allow` header of a 405 (RFC 9110, 15.5.6).
#[derive(Debug)]
pub(crate) struct Paths(Vec<(Vec<String>, String)>);

impl Paths {
    pub(crate) fn of(document: &Value) -> Self {
        let paths = document["paths"].as_object();
        let rows = paths.into_iter().flatten().map(|(path, operations)| {
            let methods = operations.as_object().into_iter().flat_map(Map::keys);
            let methods: Vec<String> = methods.map(|method| method.to_uppercase()).collect();
            (segments(path), methods.join(", "))
        });
        Self(rows.collect())
    }

    /// The methods of a path, as the header wants them.
    pub(crate) fn allow(&self, path: &str) -> Option<String> {
        let asked = segments(path);
        let fits = |known: &[String]| {
            known.len() == asked.len()
                && known
                    .iter()
                    .zip(&asked)
                    .all(|(k, a)| k == a || k.starts_with('{'))
        };
        let row = self.0.iter().find(|(known, _)| fits(known));
        row.map(|(_, methods)| methods.clone())
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}
