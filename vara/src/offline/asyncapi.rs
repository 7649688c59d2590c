//! The bus as an AsyncAPI 3.0.0 document: which message says what, and what a reader may rely on.
//!
//! Written from the reader's side, so its one operation is `receive`. The facts come from [`domain::schema`]; what
//! stands around them, in [`envelope`], follows `eventstore::Recorded` and `eventstore::bus`.

mod envelope;

use anyhow::ensure;
use domain::schema::{DEFINITIONS, EventSchema};
use domain::shape::Shape;
use eventstore::bus::{STREAM, snake};
use eventstore::partitions::PARTITIONS;
use serde_json::{Map, Value, json};

const ABOUT: &str = "Every event of Vara's log, published once more for whoever wants to hear of it soon. Written \
from the reader's side.\n\n\
**The log is the truth, the bus is disposable.** The log is a table of PostgreSQL. The bus is NATS JetStream, keeps \
the newest GiB, may be emptied at any time, and is then filled again from the log. Never keep there what is kept \
nowhere else.\n\n\
**Ciphertext only.** Personal values stand as `{\"$sealed\": \"…\"}` under the key of the person whom they are about, \
or of the picture that they describe. When that key is destroyed they cannot be read by anybody, here or in the log; \
ids, types, codes, counts and times remain.\n\n\
**Positions and gaps.** `position` counts the events of the log from 1, without a gap, in the order in which they were \
recorded; it is also in the header `Vara-Position`. Whoever hears of everything, `vara.>`, sees a gap when a position \
does not follow on the one before it. `Vara-Previous` is the position of the last event that was published before on the \
same partition, `vara.<partition>.>`, and 0 on its first: keep for each partition the position that you have worked off. \
A message at or below it is a repetition: drop it, for delivery is at least once. A message whose `Vara-Previous` is \
above it tells that something is missing on that partition: read that from the log. Whoever listens to some nouns or \
events only cannot tell from either header whether something is missing, because what was left out counts too: to be \
sure, read the log.\n\n\
**Versions.** `event_version` is the version of the fact's fields. This document shows the newest; facts recorded \
earlier keep the version in which they were written, and its schema stands in `domain/catalogue`. On a version above \
those you know, stop and wait for your own newer release: do not skip it.";

/// The document.
///
/// # Errors
/// When two schemas of different content have one name.
pub fn document() -> anyhow::Result<Value> {
    let facts = domain::schema::all();
    let references = |to: &str| -> Vec<Value> {
        let of = |fact: &EventSchema| json!({ "$ref": format!("#/{to}/{}", key(fact.shape)) });
        facts.iter().map(of).collect()
    };
    let keys = facts.iter().map(|fact| key(fact.shape));
    let messages: Map<String, Value> = keys.zip(references("components/messages")).collect();
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vara, events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "AGPL-3.0-only", "url": "https://spdx.org/licenses/AGPL-3.0-only.html" }
        },
        "defaultContentType": "application/json",
        "servers": { "bus": server() },
        "channels": {
            "events": {
                "address": "vara.{partition}.{noun}.{event}",
                "title": "All events",
                "description": format!(
                    "The subjects of the JetStream stream `{STREAM}`. All events of one stream of the log share one \
                     partition, so they arrive in order there."),
                "servers": [{ "$ref": "#/servers/bus" }],
                "parameters": parameters(&facts),
                "messages": messages
            }
        },
        "operations": {
            "receiveEvents": {
                "action": "receive",
                "title": "Hear of events",
                "summary": "Subscribe to `vara.>`, or to the nouns and events that are of interest.",
                "channel": { "$ref": "#/channels/events" },
                "messages": references("channels/events/messages")
            }
        },
        "components": {
            "messages": facts.iter().map(|fact| (key(fact.shape), message(fact))).collect::<Map<_, _>>(),
            "schemas": schemas(&facts)?
        }
    }))
}

fn server() -> Value {
    json!({
        "host": "{host}:{port}",
        "protocol": "nats",
        "title": "NATS with JetStream",
        "description": "Where the operator runs it; the relay and all readers are told by `NATS_URL`.",
        "variables": {
            "host": { "description": "Name or address of the server." },
            "port": { "description": "Its port.", "default": "4222" }
        }
    })
}

/// What a subject is made of.
fn parameters(facts: &[EventSchema]) -> Value {
    let mut nouns: Vec<&str> = facts.iter().map(|fact| fact.shape.noun).collect();
    nouns.dedup();
    let events: Vec<String> = facts
        .iter()
        .map(|fact| snake(fact.shape.event_type))
        .collect();
    json!({
        "partition": {
            "description": format!(
                "0 to {}: the first byte of the SHA-256 of the stream's id, modulo {PARTITIONS}.", PARTITIONS - 1),
            "enum": (0..PARTITIONS).map(|partition| partition.to_string()).collect::<Vec<_>>()
        },
        "noun": {
            "description": "What the event is about.",
            "location": "$message.payload#/noun",
            "enum": nouns
        },
        "event": {
            "description": "The fact's name in snake case: `match_found` for `MatchFound`.",
            "enum": events
        }
    })
}

/// The name under which a fact's message stands, as `match.MatchFound`.
fn key(shape: Shape) -> String {
    format!("{}.{}", shape.noun, shape.event_type)
}

/// The name under which the schema of a fact's payload stands, as `match.MatchFound.v1`.
fn payload_key(shape: Shape) -> String {
    format!("{}.v{}", key(shape), shape.version)
}

fn message(fact: &EventSchema) -> Value {
    let Shape {
        noun,
        event_type,
        version,
    } = fact.shape;
    let here = json!({
        "type": "object",
        "properties": {
            "noun": { "const": noun },
            "event_type": { "const": event_type },
            "event_version": { "const": version.to_string() },
            "payload": { "$ref": format!("#/components/schemas/{}", payload_key(fact.shape)) }
        }
    });
    json!({
        "name": event_type,
        "title": event_type,
        "summary": fact.schema["description"],
        "contentType": "application/json",
        "tags": [{ "name": noun }],
        "correlationId": {
            "description": "What everything that follows from one request has in common.",
            "location": "$message.payload#/why/correlation_id"
        },
        "headers": { "$ref": "#/components/schemas/Headers" },
        "payload": { "allOf": [{ "$ref": "#/components/schemas/Recorded" }, here] }
    })
}

/// Everything that messages refer to: envelope and headers, each fact, and what the facts are made of.
fn schemas(facts: &[EventSchema]) -> anyhow::Result<Map<String, Value>> {
    let mut schemas = Map::new();
    let mut add = |name: String, schema: Value| {
        let before = schemas.insert(name.clone(), schema.clone());
        ensure!(
            before.is_none_or(|before| before == schema),
            "two different schemas are called {name}"
        );
        Ok(())
    };
    add("Recorded".to_owned(), envelope::recorded())?;
    add("Headers".to_owned(), envelope::headers())?;
    for fact in facts {
        let mut schema = fact.schema.as_object().cloned().unwrap_or_default();
        // Here it is part of a document: an id of its own would lead its references astray.
        for alone in ["$schema", "$id"] {
            schema.remove(alone);
        }
        let parts = schema.remove(DEFINITIONS).unwrap_or_default();
        for (name, part) in parts.as_object().into_iter().flatten() {
            add(name.clone(), moved(part))?;
        }
        add(payload_key(fact.shape), moved(&Value::Object(schema)))?;
    }
    Ok(schemas)
}

/// The schema with its references led to where the parts stand in this document.
fn moved(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let lead = |(name, inner): (&String, &Value)| {
                let path = inner.as_str().filter(|_| name == "$ref");
                let part = path.and_then(|path| path.strip_prefix("#/definitions/"));
                let there = part.map(|part| json!(format!("#/components/schemas/{part}")));
                (name.clone(), there.unwrap_or_else(|| moved(inner)))
            };
            Value::Object(map.iter().map(lead).collect())
        }
        Value::Array(items) => items.iter().map(moved).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

#[cfg(test)]
mod tests;
