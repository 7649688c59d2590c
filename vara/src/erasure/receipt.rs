//! What an erasure did, and what it could not do, as it is told and kept.

use eventstore::erasure::Asked;
use eventstore::{Erasure, edge};
use projections::READ_MODELS;
use serde_json::{Map, Value, json};

/// What stands in the receipt of everybody a picture of whom was sent somewhere.
const OUTSIDE: &str = "An engine named here was sent the working copy of a picture for each question it answered, and may \
                       have been for one that failed: a JPEG without metadata, and nothing that names her. Vara keeps no \
                       other copy outside and cannot delete there: whether the engine kept anything, its operator is to be asked.";

/// What was done.
pub struct Done {
    /// Where the fact stands in the log; 0 where the log never knew her.
    pub position: i64,
    /// Files of pictures.
    pub objects: u64,
    /// Rows outside of log and read models, table by table.
    pub tables: Vec<(&'static str, u64)>,
    /// Rows of the generations of read models before the live one.
    pub earlier_rows: u64,
    /// Whether the embedded identity service had an account of hers.
    pub account: bool,
    /// Who was asked about pictures of hers.
    pub engines: Vec<Asked>,
}

/// The receipt.
pub fn of(erasure: &Erasure, done: &Done) -> Value {
    let tables: Map<String, Value> = done
        .tables
        .iter()
        .map(|(table, rows)| ((*table).to_owned(), json!(rows)))
        .collect();
    // It shows which streams there are, and nothing of what is in them.
    let emptied = READ_MODELS.iter().filter(|name| **name != "streams");
    json!({
        "erasureId": erasure.id.0,
        "subject": erasure.subject,
        "askedAt": erasure.asked_at,
        "finishedAt": edge::now(),
        "position": done.position,
        "keyDestroyed": true,
        "objectsDeleted": done.objects,
        "earlierRowsDeleted": done.earlier_rows,
        "rowsDeleted": tables,
        "signInAccountDeleted": done.account,
        "readModelsEmptied": emptied.collect::<Vec<_>>(),
        "sentOutside": {
            "note": if done.engines.is_empty() { "No engine was asked about a picture of hers." } else { OUTSIDE },
            "engines": done.engines.iter().map(engine).collect::<Vec<_>>(),
        },
    })
}

fn engine(asked: &Asked) -> Value {
    json!({
        "engine": asked.engine,
        "answered": asked.answered,
        "failed": asked.failed,
        "firstAskedAt": asked.first_at,
        "lastAskedAt": asked.last_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::ErasureId;

    fn receipt(engines: Vec<Asked>) -> Value {
        let erasure = Erasure {
            subject: edge::fresh_id().into(),
            id: ErasureId(edge::fresh_id()),
            asked_at: edge::now(),
            receipt: None,
            reopened_at: None,
        };
        let done = Done {
            position: 7,
            objects: 4,
            tables: vec![("parked", 1), ("snapshots", 0)],
            earlier_rows: 2,
            account: true,
            engines,
        };
        of(&erasure, &done)
    }

    #[test]
    fn a_receipt_names_each_table_and_says_who_was_sent_what() {
        let asked = Asked {
            engine: Some("tineye".to_owned()),
            answered: 2,
            failed: 1,
            first_at: Some(edge::now()),
            last_at: Some(edge::now()),
        };
        let told = receipt(vec![asked]);
        assert_eq!(told["rowsDeleted"], json!({ "parked": 1, "snapshots": 0 }));
        let outside = &told["sentOutside"];
        assert_eq!(outside["engines"][0]["engine"], "tineye");
        assert_eq!(outside["engines"][0]["answered"], 2);
        assert_eq!(outside["engines"][0]["failed"], 1);
        assert!(
            outside["note"]
                .as_str()
                .is_some_and(|note| note.contains("working copy"))
        );
    }

    #[test]
    fn where_nothing_was_sent_the_receipt_says_so() {
        let told = receipt(vec![]);
        assert_eq!(told["sentOutside"]["engines"], json!([]));
        assert!(
            told["sentOutside"]["note"]
                .as_str()
                .is_some_and(|note| note.starts_with("No engine"))
        );
    }
}
