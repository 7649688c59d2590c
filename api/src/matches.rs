//! Her matches: the pages on which her pictures were found (contract, section 9).

use crate::app::App;
use crate::bearer::Member;
use crate::envelope::{Many, One, known, many, one, page};
use crate::problem::Problem;
use crate::time::Time;
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use projections::matches::{MatchRow, Matches as Model, Of, Wanted};
use uuid::Uuid;

/// Routes about matches.
#[derive(Debug)]
pub struct Matches;

/// One page on which one of her pictures was found.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Match {
    /// The match.
    id: Uuid,
    /// Her picture.
    protected_image_id: Uuid,
    /// The scan that saw it last.
    scan_job_id: Option<Uuid>,
    /// The page. Treat it as hostile: never open it by itself.
    source_url: String,
    /// The page's title.
    page_title: Option<String>,
    /// Platform of the page.
    platform: Option<Platform>,
    /// How alike, 0 to 1.
    similarity: f64,
    /// What kind of likeness.
    match_type: MatchKind,
    /// How sure Vara is.
    confidence: Confidence,
    /// Where it stands.
    status: MatchStatus,
    /// Where it stands in the review queue.
    review_status: ReviewStatus,
    /// When it was found.
    detected_at: Time,
    /// When it was found first.
    first_seen_at: Time,
    /// When it was seen last.
    last_seen_at: Time,
    /// The engine that found it.
    discovery_engine: Option<String>,
    /// The engine that verified it.
    verification_engine: Option<String>,
    /// The engine's own number.
    discovery_score: Option<f64>,
    /// What comparing faces said.
    face_verified: Option<String>,
    /// How alike the faces are, 0 to 1.
    face_similarity: Option<f64>,
    /// How alike the pictures' vectors are, 0 to 1.
    clip_similarity: Option<f64>,
    /// The run of discovery that it belongs to.
    candidate_group_id: Option<Uuid>,
    /// The match that it was found through.
    parent_candidate_id: Option<Uuid>,
    /// When she reviewed it.
    reviewed_at: Option<Time>,
    /// Who reviewed it.
    reviewed_by: Option<Uuid>,
    /// Found in a demonstration, by a stand-in of the engine.
    is_mock: bool,
}

/// A platform that people know by name.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum Platform {
    /// Instagram.
    Instagram,
    /// TikTok.
    Tiktok,
    /// Facebook.
    Facebook,
    /// X.
    Twitter,
    /// LinkedIn.
    Linkedin,
    /// YouTube.
    Youtube,
    /// Reddit.
    Reddit,
    /// Pinterest.
    Pinterest,
    /// Tumblr.
    Tumblr,
}

/// What kind of likeness was found.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatchKind {
    /// The picture itself.
    Exact,
    /// A close copy.
    Similar,
    /// A changed copy.
    Modified,
    /// An artificial picture.
    Deepfake,
    /// Perhaps the same person.
    PersonCandidate,
    /// The picture itself, found through another finding.
    ExactCopy,
    /// A changed copy, found through another finding.
    AlteredCopy,
    /// The same face.
    FaceMatch,
}

/// How sure Vara is.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Confidence {
    /// Very.
    High,
    /// Rather.
    MediumHigh,
    /// Somewhat.
    Medium,
    /// Not very.
    Low,
}

/// Where a match stands.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatchStatus {
    /// Found.
    New,
    /// Looked at.
    Reviewed,
    /// Acted on.
    Actioned,
    /// Not hers, or not a worry.
    Dismissed,
    /// Waits for her review.
    FlaggedForReview,
}

/// Where a match stands in the review queue.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewStatus {
    /// Needs no review.
    Active,
    /// Waits for her.
    FlaggedForReview,
    /// She said that it is so.
    Confirmed,
    /// She said that it is not.
    Dismissed,
}

#[OpenApi(prefix_path = "/matches", tag = "crate::Tag::Matches")]
impl Matches {
    /// Findings that wait for her review, strongest first (REV-5).
    #[oai(path = "/flagged", method = "get", operation_id = "listFlaggedMatches")]
    async fn flagged(
        &self,
        request: &Request,
        member: Member,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<Many<Match>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let page = page(page_number.0, limit.0)?;
        let mut shown = app
            .shown::<Model>(request, user, as_of.0.as_deref())
            .await?;
        let (of, all) = (Of::Review, Wanted::default());
        let listed = projections::matches::list(&mut *shown, user, of, &all, page).await?;
        many(listed, page, show)
    }

    /// One match.
    #[oai(path = "/:id", method = "get", operation_id = "getMatch")]
    async fn get(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<One<Match>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let mut shown = app
            .shown::<Model>(request, user, as_of.0.as_deref())
            .await?;
        let row = projections::matches::find(&mut *shown, user, id.0.into()).await?;
        Ok(one(show(row.ok_or(Problem::MatchNotFound)?)?))
    }
}

/// The states of rows that these codes of the contract stand for (rules, section 11).
pub(crate) fn states(codes: Vec<String>) -> Vec<String> {
    codes
        .into_iter()
        .map(|code| match code.as_str() {
            "NEW" => "OPEN".to_owned(),
            "FLAGGED_FOR_REVIEW" => "FLAGGED".to_owned(),
            _ => code,
        })
        .collect()
}

pub(crate) fn show(row: MatchRow) -> Result<Match, Problem> {
    let (status, review_status) = match row.state.as_str() {
        "OPEN" => (MatchStatus::New, ReviewStatus::Active),
        "FLAGGED" => (
            MatchStatus::FlaggedForReview,
            ReviewStatus::FlaggedForReview,
        ),
        _ => return Err(Problem::ours("a row makes no sense", &"read_matches.state")),
    };
    Ok(Match {
        id: row.match_id,
        protected_image_id: row.image_id,
        scan_job_id: Some(row.scan_id),
        source_url: row.source_url.unwrap_or_default(),
        page_title: None,
        platform: platform(row.platform.as_deref())?,
        similarity: unit(row.similarity),
        match_type: known("read_matches.match_type", &row.match_type)?,
        confidence: known("read_matches.tier", &row.tier)?,
        status,
        review_status,
        detected_at: row.first_seen_at.into(),
        first_seen_at: row.first_seen_at.into(),
        last_seen_at: row.last_seen_at.into(),
        discovery_engine: Some(row.engine),
        verification_engine: None,
        discovery_score: Some(f64::from(row.similarity) / 100.0),
        face_verified: None,
        face_similarity: None,
        clip_similarity: None,
        candidate_group_id: None,
        parent_candidate_id: None,
        reviewed_at: None,
        reviewed_by: None,
        is_mock: row.is_mock,
    })
}

/// Ten-thousandths of a row as a number between 0 and 1.
pub(crate) fn unit(ten_thousandths: i16) -> f64 {
    f64::from(ten_thousandths) / 10_000.0
}

pub(crate) fn platform(code: Option<&str>) -> Result<Option<Platform>, Problem> {
    code.map(|code| known("platform", code)).transpose()
}
