//! Her matches: the pages on which her pictures were found.

use crate::codes::{code, code_or_null};
use crate::page::{Listed, Page};
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::{ImageId, MatchId, ScanId, UserId};
use domain::matches::{Disposition, MatchEvent, Tier};
use eventstore::Opened;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One match.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MatchRow {
    /// The match.
    pub match_id: Uuid,
    /// Whose picture.
    pub owner: Uuid,
    /// Which picture.
    pub image_id: Uuid,
    /// The scan that saw it last.
    pub scan_id: Uuid,
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
    /// `OPEN` or `FLAGGED` (section 11 of the rules).
    pub state: String,
    /// Found in a demonstration (GEN-4).
    pub is_mock: bool,
    /// When it was found first.
    pub first_seen_at: DateTime<Utc>,
    /// When it was seen last.
    pub last_seen_at: DateTime<Utc>,
}

/// The read model.
#[derive(Debug)]
pub struct Matches;

impl ReadModel for Matches {
    const NAME: &'static str = "matches_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Match(MatchEvent::MatchFound {
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
            }) => {
                sqlx::query(
                    "INSERT INTO read_matches (match_id, owner, image_id, scan_id, first_scan, source_url,
                         platform, engine, similarity, match_type, tier, tier_rank, state, is_mock,
                         first_seen_at, last_seen_at)
                     VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
                )
                .bind(match_id.0)
                .bind(owner.0)
                .bind(image_id.0)
                .bind(scan_id.0)
                .bind(page.known())
                .bind(code_or_null(platform.as_ref())?)
                .bind(engine)
                .bind(ten_thousandths(*similarity))
                .bind(code(match_type)?)
                .bind(code(tier)?)
                .bind(rank(*tier))
                .bind(state(*disposition))
                .bind(is_mock)
                .bind(detected_at)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::Match(MatchEvent::MatchSeenAgain {
                match_id,
                scan_id,
                similarity,
                seen_at,
            }) => {
                sqlx::query(
                    "UPDATE read_matches SET scan_id = $2, similarity = $3, last_seen_at = $4
                      WHERE match_id = $1",
                )
                .bind(match_id.0)
                .bind(scan_id.0)
                .bind(ten_thousandths(*similarity))
                .bind(seen_at)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Alert(_)
            | Event::Plan(_) => Ok(()),
        }
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

const COLUMNS: &str = "match_id, owner, image_id, scan_id, source_url, platform, engine, similarity, \
                       match_type, tier, state, is_mock, first_seen_at, last_seen_at";

/// Her match with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    pool: &PgPool,
    owner: UserId,
    id: MatchId,
) -> Result<Option<MatchRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_matches WHERE match_id = $1 AND owner = $2"
    ))
    .bind(id.0)
    .bind(owner.0)
    .fetch_optional(pool)
    .await
}

/// Her matches, newest first; the review queue strongest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    owner: UserId,
    of: Of,
    wanted: &Wanted,
    page: Page,
) -> Result<Listed<MatchRow>, sqlx::Error> {
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
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) FROM read_matches WHERE {chosen}"))
        .bind(owner.0)
        .bind(id)
        .bind(&wanted.states)
        .bind(&wanted.kinds)
        .fetch_one(pool)
        .await?;
    Ok(Listed { rows, total })
}
