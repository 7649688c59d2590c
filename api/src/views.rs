//! Looking at a picture by its link, without signing in (IMG-7).

use crate::app::App;
use crate::problem::Problem;
use bytes::Bytes;
use eventstore::objects::ObjectFault;
use eventstore::{KeyError, edge};
use futures::stream::{self, StreamExt, TryStreamExt};
use poem::{Body, Request};
use poem_openapi::param::Path;
use poem_openapi::payload::Binary;
use poem_openapi::{ApiResponse, OpenApi};
use std::io;

/// Routes for those who come with a link.
#[derive(Debug)]
pub struct Views;

/// A picture.
#[derive(Debug, ApiResponse)]
pub enum Seen {
    /// A JPEG without metadata, never to be stored. Where it breaks off it is not whole.
    #[oai(status = 200, content_type = "image/jpeg")]
    Picture(
        Binary<Body>,
        /// Bytes of the picture.
        #[oai(header = "Content-Length")]
        u64,
        /// Search engines must not keep it.
        #[oai(header = "X-Robots-Tag")]
        String,
    ),
}

#[OpenApi(prefix_path = "/views", tag = "crate::Tag::Images")]
impl Views {
    /// The picture of a link. A link that is wrong, too old, or whose picture was put away, taken back, purged or erased
    /// since is answered alike.
    #[oai(path = "/:token", method = "get", operation_id = "viewImage")]
    async fn view(&self, request: &Request, token: Path<String>) -> Result<Seen, Problem> {
        let app = App::of(request)?;
        let link = app.links.read(&token.0, edge::now());
        let link = link.ok_or(Problem::NotFound)?;
        let row = projections::images::whose(&app.database, link.image).await?;
        let (owner, moved_at) = row.ok_or(Problem::NotFound)?;
        let millis = |at: Option<chrono::DateTime<_>>| at.map(|at| at.timestamp_millis());
        if millis(moved_at) != millis(link.moved_at) {
            return Err(Problem::NotFound);
        }
        let form = link.shown.form();
        let reading = app.objects.read(owner, link.image, form).await;
        let reading = reading.map_err(not_seen)?;
        let length = reading.length;
        let mut pieces = reading.pieces();
        // Before the answer begins: what does not open has another status than what does.
        let first = pieces.next().await.transpose().map_err(not_seen)?;
        let rest = pieces.inspect_err(|fault| tracing::error!(%fault, "a picture broke off"));
        let all = stream::iter(first.map(Ok)).chain(rest.map_err(io::Error::other));
        let body = Body::from_bytes_stream::<_, Bytes, io::Error>(all);
        Ok(Seen::Picture(Binary(body), length, "noindex".to_owned()))
    }
}

/// Who cannot be shown a picture learns no more than that, unless it is only for now.
fn not_seen(fault: ObjectFault) -> Problem {
    match fault {
        ObjectFault::Missing
        | ObjectFault::Key(
            KeyError::Erased(_)
            | KeyError::Missing(_)
            | KeyError::PictureErased(_)
            | KeyError::PictureMissing(_),
        ) => Problem::NotFound,
        ObjectFault::Key(KeyError::Sealed) => {
            tracing::error!(%fault, "a picture does not open");
            Problem::NotFound
        }
        fault @ (ObjectFault::Storage(_)
        | ObjectFault::Source(_)
        | ObjectFault::StillThere
        | ObjectFault::Key(
            KeyError::Unreachable(_)
            | KeyError::Master { .. }
            | KeyError::OtherMaster
            | KeyError::Wrapped,
        )) => fault.into(),
    }
}
