//! Her matches: the pages on which her pictures were found.

use crate::codes::{code, code_or_null};
use crate::page::{Listed, Page};
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::{ImageId, MatchId, ScanId, UserId};
use domain::matches::{Disposition, MatchEvent, Tier};
use domain::user::UserEvent;
use eventstore::Opened;
use serde::Serialize;
use uuid::Uuid;

/// One match.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct MatchRow {
    /// The match.
    pub match_id: Uuid,
    /// Whose picture.
    pub owner: Uuid,
    /// Which picture.
    pub image_id: Uuid,
    /// The scan that saw it last.
    pub scan_id: Uuid,
    /// The scan that found it.
    pub first_scan: Uuid,
    /// The page; absent once she was erased.
    pub source_url: Option<String>,
    /// Platform of the page.
    pub platform: Option<String>,
    /// The engine that found it.
    pub engine: String,
    /// Ten-thousandths.
    pub similarity: i16,
    /// `EXACT`, `SIMILAR`, `MODIFIED`.
    pub match_type: String,
    /// `LOW` to `HIGH`.
    pub tier: String,
    /// Strength for ordering (REV-5).
    pub tier_rank: i16,
    /// `OPEN` or `FLAGGED` (section 11 of the rules).
    pub state: String,
    /// Found in a demonstration (GEN-4).
    pub is_mock: bool,
    /// When it was found first.
    pub first_seen_at: DateTime<Utc>,
    /// When it was seen last.
    pub last_seen_at: DateTime<Utc>,
}

impl Row for MatchRow {
    const TABLE: &'static str = "read_matches";
    const KEY: &'static [&'static str] = &["match_id"];
    const PERSONAL: &'static [&'static str] = &["source_url"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.match_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Matches {
    matches: Table<MatchRow>,
}

impl ReadModel for Matches {
    const NAME: &'static str = "matches";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("match", &[]), ERASURE];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.matches]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Match(found) => self.change(place, found).await,
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.matches.remove_all_of(place, user_id.0).await
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Alert(_)
            | Event::Plan(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

impl Matches {
    async fn change(
        &mut self,
        place: &mut Place<'_>,
        event: &MatchEvent,
    ) -> Result<(), sqlx::Error> {
        match event {
            MatchEvent::MatchFound {
                owner,
                match_id,
                image_id,
                scan_id,
                page,
                platform,
                engine,
                similarity,
                match_type,
                tier,
                disposition,
                is_mock,
                detected_at,
                ..
            } => self.matches.insert(MatchRow {
                match_id: match_id.0,
                owner: owner.0,
                image_id: image_id.0,
                scan_id: scan_id.0,
                first_scan: scan_id.0,
                source_url: page.known().map(ToString::to_string),
                platform: code_or_null(platform.as_ref())?,
                engine: engine.clone(),
                similarity: ten_thousandths(*similarity),
                match_type: code(match_type)?,
                tier: code(tier)?,
                tier_rank: rank(*tier),
                state: state(*disposition).to_owned(),
                is_mock: *is_mock,
                first_seen_at: *detected_at,
                last_seen_at: *detected_at,
            }),
            MatchEvent::MatchSeenAgain {
                match_id,
                scan_id,
                similarity,
                seen_at,
            } => {
                if let Some(known) = self.matches.get(place, &match_id.0).await? {
                    known.scan_id = scan_id.0;
                    known.similarity = ten_thousandths(*similarity);
                    known.last_seen_at = *seen_at;
                }
            }
        }
        Ok(())
    }
}

/// A share as a small number; at most 10,000, so it always fits.
pub(crate) fn ten_thousandths(share: domain::Share) -> i16 {
    i16::try_from(u16::from(share)).unwrap_or(10_000)
}

/// Strength for ordering (REV-5).
const fn rank(tier: Tier) -> i16 {
    match tier {
        Tier::Low => 0,
        Tier::Medium => 1,
        Tier::MediumHigh => 2,
        Tier::High => 3,
    }
}

const fn state(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Alert | Disposition::Record => "OPEN",
        Disposition::Review => "FLAGGED",
    }
}

/// Which matches are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// Those of one picture.
    Image(ImageId),
    /// Those first seen in one scan.
    Scan(ScanId),
    /// The review queue (REV-5).
    Review,
}

/// States and types of the matches that are asked for; an empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// States of the rows.
    pub states: Vec<String>,
    /// Types.
    pub kinds: Vec<String>,
}

const COLUMNS: &str = "match_id, owner, image_id, scan_id, first_scan, source_url, platform, engine, \
                       similarity, match_type, tier, tier_rank, state, is_mock, first_seen_at, last_seen_at";

/// Her match with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    owner: UserId,
    id: MatchId,
) -> Result<Option<MatchRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_matches WHERE match_id = $1 AND owner = $2"
    ))
    .bind(id.0)
    .bind(owner.0)
    .fetch_optional(&mut *db)
    .await
}

/// Her matches, newest first; the review queue strongest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    from: impl Into<Source<'_>>,
    owner: UserId,
    of: Of,
    wanted: &Wanted,
    page: Page,
) -> Result<Listed<MatchRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    let (chosen, order, id) = match of {
        Of::Image(image) => ("image_id = $2", "first_seen_at DESC", Some(image.0)),
        Of::Scan(scan) => ("first_scan = $2", "first_seen_at DESC", Some(scan.0)),
        Of::Review => (
            "state = 'FLAGGED' AND $2::uuid IS NULL",
            "tier_rank DESC, first_seen_at DESC",
            None,
        ),
    };
    let chosen = format!(
        "owner = $1 AND {chosen} AND (cardinality($3::text[]) = 0 OR state = ANY ($3))
         AND (cardinality($4::text[]) = 0 OR match_type = ANY ($4))"
    );
    let rows = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_matches WHERE {chosen}
          ORDER BY {order}, match_id LIMIT $5 OFFSET $6"
    ))
    .bind(owner.0)
    .bind(id)
    .bind(&wanted.states)
    .bind(&wanted.kinds)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(&mut *db)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) FROM read_matches WHERE {chosen}"))
        .bind(owner.0)
        .bind(id)
        .bind(&wanted.states)
        .bind(&wanted.kinds)
        .fetch_one(&mut *db)
        .await?;
    Ok(Listed { rows, total })
}
