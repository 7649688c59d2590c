//! Hashes of pictures that never leave her device: registering, taking back, and what an exchange is given.

mod exchange;

use crate::app::App;
use crate::bearer::Member;
use crate::edge::request_id;
use crate::envelope::{Many, One, known, many, one, page};
use crate::idempotency::command;
use crate::problem::{Misfit, Problem};
use crate::time::Time;
use domain::hash_case::{
    HashCaseCommand, HashCases as Cases, RegisterImageHash, WithdrawImageHash,
};
use domain::ids::{HashCaseId, UserId};
use domain::image::Fingerprint;
use domain::user::TextVersion;
use eventstore::{Why, edge};
use exchange::ExchangePage;
use pictures::pdq::Hash;
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use projections::hash_cases::exchange::{
    PAGE_SIZE, PAGE_SIZE_MAX, SECONDS, Wanted, page as page_of,
};
use projections::hash_cases::{HashCaseRow, HashCases as Model};
use projections::projector::ReadModel;
use uuid::Uuid;

/// Routes about hashes that she registered.
#[derive(Debug)]
pub struct HashCases;

/// A hash to be registered. It is computed on her device; the picture is not sent.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct NewHashCase {
    /// PDQ hash of the picture, 64 hex digits.
    pdq: Option<String>,
    /// Quality of the hash, 50 to 100: below that a picture cannot be told from others.
    quality: Option<u32>,
    /// She confirms the statement that she was shown: the picture shows her, or whom she acts for.
    attested: Option<bool>,
    /// Version of that statement.
    text_version: Option<String>,
}

/// A registered hash. The hash itself is not repeated here.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct HashCase {
    /// The case.
    id: Uuid,
    /// Where it stands.
    status: HashCaseStatus,
    /// Quality of the hash.
    quality: Option<i16>,
    /// Version of the statement that she confirmed.
    text_version: String,
    /// When she registered it.
    registered_at: Time,
    /// When it last changed.
    changed_at: Time,
}

/// Where a case stands.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum HashCaseStatus {
    /// To be looked for by whoever is given it.
    Active,
    /// To be dropped by whoever was given it.
    Withdrawn,
}

/// A hash was registered.
#[derive(Debug, ApiResponse)]
pub enum Registered {
    /// The case; the same one for the same hash.
    #[oai(status = 201)]
    Case(Json<One<HashCase>>),
}

#[OpenApi(prefix_path = "/hash-cases", tag = "crate::Tag::HashCases")]
impl HashCases {
    /// Registers the hash of a picture that stays on her device. The same hash again is the same case.
    #[oai(path = "/", method = "post", operation_id = "registerImageHash")]
    async fn register(
        &self,
        request: &Request,
        member: Member,
        body: Json<NewHashCase>,
    ) -> Result<Registered, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let (fingerprint, attested) = read(body.0)?;
        let key = app.store.vault().key_to_seal(user).await?;
        let ask = RegisterImageHash {
            owner: user,
            case_id: key.name("hash case", &[&fingerprint.pdq])?.into(),
            fingerprint,
            attested,
            registered_at: edge::now(),
        };
        let why = Why::member(user, request_id(request), command(request).id);
        let case = ask.case_id;
        let command = HashCaseCommand::Register(Box::new(ask));
        let row = changed(app, user, case, command, why).await?;
        Ok(Registered::Case(one(show(row)?)))
    }

    /// Her cases, newest first.
    #[oai(path = "/", method = "get", operation_id = "listHashCases")]
    async fn list(
        &self,
        request: &Request,
        member: Member,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> Result<Json<Many<HashCase>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let page = page(page_number.0, limit.0)?;
        app.fresh.before_read(user).await?;
        let listed = projections::hash_cases::list(&app.database, user, page).await?;
        many(listed, page, show)
    }

    /// Takes a hash back: it is exported as withdrawn from then on. Again, it stays withdrawn.
    #[oai(
        path = "/:id/withdraw",
        method = "post",
        operation_id = "withdrawImageHash"
    )]
    async fn withdraw(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<HashCase>>, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let (owner, case_id, withdrawn_at) = (user, HashCaseId(id.0), edge::now());
        let ask = HashCaseCommand::Withdraw(WithdrawImageHash {
            owner,
            case_id,
            withdrawn_at,
        });
        let why = Why::member(user, request_id(request), command(request).id);
        Ok(one(show(changed(app, user, case_id, ask, why).await?)?))
    }

    /// Her hashes in the record shape of the exchange that platforms read, withdrawn ones included, to be handed over.
    #[oai(path = "/export", method = "get", operation_id = "exportHashCases")]
    async fn export(
        &self,
        request: &Request,
        member: Member,
        /// Changed in this second since 1970 or later; 0 without it.
        #[oai(name = "startTimestamp")]
        start_timestamp: Query<Option<i64>>,
        /// Records of a page, 1 to 1000; 800 without it.
        #[oai(name = "pageSize")]
        page_size: Query<Option<u32>>,
        /// What the page before named.
        #[oai(name = "nextPageToken")]
        next_page_token: Query<Option<String>>,
    ) -> Result<Json<ExchangePage>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let wanted = Wanted {
            owner: Some(user),
            start_timestamp: start_timestamp.0.unwrap_or(0),
            after: token(next_page_token.0)?,
            size: page_size.0.unwrap_or(PAGE_SIZE),
        };
        if !(1..=PAGE_SIZE_MAX).contains(&wanted.size) {
            let words = "A page has between 1 and 1000 records.";
            return Err(Problem::field("pageSize", words, ""));
        }
        if !SECONDS.contains(&wanted.start_timestamp) {
            let words = "A time is in seconds since 1970, up to the year 9999.";
            return Err(Problem::field("startTimestamp", words, ""));
        }
        app.fresh.before_read(user).await?;
        Ok(Json(page_of(&app.database, wanted).await?.into()))
    }
}

fn token(token: Option<String>) -> Result<i64, Problem> {
    let token = token.filter(|token| !token.is_empty());
    let position = token.map(|token| token.parse::<i64>()).transpose();
    match position {
        Ok(position) => Ok(position.unwrap_or(0)),
        Err(_) => Err(Problem::field("nextPageToken", "No page named this.", "")),
    }
}

/// What she asks for, each misfit with its field.
fn read(body: NewHashCase) -> Result<(Fingerprint, Option<TextVersion>), Problem> {
    let mut misfits = Vec::new();
    let hash = Hash::parse(&body.pdq.unwrap_or_default());
    if hash.is_err() {
        misfits.push(Misfit::of("pdq", "A hash has 64 hex digits.", "HSH-1"));
    }
    let quality = body.quality.and_then(|quality| u8::try_from(quality).ok());
    let quality = quality.filter(|quality| *quality <= 100);
    if quality.is_none() {
        misfits.push(Misfit::of("quality", "A quality is 0 to 100.", "HSH-1"));
    }
    let text_version = TextVersion::parse(&body.text_version.unwrap_or_default());
    if text_version.is_err() {
        let words = "Please name the version of the statement that was shown.";
        misfits.push(Misfit::of("textVersion", words, ""));
    }
    let (Ok(hash), Some(quality), Ok(text_version)) = (hash, quality, text_version) else {
        return Err(Problem::Validation(misfits));
    };
    let pdq = hash.hex();
    let attested = body.attested.unwrap_or(false).then_some(text_version);
    Ok((Fingerprint { pdq, quality }, attested))
}

/// Runs a command to its end; the case as it is shown then.
async fn changed(
    app: App,
    user: UserId,
    case: HashCaseId,
    command: HashCaseCommand,
    why: Why,
) -> Result<HashCaseRow, Problem> {
    app.clone()
        .to_the_end(async move {
            let receipt = app.store.execute::<Cases>(user.0, command, why).await?;
            app.show(user, &[Model::NAME], receipt.position).await;
            // Saved, and shown in a moment: her next read waits for it.
            let row = projections::hash_cases::find(&app.database, user, case).await?;
            row.ok_or(Problem::NotShownYet)
        })
        .await
}

fn show(row: HashCaseRow) -> Result<HashCase, Problem> {
    Ok(HashCase {
        id: row.case_id,
        status: known("read_hash_cases.status", &row.status)?,
        quality: row.quality,
        text_version: row.attested,
        registered_at: row.registered_at.into(),
        changed_at: row.changed_at.into(),
    })
}
