//! Rows as PostgreSQL's COPY takes them (documentation, COPY, "Text Format").

use super::{Row, Table, json};
use serde_json::Value;
use sqlx::PgConnection;

/// Most bytes of one message of a COPY.
const COPY_BYTES: usize = 1 << 20;

/// Copies all rows of a table into the empty one of a schema.
pub(super) async fn copy_all<R: Row>(
    table: &Table<R>,
    db: &mut PgConnection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let mut rows = table.slots.values().filter_map(|slot| slot.now.as_ref());
    let Some(first) = rows.next() else {
        return Ok(());
    };
    let Value::Object(columns) = json(first)? else {
        return Err(sqlx::Error::Encode("a row that is no object".into()));
    };
    let columns: Vec<&str> = columns.keys().map(String::as_str).collect();
    let copy = format!(
        "COPY {schema}.{} ({}) FROM STDIN",
        R::TABLE,
        columns.join(", ")
    );
    let mut sink = db.copy_in_raw(&copy).await?;
    let mut text = String::with_capacity(COPY_BYTES);
    for row in std::iter::once(first).chain(rows) {
        copy_row::<R>(&mut text, row)?;
        if text.len() > COPY_BYTES - (COPY_BYTES >> 3) {
            sink.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    sink.send(text.as_bytes()).await?;
    sink.finish().await?;
    Ok(())
}

/// One line.
fn copy_row<R: Row>(text: &mut String, row: &R) -> Result<(), sqlx::Error> {
    let Value::Object(columns) = json(row)? else {
        return Err(sqlx::Error::Encode("a row that is no object".into()));
    };
    for (n, (column, value)) in columns.iter().enumerate() {
        if n > 0 {
            text.push('\t');
        }
        match value {
            value if R::JSON.contains(&column.as_str()) => escape(text, &value.to_string()),
            Value::Null => text.push_str("\\N"),
            Value::String(value) => escape(text, value),
            Value::Array(parts) if R::LISTS.contains(&column.as_str()) => {
                escape(text, &list(parts));
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                escape(text, &value.to_string());
            }
        }
    }
    text.push('\n');
    Ok(())
}

fn escape(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
}

/// A `text[]` as PostgreSQL writes it: each part in quotes.
fn list(parts: &[Value]) -> String {
    let quoted = parts.iter().map(|part| {
        let part = part.as_str().unwrap_or_default();
        format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\""))
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}
