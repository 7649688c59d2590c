//! Registered hashes in the record shape of the exchange that platforms read: a snapshot of each hash, paged by time,
//! where a record that comes again takes the place of the one before.
//!
//! Whether a hash still counts is said by its status and by nothing else: a withdrawn record keeps its hash, so that a
//! reader knows which one to drop.

use crate::source::Source;
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Records of a page where nothing is said, as the exchange has it.
pub const PAGE_SIZE: u32 = 800;
/// Most records of one page.
pub const PAGE_SIZE_MAX: u32 = 1_000;

/// The seconds since 1970 that a page may be asked from: up to the year 9999, within what PostgreSQL knows as a time.
pub const SECONDS: RangeInclusive<i64> = 0..=253_402_300_799;

/// Where a hash or a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// To be looked for.
    Active,
    /// To be dropped.
    Withdrawn,
}

/// One hash, with every case that has it: two people in one picture may register the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Seconds since 1970 of the last change.
    #[serde(rename = "lastModtimestamp")]
    pub last_modified: i64,
    /// Always `ImagePDQ`.
    #[serde(rename = "signalType")]
    pub signal_type: String,
    /// 64 hex digits.
    #[serde(rename = "hashValue")]
    pub hash: String,
    /// `Active` while one case is.
    #[serde(rename = "hashStatus")]
    pub status: Status,
    /// Each case, and where it stands.
    #[serde(rename = "caseNumbers")]
    pub cases: BTreeMap<String, Status>,
    /// What platforms said about it: nothing yet, since nobody tells us.
    #[serde(rename = "CSPFeedbacks")]
    pub feedbacks: Vec<serde_json::Value>,
}

/// Some records, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pages {
    /// Records of this page.
    pub count: usize,
    /// What to ask for next; empty on the last page.
    pub next_page_token: String,
    /// Where to begin another day: the time of the last record, which then comes again and replaces itself.
    pub next_set_timestamp: i64,
    /// Whether there is another page.
    pub has_more_records: bool,
    /// The records, in the order of their last changes.
    pub hash_records: Vec<Record>,
}

/// Which records are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Hers; those of all members where nobody is named.
    pub owner: Option<UserId>,
    /// Changed in this second since 1970 or later.
    pub start_timestamp: i64,
    /// After this position of the log, where a page before ended.
    pub after: i64,
    /// How many, 1 to 1000.
    pub size: u32,
}

/// A hash: its last change, where that stands in the log, and its cases.
type Row = (String, DateTime<Utc>, i64, Json<BTreeMap<String, String>>);

/// A page of records.
///
/// Positions are given in the order in which changes become visible, and times with them, so a reader who goes on from
/// a page's end misses nothing that was changed meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn page(from: impl Into<Source<'_>>, wanted: Wanted) -> Result<Pages, sqlx::Error> {
    let mut db = from.into().open().await?;
    let size = wanted.size.clamp(1, PAGE_SIZE_MAX) as usize;
    let mut rows: Vec<Row> = sqlx::query_as(
        "SELECT hash, max(changed_at), max(position), json_object_agg(case_id, status)
           FROM read_hash_cases
          WHERE hash IS NOT NULL AND ($1::uuid IS NULL OR owner = $1)
          GROUP BY hash
         HAVING max(changed_at) >= to_timestamp($2::float8) AND max(position) > $3
          ORDER BY max(position) LIMIT $4",
    )
    .bind(wanted.owner.map(|owner| owner.0))
    .bind(wanted.start_timestamp as f64)
    .bind(wanted.after)
    .bind(i64::from(wanted.size.clamp(1, PAGE_SIZE_MAX)) + 1)
    .fetch_all(&mut *db)
    .await?;
    let has_more_records = rows.len() > size;
    rows.truncate(size);
    let last = rows
        .last()
        .map(|(_, at, position, _)| (at.timestamp(), *position));
    let next_page_token = match (has_more_records, last) {
        (true, Some((_, position))) => position.to_string(),
        (true, None) | (false, _) => String::new(),
    };
    let hash_records: Vec<Record> = rows.into_iter().map(Record::from).collect();
    Ok(Pages {
        count: hash_records.len(),
        next_page_token,
        next_set_timestamp: last.map_or(wanted.start_timestamp, |(at, _)| at),
        has_more_records,
        hash_records,
    })
}

impl From<Row> for Record {
    fn from((hash, changed_at, _, Json(cases)): Row) -> Self {
        let cases: BTreeMap<String, Status> = cases
            .into_iter()
            .map(|(case, status)| (case, Status::of(&status)))
            .collect();
        let is_active = cases.values().any(|status| *status == Status::Active);
        Self {
            last_modified: changed_at.timestamp(),
            signal_type: "ImagePDQ".to_owned(),
            hash,
            status: if is_active {
                Status::Active
            } else {
                Status::Withdrawn
            },
            cases,
            feedbacks: vec![],
        }
    }
}

impl Status {
    /// Whatever is not plainly active is not looked for.
    fn of(status: &str) -> Self {
        match status {
            "ACTIVE" => Self::Active,
            _ => Self::Withdrawn,
        }
    }
}
