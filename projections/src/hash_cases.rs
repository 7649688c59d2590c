//! Her registered hashes, and where each case stands; the hash itself is for the exchange, not for lists.

pub mod exchange;

use crate::page::{Listed, Page};
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::hash_case::HashCaseEvent;
use domain::ids::{HashCaseId, UserId};
use domain::user::UserEvent;
use eventstore::{Opened, Recorded};
use serde::Serialize;
use uuid::Uuid;

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct HashCaseRow {
    /// The case.
    pub case_id: Uuid,
    /// Whose.
    pub owner: Uuid,
    /// 64 hex digits; absent once she was erased.
    pub hash: Option<String>,
    /// 50 to 100; absent once she was erased.
    pub quality: Option<i16>,
    /// `ACTIVE` or `WITHDRAWN`.
    pub status: String,
    /// Version of the statement that she confirmed.
    pub attested: String,
    /// When she registered it, the last time.
    pub registered_at: DateTime<Utc>,
    /// When the log took in its last change.
    pub changed_at: DateTime<Utc>,
    /// Where that change stands in the log.
    pub position: i64,
}

impl Row for HashCaseRow {
    const TABLE: &'static str = "read_hash_cases";
    const KEY: &'static [&'static str] = &["case_id"];
    const PERSONAL: &'static [&'static str] = &["hash"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.case_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct HashCases {
    cases: Table<HashCaseRow>,
}

impl ReadModel for HashCases {
    const NAME: &'static str = "hash_cases";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("hash_case", &[]), ERASURE];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.cases]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::HashCase(case) => self.change(place, case, &event.recorded).await,
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.cases.remove_all_of(place, user_id.0).await
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::Plan(_) => Ok(()),
        }
    }
}

impl HashCases {
    async fn change(
        &mut self,
        place: &mut Place<'_>,
        event: &HashCaseEvent,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        match event {
            HashCaseEvent::ImageHashRegistered {
                owner,
                case_id,
                fingerprint,
                attested,
                registered_at,
            } => {
                let known = fingerprint.known();
                let row = HashCaseRow {
                    case_id: case_id.0,
                    owner: owner.0,
                    hash: known.map(|known| known.pdq.clone()),
                    quality: known.map(|known| known.quality.into()),
                    status: "ACTIVE".to_owned(),
                    attested: attested.clone(),
                    registered_at: *registered_at,
                    changed_at: recorded.recorded_at,
                    position: recorded.position,
                };
                // Registered again after it was withdrawn: the same case.
                match self.cases.get(place, &case_id.0).await? {
                    Some(case) => *case = row,
                    None => self.cases.insert(row),
                }
            }
            HashCaseEvent::ImageHashWithdrawn { case_id, .. } => {
                if let Some(case) = self.cases.get(place, &case_id.0).await? {
                    // The hash stays: whoever was given it has to know which one to drop.
                    case.status = "WITHDRAWN".to_owned();
                    case.changed_at = recorded.recorded_at;
                    case.position = recorded.position;
                }
            }
        }
        Ok(())
    }
}

const COLUMNS: &str =
    "case_id, owner, hash, quality, status, attested, registered_at, changed_at, position";

/// Her case with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    owner: UserId,
    case: HashCaseId,
) -> Result<Option<HashCaseRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_hash_cases WHERE case_id = $1 AND owner = $2"
    ))
    .bind(case.0)
    .bind(owner.0)
    .fetch_optional(&mut *db)
    .await
}

/// Her cases, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    from: impl Into<Source<'_>>,
    owner: UserId,
    page: Page,
) -> Result<Listed<HashCaseRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    let rows = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_hash_cases WHERE owner = $1
          ORDER BY registered_at DESC, case_id LIMIT $2 OFFSET $3"
    ))
    .bind(owner.0)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(&mut *db)
    .await?;
    let total = sqlx::query_scalar("SELECT count(*) FROM read_hash_cases WHERE owner = $1")
        .bind(owner.0)
        .fetch_one(&mut *db)
        .await?;
    Ok(Listed { rows, total })
}
