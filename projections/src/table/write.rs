//! Tables are written as sets of rows: one statement each for what is new, changed and gone, or by COPY where
//! nothing was stored before.

use super::copy::copy_all;
use super::{Row, Slot, Table, json, key_of, weight};
use crate::digest::Digest;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A table without the type of its rows.
pub trait AnyTable: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The column that names the member whose row it is.
    fn owner(&self) -> &'static str;
    /// Columns with personal values.
    fn personal(&self) -> &'static [&'static str];
    /// Rows in memory.
    fn len(&self) -> usize;
    /// Whether no row is in memory.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The event that is applied from now on.
    fn at(&mut self, position: i64);
    /// Writes what changed into a schema; by how much the digest changed. The rows stay known: ask [`AnyTable::clear`]
    /// where others may write them meanwhile.
    fn flush<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<Digest, sqlx::Error>>;
    /// Forgets all rows.
    fn clear(&mut self);
    /// Copies all rows into the empty table of a schema, and forgets them.
    fn copy<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;
    /// By how much the digest changed since this was asked last, for rows that are kept in memory only.
    ///
    /// # Errors
    /// Where a row has no JSON form.
    fn settle(&mut self) -> Result<Digest, sqlx::Error>;
    /// The digest of the rows in a schema.
    fn stored<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<Digest, sqlx::Error>>;
    /// Rows that a schema holds otherwise than this table: each key, and the last event that changed it here.
    fn differences<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Option<i64>>, sqlx::Error>>;
}

/// The stored row with a key, given as JSON.
pub(super) fn find<R: Row>(schema: &str) -> String {
    let table = R::TABLE;
    format!(
        "SELECT t.* FROM {schema}.{table} t, json_populate_record(NULL::{schema}.{table}, $1::text::json) k WHERE {}",
        same_key::<R>("t", "k")
    )
}

/// The stored rows of a member.
pub(super) fn all_of<R: Row>(schema: &str) -> String {
    format!(
        "SELECT * FROM {schema}.{} WHERE {} = $1",
        R::TABLE,
        R::OWNER
    )
}

fn same_key<R: Row>(one: &str, other: &str) -> String {
    let same = R::KEY.iter().map(|k| format!("{one}.{k} = {other}.{k}"));
    same.collect::<Vec<_>>().join(" AND ")
}

/// The rows of a JSON array, as a source for a statement.
fn given<R: Row>(schema: &str) -> String {
    format!(
        "json_populate_recordset(NULL::{schema}.{}, $1::text::json)",
        R::TABLE
    )
}

impl<R: Row> AnyTable for Table<R> {
    fn name(&self) -> &'static str {
        R::TABLE
    }

    fn owner(&self) -> &'static str {
        R::OWNER
    }

    fn personal(&self) -> &'static [&'static str] {
        R::PERSONAL
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn at(&mut self, position: i64) {
        self.position = position;
    }

    fn flush<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<Digest, sqlx::Error>> {
        Box::pin(async move {
            let changes = self.changes()?;
            changes.write::<R>(db, schema).await?;
            for key in self.touched.drain(..) {
                match self.slots.get_mut(&key) {
                    Some(slot) if slot.now.is_some() => slot.settled(),
                    Some(_) | None => drop(self.slots.remove(&key)),
                }
            }
            Ok(changes.digest)
        })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn copy<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            copy_all(self, db, schema).await?;
            *self = Self::default();
            Ok(())
        })
    }

    fn settle(&mut self) -> Result<Digest, sqlx::Error> {
        let mut change = Digest::default();
        for key in self.touched.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                change = change.plus(slot.change()?);
                slot.settled();
            }
        }
        Ok(change)
    }

    fn stored<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<Digest, sqlx::Error>> {
        Box::pin(async move {
            let all = format!("SELECT * FROM {schema}.{}", R::TABLE);
            let mut rows = sqlx::query_as::<_, R>(&all).fetch(db);
            let mut sum = Digest::default();
            while let Some(row) = rows.next().await {
                sum = sum.plus(weight(&row?)?);
            }
            Ok(sum)
        })
    }

    fn differences<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Option<i64>>, sqlx::Error>> {
        Box::pin(async move {
            let all = format!("SELECT * FROM {schema}.{}", R::TABLE);
            let stored: Vec<R> = sqlx::query_as(&all).fetch(db).try_collect().await?;
            let mut stored: std::collections::HashMap<_, _> =
                stored.into_iter().map(|row| (row.key(), row)).collect();
            let mut different = BTreeMap::new();
            for (key, slot) in &self.slots {
                let there = stored.remove(key).as_ref().map(weight).transpose()?;
                if there != slot.now.as_ref().map(weight).transpose()? {
                    let key = key_of::<R>(key)?.to_string();
                    different.insert(format!("{} {key}", R::TABLE), Some(slot.position));
                }
            }
            for key in stored.keys() {
                let key = key_of::<R>(key)?.to_string();
                different.insert(format!("{} {key}", R::TABLE), None);
            }
            Ok(different)
        })
    }
}

impl<R: Row> Slot<R> {
    /// It is stored as it is now.
    fn settled(&mut self) {
        self.stored.clone_from(&self.now);
        self.touched = false;
    }

    /// By how much the digest changes when the row is stored as it is now: nothing for a row that did not change.
    fn change(&self) -> Result<Digest, sqlx::Error> {
        let weight = |row: &Option<R>| row.as_ref().map(weight).transpose();
        let (before, after) = (weight(&self.stored)?, weight(&self.now)?);
        Ok(after.unwrap_or_default().minus(before.unwrap_or_default()))
    }
}

/// What is to be written, as JSON rows.
struct Changes {
    new: Vec<Value>,
    changed: Vec<Value>,
    gone: Vec<Value>,
    digest: Digest,
}

impl<R: Row> Table<R> {
    /// What differs from what is stored.
    fn changes(&self) -> Result<Changes, sqlx::Error> {
        let mut changes = Changes {
            new: Vec::new(),
            changed: Vec::new(),
            gone: Vec::new(),
            digest: Digest::default(),
        };
        for key in &self.touched {
            let Some(slot) = self.slots.get(key) else {
                continue;
            };
            let change = slot.change()?;
            if change == Digest::default() {
                continue;
            }
            changes.digest = changes.digest.plus(change);
            match (&slot.stored, &slot.now) {
                (None, Some(row)) => changes.new.push(json(row)?),
                (Some(_), Some(row)) => changes.changed.push(json(row)?),
                (_, None) => changes.gone.push(key_of::<R>(key)?),
            }
        }
        Ok(changes)
    }
}

impl Changes {
    async fn write<R: Row>(&self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
        let (table, given) = (R::TABLE, given::<R>(schema));
        if !self.gone.is_empty() {
            let delete = format!(
                "DELETE FROM {schema}.{table} t USING {given} g WHERE {}",
                same_key::<R>("t", "g")
            );
            run(db, &delete, &self.gone).await?;
        }
        if let Some(Value::Object(columns)) = self.changed.first() {
            let set: Vec<String> = columns.keys().map(|c| format!("{c} = g.{c}")).collect();
            let update = format!(
                "UPDATE {schema}.{table} t SET {} FROM {given} g WHERE {}",
                set.join(", "),
                same_key::<R>("t", "g")
            );
            run(db, &update, &self.changed).await?;
        }
        if !self.new.is_empty() {
            let insert = format!("INSERT INTO {schema}.{table} SELECT * FROM {given}");
            run(db, &insert, &self.new).await?;
        }
        Ok(())
    }
}

async fn run(db: &mut PgConnection, statement: &str, rows: &[Value]) -> Result<(), sqlx::Error> {
    let rows = serde_json::to_string(rows).map_err(|fault| sqlx::Error::Encode(fault.into()))?;
    sqlx::query(statement).bind(rows).execute(db).await?;
    Ok(())
}
