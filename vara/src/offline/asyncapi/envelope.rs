//! What stands around a fact on the bus: the event as `eventstore::Recorded` serialises, and the headers that
//! `eventstore::Bus::publish` sets. A test holds both against a real event.

use eventstore::bus::{CAUSE, POSITION, PREVIOUS};
use serde_json::{Value, json};

/// Schema of the body of every message, before the fact itself is told apart.
pub fn recorded() -> Value {
    json!({
        "title": "Recorded",
        "description": "One event of the log with its circumstances.",
        "type": "object",
        "required": [
            "position", "event_id", "noun", "stream", "sequence", "event_type", "event_version", "recorded_at",
            "why", "payload"
        ],
        "properties": {
            "position": {
                "description": "Place in the one gapless log, from 1.",
                "type": "integer", "minimum": 1
            },
            "event_id": { "description": "The event's id.", "type": "string", "format": "uuid" },
            "noun": { "description": "What the event is about.", "type": "string" },
            "stream": { "description": "The stream within the noun.", "type": "string" },
            "sequence": { "description": "Place in the stream, from 1.", "type": "integer", "minimum": 1 },
            "event_type": { "description": "The fact's name.", "type": "string" },
            "event_version": {
                "description": "Version of the fact's fields.",
                "type": "string", "pattern": "^[1-9][0-9]*$"
            },
            "recorded_at": {
                "description": "When it was recorded, by the database's clock.",
                "type": "string", "format": "date-time"
            },
            "why": why(),
            "payload": { "description": "The fact, under its name; personal values sealed.", "type": "object" }
        }
    })
}

/// Schema of the circumstances.
fn why() -> Value {
    let id = |what: &str| json!({ "description": what, "type": "string", "format": "uuid" });
    json!({
        "description": "Who asked, why, and for whom; null where the log holds a row whose circumstances cannot be read, which \
            Vara does not write.",
        "type": ["object", "null"],
        "required": ["subject", "actor", "request_id", "cause_id", "correlation_id", "command_id"],
        "properties": {
            "subject": id("The person whom the event is about; her key seals its personal values."),
            "actor": {
                "description": "Who acted.",
                "type": "string",
                "examples": ["user:<id>", "policy:alert_on_match", "worker:image-scan"]
            },
            "request_id": id("The HTTP request that began it, or a fresh id where none did."),
            "cause_id": id("The event or command that this follows from."),
            "correlation_id": id("What everything that follows from one request has in common."),
            "command_id": id("The command; in the log once.")
        }
    })
}

/// Schema of the headers of every message. NATS headers are text.
pub fn headers() -> Value {
    json!({
        "title": "Headers",
        "type": "object",
        "required": ["Nats-Msg-Id", POSITION, PREVIOUS],
        "properties": {
            "Nats-Msg-Id": {
                "description": "`<noun>-<stream>-<sequence>`, or a fresh id where an operator hands an event out again; JetStream drops \
                    an id that it has seen within two minutes.",
                "type": "string"
            },
            POSITION: {
                "description": "The event's position in the log.",
                "type": "string", "pattern": "^[1-9][0-9]*$"
            },
            PREVIOUS: {
                "description": "The position of the last event that was published before on the same partition; 0 on its first. Above \
                    the last one that you know of the whole partition, something is missing. Who listens to some of its nouns or \
                    events only cannot tell.",
                "type": "string", "pattern": "^(0|[1-9][0-9]*)$"
            },
            CAUSE: {
                "description": "The event or command that it follows from; absent where `why` is null.",
                "type": "string", "format": "uuid"
            }
        }
    })
}
