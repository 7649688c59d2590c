//! The HTTP side: lets the key decide, reads the picture and the parameters, writes the answer.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use poem::http::{Method, StatusCode, header};
use poem::web::Multipart;
use poem::{Endpoint, FromRequest as _, Request, Response};
use serde_json::Value;

use crate::faults::{self, Fault};
use crate::question::Question;
use crate::shelf::Shelf;
use crate::{body, edge, search, web, wire};

/// Largest request: a picture of 10 MiB and generous room around it.
const BODY_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Searches in the bundle that every start of the sandbox buys, for nothing.
const BUNDLE: u64 = 1_000_000;
/// Searches for which `flaky` remembers that it has failed them once.
const FAILED_ONCE_MAX: usize = 1_024;
const KEY_HEADER: &str = "x-api-key";

/// A status and a sentence.
type Refusal = (u16, &'static str);
type Parameters = HashMap<String, String>;

/// Serves every path of the service.
#[derive(Debug)]
pub(crate) struct Door {
    shelf: Arc<Shelf>,
    opened: DateTime<Utc>,
    searches_left: AtomicU64,
    /// Pictures that `flaky` failed once, as numbers that mean nothing in any other process.
    failed_once: Mutex<HashSet<u64>>,
    chance: RandomState,
}

enum Call {
    Search,
    SearchesLeft,
    ImageCount,
}

/// The picture that is searched for.
enum Asked {
    Bytes(Vec<u8>),
    Address(String),
}

impl Door {
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {
            shelf: Arc::new(Shelf::open(folder)?),
            opened: edge::now(),
            searches_left: AtomicU64::new(BUNDLE),
            failed_once: Mutex::default(),
            chance: RandomState::new(),
        })
    }

    async fn answer(
        &self,
        request: Request,
        query: Parameters,
        fault: Option<Fault>,
    ) -> Result<Value, Refusal> {
        match Call::named(&request)? {
            Call::Search => self.search(request, query, fault).await,
            Call::SearchesLeft => {
                let left = self.searches_left.load(Ordering::Relaxed);
                let left = if fault == Some(Fault::Broke) { 0 } else { left };
                Ok(wire::searches_left(left, self.opened))
            }
            Call::ImageCount => {
                let shelf = Arc::clone(&self.shelf);
                blocking(move || Ok(wire::image_count(shelf.web().len()))).await
            }
        }
    }

    async fn search(
        &self,
        request: Request,
        query: Parameters,
        fault: Option<Fault>,
    ) -> Result<Value, Refusal> {
        if fault == Some(Fault::Broke) || self.searches_left.load(Ordering::Relaxed) == 0 {
            return Err((402, "There are no searches left in your bundles."));
        }
        let begun = Instant::now();
        let (asked, parameters) = read(request, query).await?;
        let question = Question::read(&parameters).map_err(|what| (400, what))?;
        if fault == Some(Fault::Flaky) && self.fails_this_time(&asked) {
            return Err((503, "The service is not available right now."));
        }
        let shelf = Arc::clone(&self.shelf);
        let found = blocking(move || find(&shelf, asked, &question)).await?;
        // Only a search that succeeded is paid for. Two at once may both take the last one.
        self.searches_left.fetch_sub(1, Ordering::Relaxed);
        Ok(wire::found(&found, begun.elapsed().as_secs_f64()))
    }

    /// Every other time for the same picture, beginning with the first.
    fn fails_this_time(&self, asked: &Asked) -> bool {
        let picture = match asked {
            Asked::Bytes(bytes) => self.chance.hash_one(bytes),
            Asked::Address(address) => self.chance.hash_one(address),
        };
        let mut failed = self
            .failed_once
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if failed.remove(&picture) {
            return false;
        }
        if failed.len() >= FAILED_ONCE_MAX {
            failed.clear();
        }
        failed.insert(picture)
    }
}

impl Endpoint for Door {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let query: Parameters = request.params().unwrap_or_default();
        let pretty = query.get("pretty").is_some_and(|text| text == "true");
        // Read to its end before anything is answered: whoever still writes may never read the answer.
        match request.take_body().into_bytes_limit(BODY_BYTES_MAX).await {
            Ok(body) => request.set_body(body),
            Err(_) => {
                return Ok(refused(
                    (400, "The upload is too large or broke off."),
                    pretty,
                ));
            }
        }
        let fault = match faults::of_key(request.header(KEY_HEADER), &query) {
            Ok(fault) => fault,
            Err(message) => return Ok(refused((401, message), pretty)),
        };
        match fault {
            Some(Fault::Busy) => {
                let mut response = refused((429, "Too many simultaneous searches."), pretty);
                let second = header::HeaderValue::from_static("1");
                response.headers_mut().insert(header::RETRY_AFTER, second);
                return Ok(response);
            }
            Some(Fault::Html(fine)) => return Ok(html(fine)),
            Some(Fault::Huge) => return Ok(Response::builder().body(body::huge())),
            Some(Fault::Down) => return Ok(body::broken()),
            Some(Fault::Slow(wait)) => tokio::time::sleep(wait).await,
            Some(Fault::Broke | Fault::Cut | Fault::Flaky) | None => {}
        }
        Ok(match self.answer(request, query, fault).await {
            Ok(answer) if fault == Some(Fault::Cut) => cut(&answer),
            Ok(answer) => json(StatusCode::OK, &answer, pretty),
            Err(refusal) => refused(refusal, pretty),
        })
    }
}

impl Call {
    /// Doubled slashes are normalised, since a published client sends them.
    fn named(request: &Request) -> Result<Self, Refusal> {
        let parts: Vec<&str> = request
            .uri()
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let ["rest", name] = parts.as_slice() else {
            return Err((404, "There is no such method."));
        };
        match (*name, request.method()) {
            ("search", &Method::GET | &Method::POST) => Ok(Self::Search),
            ("remaining_searches", &Method::GET) => Ok(Self::SearchesLeft),
            ("image_count", &Method::GET) => Ok(Self::ImageCount),
            ("search" | "remaining_searches" | "image_count", _) => {
                Err((405, "This method is not asked for in this way."))
            }
            _ => Err((404, "There is no such method.")),
        }
    }
}

/// The picture, and the parameters of query and form together.
async fn read(
    request: Request,
    mut parameters: Parameters,
) -> Result<(Asked, Parameters), Refusal> {
    if request.method() == Method::GET {
        let address = parameters
            .remove("image_url")
            .ok_or((400, "image_url is missing."))?;
        return Ok((Asked::Address(address), parameters));
    }
    let no_form = |_| (400, "The upload is not a form with parts.");
    let (request, mut form) = request.split();
    let mut form = Multipart::from_request(&request, &mut form)
        .await
        .map_err(no_form)?;
    let no_part = |_| (400, "A part of the upload cannot be read.");
    let mut picture = None;
    while let Some(part) = form.next_field().await.map_err(no_part)? {
        match part.name().map(str::to_owned) {
            Some(name) if name == "image_upload" => {
                picture = Some(part.bytes().await.map_err(no_part)?)
            }
            Some(name) => {
                parameters.insert(name, part.text().await.map_err(no_part)?);
            }
            None => {}
        }
    }
    let asked = match (picture, parameters.remove("image_url")) {
        (Some(bytes), _) => Asked::Bytes(bytes),
        (None, Some(address)) => Asked::Address(address),
        (None, None) => return Err((400, "image_upload is missing.")),
    };
    Ok((asked, parameters))
}

fn find(shelf: &Shelf, asked: Asked, question: &Question) -> Result<search::Found, Refusal> {
    let web = shelf.web();
    let bytes = match asked {
        Asked::Bytes(bytes) => bytes,
        // Nothing is fetched: whoever reaches this sandbox must not reach further through it.
        Asked::Address(address) => web
            .picture_at(shelf.folder(), &address)
            .ok_or((400, "The picture at this address cannot be downloaded."))?,
    };
    let picture =
        pictures::decode(&bytes).map_err(|_| (400, "This cannot be read as a picture."))?;
    let print =
        web::fingerprint(&picture).ok_or((400, "The picture is too small or too simple."))?;
    Ok(search::search(&web, &print, question))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        tracing::error!("a search of the sandbox broke off");
        Err((500, "Something went wrong."))
    })
}

fn refused((code, message): Refusal, pretty: bool) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &wire::refusal(code, message), pretty)
}

fn json(status: StatusCode, body: &Value, pretty: bool) -> Response {
    let text = if pretty {
        format!("{body:#}")
    } else {
        body.to_string()
    };
    Response::builder()
        .status(status)
        .content_type("application/json")
        .body(text)
}

fn html(fine: bool) -> Response {
    let status = if fine {
        StatusCode::OK
    } else {
        StatusCode::BAD_GATEWAY
    };
    Response::builder()
        .status(status)
        .content_type("text/html")
        .body(body::HTML)
}

/// The stated length is that of the half, so only its reader can notice.
fn cut(answer: &Value) -> Response {
    let mut bytes = answer.to_string().into_bytes();
    bytes.truncate(bytes.len() / 2);
    Response::builder()
        .content_type("application/json")
        .body(bytes)
}
