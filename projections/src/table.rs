//! A table of a read model as a projector sees it: rows fetched when asked for, changed in memory, written together.
//!
//! Live, rebuilt and asked for as of a day in the past, a read model folds events through the same tables; only the
//! place differs in which they are kept.

mod copy;
mod write;

pub use write::AnyTable;

use crate::digest::Digest;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;
use std::hash::Hash;
use uuid::Uuid;

/// One row. Its serde form names the columns of its table, and is what the digest is taken over.
pub trait Row:
    Serialize + for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin + 'static
{
    /// The table's name in every schema that holds it, as `read_alerts`.
    const TABLE: &'static str;
    /// Columns of the primary key, in the order of [`Row::Key`].
    const KEY: &'static [&'static str];
    /// The column that names the member whose row it is.
    const OWNER: &'static str = "owner";
    /// Columns that are `text[]`.
    const LISTS: &'static [&'static str] = &[];
    /// Columns that are `json` or `jsonb`.
    const JSON: &'static [&'static str] = &[];
    /// Columns with personal values, of which the planner must keep no samples.
    const PERSONAL: &'static [&'static str] = &[];

    /// A value or a tuple of values that tells this row from all others of the table.
    type Key: Serialize + Hash + Eq + Clone + Send + Sync;

    /// Its key.
    fn key(&self) -> Self::Key;

    /// The member whose row it is: it goes when she is erased.
    fn owner(&self) -> Uuid;
}

/// Where the rows of a read model are kept.
#[derive(Debug)]
pub enum Place<'c> {
    /// In memory only, nothing was written yet: what is not there does not exist.
    Memory,
    /// In the tables of a schema.
    Schema(&'c mut PgConnection, &'c str),
}

/// The rows of one table that were looked at since they were last written.
#[derive(Debug)]
pub struct Table<R: Row> {
    slots: HashMap<R::Key, Slot<R>>,
    /// Keys that may have changed since the digest was settled last, each once.
    touched: Vec<R::Key>,
    /// The event that is applied now.
    position: i64,
}

#[derive(Debug)]
struct Slot<R> {
    /// As it is stored; none where nothing is.
    stored: Option<R>,
    /// As it is now; none where it does not exist, or no longer.
    now: Option<R>,
    /// The event that looked at it last to change it.
    position: i64,
    /// Whether its key is among those that may have changed.
    touched: bool,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self {
            slots: HashMap::new(),
            touched: Vec::new(),
            position: 0,
        }
    }
}

impl<R: Row> Table<R> {
    /// Adds a row that did not exist.
    pub fn insert(&mut self, row: R) {
        let key = row.key();
        let slot = self.slots.entry(key.clone()).or_insert(Slot {
            stored: None,
            now: None,
            position: self.position,
            touched: false,
        });
        (slot.now, slot.position) = (Some(row), self.position);
        if !std::mem::replace(&mut slot.touched, true) {
            self.touched.push(key);
        }
    }

    /// The row with this key, to be changed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get(
        &mut self,
        place: &mut Place<'_>,
        key: &R::Key,
    ) -> Result<Option<&mut R>, sqlx::Error> {
        if !self.slots.contains_key(key) {
            let found = match place {
                Place::Memory => None,
                Place::Schema(db, schema) => {
                    sqlx::query_as(&write::find::<R>(schema))
                        .bind(key_of::<R>(key)?.to_string())
                        .fetch_optional(&mut **db)
                        .await?
                }
            };
            self.keep(key.clone(), found);
        }
        let Some(slot) = self.slots.get_mut(key) else {
            return Ok(None);
        };
        slot.position = self.position;
        if !std::mem::replace(&mut slot.touched, true) {
            self.touched.push(key.clone());
        }
        Ok(slot.now.as_mut())
    }

    /// Removes the row with this key, where there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove(&mut self, place: &mut Place<'_>, key: &R::Key) -> Result<(), sqlx::Error> {
        self.get(place, key).await?;
        if let Some(slot) = self.slots.get_mut(key) {
            slot.now = None;
        }
        Ok(())
    }

    /// Removes every row of a member.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_all_of(
        &mut self,
        place: &mut Place<'_>,
        owner: Uuid,
    ) -> Result<(), sqlx::Error> {
        if let Place::Schema(db, schema) = place {
            let all: Vec<R> = sqlx::query_as(&write::all_of::<R>(schema))
                .bind(owner)
                .fetch_all(&mut **db)
                .await?;
            for row in all {
                self.keep(row.key(), Some(row));
            }
        }
        let position = self.position;
        for (key, slot) in &mut self.slots {
            if slot.now.as_ref().is_some_and(|row| row.owner() == owner) {
                (slot.now, slot.position) = (None, position);
                if !std::mem::replace(&mut slot.touched, true) {
                    self.touched.push(key.clone());
                }
            }
        }
        Ok(())
    }

    /// Remembers a stored row, unless it is known better already.
    fn keep(&mut self, key: R::Key, stored: Option<R>) {
        let position = self.position;
        self.slots.entry(key).or_insert_with(|| Slot {
            now: stored.clone(),
            stored,
            position,
            touched: false,
        });
    }
}

/// A key as an object of its columns.
fn key_of<R: Row>(key: &R::Key) -> Result<Value, sqlx::Error> {
    let parts = match json(key)? {
        Value::Array(parts) => parts,
        single @ (Value::String(_)
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Null
        | Value::Object(_)) => vec![single],
    };
    let named = R::KEY.iter().map(|column| (*column).to_owned()).zip(parts);
    Ok(Value::Object(named.collect::<Map<_, _>>()))
}

fn json<T: Serialize>(value: &T) -> Result<Value, sqlx::Error> {
    serde_json::to_value(value).map_err(|fault| sqlx::Error::Encode(fault.into()))
}

/// What one row counts for in the digest of its read model.
fn weight<R: Row>(row: &R) -> Result<Digest, sqlx::Error> {
    Ok(Digest::of_row(R::TABLE, &json(row)?))
}
