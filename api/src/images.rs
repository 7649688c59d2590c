//! Her library: giving us a picture, looking at what is there, putting it away and taking it back (contract, section 8).

mod away;
mod shown;

pub use shown::ProtectedImage;

use crate::app::App;
use crate::bearer::Member;
use crate::body::Place;
use crate::edge::request_id;
use crate::envelope::{Many, One, codes, many, one, page};
use crate::faces;
use crate::idempotency::command;
use crate::matches::{self, Match, MatchKind, MatchStatus};
use crate::problem::Problem;
use crate::upload::{Files, take_once};
use domain::ids::{ImageId, UserId};
use eventstore::{Why, edge};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Multipart, OpenApi};
use projections::images::{Filter, ImageRow};
use projections::matches::{Matches as Model, Of, Wanted};
use shown::show;
use uuid::Uuid;

/// Routes about her pictures.
#[derive(Debug)]
pub struct Images;

/// Which pictures (IMG-4).
#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ImageFilter {
    /// All that are not put away.
    All,
    /// Searched for at least once.
    Scanned,
    /// Never searched for.
    NotScanned,
    /// Put away.
    Archived,
}

impl From<ImageFilter> for Filter {
    fn from(filter: ImageFilter) -> Self {
        match filter {
            ImageFilter::All => Self::All,
            ImageFilter::Scanned => Self::Scanned,
            ImageFilter::NotScanned => Self::NotScanned,
            ImageFilter::Archived => Self::Archived,
        }
    }
}

/// One picture, as a form.
#[derive(Debug, Multipart)]
pub struct NewImage {
    /// JPEG, PNG or WebP, 1 byte to 10 MiB, at least 32 pixels a side, at most 50 million pixels.
    file: Files,
}

/// A picture was put away, now or before.
#[derive(Debug, ApiResponse)]
pub enum PutAway {
    /// It is kept for seven days, and can be taken back until then.
    #[oai(status = 204)]
    Done,
}

/// A picture was taken in.
#[derive(Debug, ApiResponse)]
pub enum TakenIn {
    /// The picture.
    #[oai(status = 201)]
    Image(Json<One<ProtectedImage>>),
}

#[OpenApi(prefix_path = "/images", tag = "crate::Tag::Images")]
impl Images {
    /// Her pictures, newest first.
    #[oai(path = "/", method = "get", operation_id = "listImages")]
    async fn list(
        &self,
        request: &Request,
        member: Member,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
        filter: Query<Option<ImageFilter>>,
    ) -> Result<Json<Many<ProtectedImage>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let page = page(page_number.0, limit.0)?;
        app.fresh.before_read(user).await?;
        let filter = filter.0.map_or(Filter::All, Filter::from);
        let listed = projections::images::list(&app.database, user, filter, page).await?;
        let ids: Vec<Uuid> = listed.rows.iter().map(|row| row.image_id).collect();
        let faces = faces::seen_in(app, user, &ids).await?;
        let now = edge::now();
        many(listed, page, |row| {
            let has_face = faces.contains(&row.image_id);
            Ok(show(&app.links, row, has_face, now))
        })
    }

    /// Takes in one picture: checked, upright, sealed; only copies without metadata ever leave (IMG-1, IMG-3).
    #[oai(path = "/upload", method = "post", operation_id = "uploadImage")]
    async fn upload(
        &self,
        request: &Request,
        member: Member,
        form: NewImage,
    ) -> Result<TakenIn, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let place = request.extensions().get::<Place>().cloned();
        let (file, why) = (
            form.file.only_one()?,
            (request_id(request), command(request)),
        );
        app.clone()
            .to_the_end(async move {
                let _place = place;
                let row = take_once(&app, user, file, why).await?;
                // By the time of the upload, so that an answer that is made again is the same; and nobody looks for a face
                // before the picture is in the log (PIP-4).
                let then = row.uploaded_at;
                Ok(TakenIn::Image(one(show(&app.links, row, false, then))))
            })
            .await
    }

    /// One picture.
    #[oai(path = "/:id", method = "get", operation_id = "getImage")]
    async fn get(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<ProtectedImage>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        app.fresh.before_read(user).await?;
        let row = find(app, user, id.0.into()).await?;
        let row = row.ok_or(Problem::ImageNotFound)?;
        let has_face = faces::is_seen_in(app, user, row.image_id).await?;
        Ok(one(show(&app.links, row, has_face, edge::now())))
    }

    /// Puts one picture away: nobody searches for it any more, and after seven days it is gone (IMG-5, IMG-6).
    #[oai(path = "/:id", method = "delete", operation_id = "deleteImage")]
    async fn delete(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<PutAway, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let why = Why::member(user, request_id(request), command(request).id);
        app.clone()
            .to_the_end(async move { away::put(&app, user, id.0.into(), why).await })
            .await?;
        Ok(PutAway::Done)
    }

    /// Takes a picture back that was put away less than seven days ago (IMG-6).
    #[oai(path = "/:id/restore", method = "post", operation_id = "restoreImage")]
    async fn restore(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<ProtectedImage>>, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let why = Why::member(user, request_id(request), command(request).id);
        app.clone()
            .to_the_end(async move {
                let row = away::take_back(&app, user, id.0.into(), why).await?;
                let has_face = faces::is_seen_in(&app, user, row.image_id).await?;
                Ok(one(show(&app.links, row, has_face, edge::now())))
            })
            .await
    }

    /// Where one picture was found, newest first.
    #[oai(
        path = "/:id/matches",
        method = "get",
        operation_id = "listImageMatches"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "each one is a parameter of the contract"
    )]
    async fn matches(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
        #[oai(name = "page")] page_number: Query<Option<u32>>,
        limit: Query<Option<u32>>,
        status: Query<Option<String>>,
        #[oai(name = "matchType")] match_type: Query<Option<String>>,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<Many<Match>>, Problem> {
        let (app, user, image) = (App::of(request)?, member.0.user, ImageId(id.0));
        let page = page(page_number.0, limit.0)?;
        let wanted = Wanted {
            states: matches::states(codes::<MatchStatus>("status", status.0)?),
            kinds: codes::<MatchKind>("matchType", match_type.0)?,
        };
        let mut shown = app
            .shown::<Model>(request, user, as_of.0.as_deref())
            .await?;
        find(app, user, image)
            .await?
            .ok_or(Problem::ImageNotFound)?;
        let of = Of::Image(image);
        let listed = projections::matches::list(&mut *shown, user, of, &wanted, page).await?;
        many(listed, page, matches::show)
    }
}

pub(crate) async fn find(
    app: &App,
    user: UserId,
    image: ImageId,
) -> Result<Option<ImageRow>, Problem> {
    Ok(projections::images::find(&app.database, user, image).await?)
}
