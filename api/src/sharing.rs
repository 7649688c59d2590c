//! Pictures for engines that fetch by link, without signing in (contract, section 14; SHR-4, SHR-5).

use crate::app::App;
use crate::health::Alive;
use crate::problem::Problem;
use eventstore::share_links::Visitor;
use poem::Request;
use poem::http::header::USER_AGENT;
use poem_openapi::param::Path;
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, OpenApi};

/// Nobody may keep it: browser, proxy, or a cache between.
const NOT_KEPT: &str = "no-store, no-cache, must-revalidate";

/// Routes that need no token but the one in the link.
#[derive(Debug)]
pub struct Sharing;

/// A shared picture.
#[derive(Debug, ApiResponse)]
pub enum SharedPicture {
    /// The working copy, without metadata. Working copies are JPEG, whatever was uploaded.
    #[oai(status = 200, content_type = "image/jpeg")]
    Jpeg(
        Binary<Vec<u8>>,
        /// `no-store, no-cache, must-revalidate`.
        #[oai(header = "Cache-Control")]
        String,
        /// `no-cache`.
        #[oai(header = "Pragma")]
        String,
        /// `0`.
        #[oai(header = "Expires")]
        String,
        /// `*`.
        #[oai(header = "Access-Control-Allow-Origin")]
        String,
        /// `noindex`.
        #[oai(header = "X-Robots-Tag")]
        String,
    ),
}

/// What a browser is told before it asks.
#[derive(Debug, ApiResponse)]
pub enum Preflight {
    /// Any origin may fetch.
    #[oai(status = 204)]
    Allowed(
        /// `*`.
        #[oai(header = "Access-Control-Allow-Origin")]
        String,
        /// `GET, OPTIONS`.
        #[oai(header = "Access-Control-Allow-Methods")]
        String,
    ),
}

impl SharedPicture {
    fn of(jpeg: Vec<u8>) -> Self {
        let [kept, pragma, expires, origin, robots] =
            [NOT_KEPT, "no-cache", "0", "*", "noindex"].map(str::to_owned);
        Self::Jpeg(Binary(jpeg), kept, pragma, expires, origin, robots)
    }
}

#[OpenApi(prefix_path = "/proxy", tag = "crate::Tag::Sharing")]
impl Sharing {
    /// The picture behind a link that was given to an engine: ten fetches, while the scan runs. Whatever is wrong with a
    /// link, the answer is the same 404.
    #[oai(
        path = "/images/:token",
        method = "get",
        operation_id = "fetchSharedImage"
    )]
    async fn fetch(
        &self,
        request: &Request,
        /// 64 hex digits.
        token: Path<String>,
    ) -> Result<SharedPicture, Problem> {
        let app = App::of(request)?;
        let visitor = visitor(request);
        let jpeg = app.sharing.fetch(&token.0, visitor).await?;
        jpeg.map(SharedPicture::of).ok_or(Problem::NotFound)
    }

    /// Who may fetch a shared picture from a page: everybody.
    #[oai(
        path = "/images/:token",
        method = "options",
        operation_id = "preflightSharedImage"
    )]
    async fn preflight(
        &self,
        /// Of no effect here.
        #[oai(name = "token")]
        _token: Path<String>,
    ) -> Preflight {
        Preflight::Allowed("*".to_owned(), "GET, OPTIONS".to_owned())
    }

    /// Whether pictures are shared from here. Says nothing about links.
    #[oai(path = "/health", method = "get", operation_id = "sharingHealth")]
    async fn health(&self) -> Json<Alive> {
        Json(Alive::now())
    }
}

/// Who asks, as the connection tells it. Behind a proxy that is the proxy: what a header says about somebody else is
/// anybody's word.
fn visitor(request: &Request) -> Visitor {
    let address = request.remote_addr().as_socket_addr();
    let agent = request
        .headers()
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    Visitor::new(address.map(std::net::SocketAddr::ip), agent)
}
