//! Who fetched a picture of hers by link: what was recorded of each fetch, for her eyes (SHR-5).

use crate::app::App;
use crate::bearer::Member;
use crate::envelope::{One, one};
use crate::images::find;
use crate::problem::Problem;
use crate::time::Time;
use domain::ids::ImageId;
use eventstore::share_links::Fetch;
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

/// Routes about fetches.
#[derive(Debug)]
pub struct Fetches;

/// One fetch of a picture by an engine that was given a link to it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ImageFetch {
    /// When.
    fetched_at: Time,
    /// The scan for which the link was made.
    scan_id: Uuid,
    /// Address of whoever fetched.
    address: Option<String>,
    /// What it called itself.
    agent: Option<String>,
}

#[OpenApi(prefix_path = "/images", tag = "crate::Tag::Images")]
impl Fetches {
    /// The newest hundred fetches of one picture, newest first.
    #[oai(
        path = "/:id/fetches",
        method = "get",
        operation_id = "listImageFetches"
    )]
    async fn list(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<Vec<ImageFetch>>>, Problem> {
        let (app, user, image) = (App::of(request)?, member.0.user, ImageId(id.0));
        find(app, user, image)
            .await?
            .ok_or(Problem::ImageNotFound)?;
        let fetches = app.sharing.fetches(user, image).await?;
        Ok(one(fetches.into_iter().map(show).collect()))
    }
}

fn show(fetch: Fetch) -> ImageFetch {
    ImageFetch {
        fetched_at: fetch.at.into(),
        scan_id: fetch.scan.0,
        address: fetch.visitor.address.map(|address| address.to_string()),
        agent: fetch.visitor.agent,
    }
}
