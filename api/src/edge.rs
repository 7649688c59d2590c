//! The outermost layer: a request id, limits before anything is read, and one envelope around every fault.

use crate::app::App;
use crate::body;
use crate::idempotency;
use crate::moment::{AsOf, Wish};
use crate::openapi::Paths;
use crate::problem::Problem;
use poem::error::{MethodNotAllowedError, NotFoundError, ParseMultipartError as RawMultipart};
use poem::http::{HeaderName, HeaderValue, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};
use std::panic::AssertUnwindSafe;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: given by the client, or made here; it stands in the record.
#[derive(Debug, Clone, Copy)]
struct RequestId(Uuid);

/// The id of this request.
pub(crate) fn request_id(request: &Request) -> Uuid {
    request
        .extensions()
        .get::<RequestId>()
        .map_or_else(eventstore::edge::fresh_id, |id| id.0)
}

/// Wraps all routes of the API.
pub(crate) struct Edge<E> {
    inner: E,
    paths: Paths,
    app: App,
}

impl<E> Edge<E> {
    pub(crate) const fn new(inner: E, paths: Paths, app: App) -> Self {
        Self { inner, paths, app }
    }
}

impl<E: Endpoint> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let id = given_id(&request).unwrap_or_else(eventstore::edge::fresh_id);
        request.extensions_mut().insert(RequestId(id));
        let path = request.uri().path().to_owned();
        let wish = Wish::of(&request);
        let mut response = match self.timed(&wish, request).await {
            Ok(response) => response,
            Err(fault) => problem(&fault).written(Some(&id.to_string())),
        };
        if response.status() == 405
            && let Some(allow) = self.paths.allow(&path)
            && let Ok(allow) = HeaderValue::from_str(&allow)
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        dress(&mut response, id);
        Ok(response)
    }
}

impl<E: Endpoint> Edge<E> {
    /// The answer with what it shows; health and documents of the API are asked without the database.
    async fn timed(&self, wish: &Wish, mut request: Request) -> poem::Result<Response> {
        if !request.uri().path().starts_with("/api/v1/") || is_about_us(request.uri().path()) {
            return self.answer(request).await;
        }
        let begun = wish.begin(&self.app).await?;
        let as_of = AsOf::default();
        request.extensions_mut().insert(as_of.clone());
        let mut response = self.answer(request).await?;
        if response.status().is_success() {
            let headers = response.headers_mut();
            wish.end(&self.app, begun, &as_of, headers).await;
        }
        Ok(response)
    }

    async fn answer(&self, request: Request) -> poem::Result<Response> {
        let key = idempotency::key(&request);
        let mut request = body::bounded(request).await?;
        let over = request.extensions().get::<body::OverLimit>().cloned();
        let answer = match key {
            // An answer to somebody who is still sending would be lost.
            Err(problem) => {
                body::drain(Box::pin(request.take_body().into_bytes_stream())).await;
                Err(problem.into())
            }
            Ok(Some(key)) if self.is_hers(request.uri().path()) => {
                idempotency::once(&self.app, key, request, |request| self.run(request)).await
            }
            Ok(_) => self.run(request).await,
        };
        if over.is_some_and(|over| over.is_so()) {
            return Err(Problem::FileTooLarge.into());
        }
        answer
    }

    async fn run(&self, request: Request) -> poem::Result<Response> {
        let running = AssertUnwindSafe(self.inner.call(request));
        match futures::FutureExt::catch_unwind(running).await {
            Ok(Ok(response)) => Ok(response.into_response()),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Problem::ours("a handler panicked", &"see above").into()),
        }
    }

    /// Whether something of a member's is changed under a path. Signing in is not: its answers hold tokens, which are
    /// kept nowhere.
    fn is_hers(&self, path: &str) -> bool {
        let methods = self.paths.allow(path).unwrap_or_default();
        methods.split(", ").any(|method| method == "POST") && !is_about_us(path)
    }
}

/// Whether a path tells about the process, signs somebody in, or is a picture: none of them shows a read model.
fn is_about_us(path: &str) -> bool {
    let apart = [
        "/api/v1/health",
        "/api/v1/auth/",
        "/api/v1/views/",
        "/api/v1/proxy/",
    ];
    apart.iter().any(|part| path.starts_with(part))
}

fn given_id(request: &Request) -> Option<Uuid> {
    Uuid::parse_str(request.header(&REQUEST_ID)?).ok()
}

/// Headers of every answer.
fn dress(response: &mut Response, id: Uuid) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A shared picture says this word, and more.
    let kept = headers.get(header::CACHE_CONTROL);
    if !kept.is_some_and(|kept| kept.as_bytes().starts_with(b"no-store")) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// What a fault of the framework means in the contract's words. Its own texts quote what was sent, a password
/// among it, so they are never passed on.
pub(crate) fn problem(fault: &poem::Error) -> Problem {
    if let Some(problem) = fault.data::<Problem>() {
        return problem.clone();
    }
    if fault.is::<NotFoundError>() {
        return Problem::RouteNotFound;
    }
    if fault.is::<MethodNotAllowedError>() {
        return Problem::MethodNotAllowed;
    }
    if fault.is::<AuthorizationError>() {
        return Problem::MissingToken;
    }
    if fault.is::<ContentTypeError>() {
        return Problem::UnsupportedMediaType;
    }
    if let Some(param) = fault.downcast_ref::<ParseParamError>() {
        return Problem::field(param.name, "This value does not fit.", "");
    }
    if let Some(path) = fault.downcast_ref::<ParsePathError>() {
        return Problem::field(path.name, "This is not an id.", "");
    }
    if fault.is::<ParseRequestPayloadError>() {
        return Problem::Validation(vec![]);
    }
    if fault.is::<ParseMultipartError>() {
        return Problem::NoFile;
    }
    match fault.downcast_ref::<RawMultipart>() {
        Some(RawMultipart::InvalidContentType(_) | RawMultipart::ContentTypeRequired) => {
            Problem::UnsupportedMediaType
        }
        Some(_) => Problem::NoFile,
        None => Problem::ours("a fault without a name", &fault.status()),
    }
}
