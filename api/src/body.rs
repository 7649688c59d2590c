//! Bodies within limits: JSON is read whole up to 256 KiB, an upload streams through a counter (contract, section 1).

use crate::problem::Problem;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use pictures::BYTES_MAX;
use poem::http::{HeaderValue, Method, header};
use poem::{Body, Request};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest JSON body.
const JSON_BYTES_MAX: usize = 256 * 1024;
/// What a form adds around its file.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Longest upload; what one is taken for that does not say how long it is.
const UPLOAD_BYTES_MAX: usize = BYTES_MAX + FORM_BYTES_MAX;
/// Mebibytes that uploads may hold in memory at once.
const ROOM_MIB: usize = 40;
const MIB: usize = 1024 * 1024;
/// Uploads of one session that are in memory at once.
const UPLOADS_OF_EACH: usize = 2;
/// Longest wait for a place among them.
const PLACE_WITHIN: Duration = Duration::from_secs(10);
/// Longest time a client may take to send a whole body.
const BODY_WITHIN: Duration = Duration::from_secs(60);

/// Most bytes of a refused body that are read and thrown away.
const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest time for that.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

static UPLOADS: LazyLock<Places> = LazyLock::new(|| Places {
    all: Arc::new(Semaphore::new(ROOM_MIB)),
    of_each: Mutex::default(),
    hashing: RandomState::new(),
});

/// The places for uploads: room for the bytes of all, and two for each who asks, so that whoever sends slowly keeps nobody else out.
struct Places {
    all: Arc<Semaphore>,
    of_each: Mutex<HashMap<u64, Weak<Semaphore>>>,
    hashing: RandomState,
}

impl Places {
    /// Theirs first: who waits for a place of their own takes none of all.
    async fn one_for(&self, who: &[u8], bytes: usize) -> Option<Place> {
        let room = u32::try_from(bytes.div_ceil(MIB)).ok()?;
        let own = self.of(self.hashing.hash_one(who)).acquire_owned().await;
        let of_all = Arc::clone(&self.all);
        let of_all = of_all.acquire_many_owned(room).await;
        Some(Place(Arc::new((own.ok()?, of_all.ok()?))))
    }

    fn of(&self, who: u64) -> Arc<Semaphore> {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = of_each.get(&who).and_then(Weak::upgrade) {
            return places;
        }
        of_each.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(UPLOADS_OF_EACH));
        of_each.insert(who, Arc::downgrade(&places));
        places
    }
}

/// Whether the body of a request broke its limit while it was read. Kept beside the request, because the framework
/// turns the error of a stream into text.
#[derive(Debug, Clone, Default)]
pub(crate) struct OverLimit(Arc<AtomicBool>);

impl OverLimit {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A place among the uploads whose bytes are in memory. Whoever works on the bytes keeps it, so that a client who
/// hangs up does not make room for more while they are still there.
#[derive(Debug, Clone)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "held, not read")]
    Arc<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
);

/// The request with a body that cannot grow beyond its limit.
pub(crate) async fn bounded(request: Request) -> Result<Request, Problem> {
    let takes_a_body = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    );
    if !takes_a_body {
        return Ok(request);
    }
    if is_multipart(&request) {
        return upload(request).await;
    }
    json(request).await
}

fn is_multipart(request: &Request) -> bool {
    let kind = request.content_type().unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("multipart/")
}

/// The length the client announces, nothing where it tells none: then, and where it lies, the limit is found while the body is read.
fn announced(request: &Request) -> Option<usize> {
    request.header(header::CONTENT_LENGTH)?.parse().ok()
}

async fn upload(mut request: Request) -> Result<Request, Problem> {
    let bytes = announced(&request).unwrap_or(UPLOAD_BYTES_MAX);
    if bytes > UPLOAD_BYTES_MAX {
        drain(Box::pin(request.take_body().into_bytes_stream())).await;
        return Err(Problem::FileTooLarge);
    }
    // Whoever it is; that the token is good is found out by the route, before it reads the body.
    let who = request.header(header::AUTHORIZATION).unwrap_or_default();
    let waiting = tokio::time::timeout(PLACE_WITHIN, UPLOADS.one_for(who.as_bytes(), bytes));
    let Ok(Some(place)) = waiting.await else {
        return Err(Problem::StorageUnavailable);
    };
    let over = OverLimit::default();
    let body = request.take_body();
    request.set_body(Body::from_bytes_stream(counted(body, over.clone())));
    request.extensions_mut().insert(over);
    request.extensions_mut().insert(place);
    Ok(request)
}

/// Reads on for a while and keeps nothing: a client that is still sending would not see the answer, only a
/// broken connection.
pub(crate) async fn drain<S, E>(mut chunks: S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let reading = async {
        let mut read = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            read += chunk.len();
            if read > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    drop(tokio::time::timeout(DRAINED_WITHIN, reading).await);
}

/// The same bytes, and an error instead of the first one too many or too late.
fn counted(
    body: Body,
    over: OverLimit,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let deadline = tokio::time::Instant::now() + BODY_WITHIN;
    let chunks = Box::pin(body.into_bytes_stream());
    futures::stream::unfold(
        (chunks, 0, over),
        move |(mut chunks, mut read, over)| async move {
            let item = match tokio::time::timeout_at(deadline, chunks.next()).await {
                Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
                Ok(None) => return None,
                Ok(Some(Err(fault))) => Err(fault),
                Ok(Some(Ok(chunk))) => {
                    read += chunk.len();
                    if read > UPLOAD_BYTES_MAX {
                        drain(&mut chunks).await;
                        over.0.store(true, Ordering::Relaxed);
                        Err(std::io::ErrorKind::FileTooLarge.into())
                    } else {
                        Ok(chunk)
                    }
                }
            };
            Some((item, (chunks, read, over)))
        },
    )
}

/// A JSON body, read and found to be JSON; no body at all counts as `{}`.
async fn json(mut request: Request) -> Result<Request, Problem> {
    if announced(&request).is_some_and(|bytes| bytes > JSON_BYTES_MAX) {
        drain(Box::pin(request.take_body().into_bytes_stream())).await;
        return Err(Problem::BodyTooLarge);
    }
    let reading = request.take_body().into_bytes_limit(JSON_BYTES_MAX);
    let body = match tokio::time::timeout(BODY_WITHIN, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(poem::error::ReadBodyError::PayloadTooLarge)) => return Err(Problem::BodyTooLarge),
        Ok(Err(_)) | Err(_) => return Err(Problem::InvalidJson),
    };
    let is_json = request
        .content_type()
        .is_none_or(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    let body = match (body.is_empty(), is_json) {
        (true, _) => Bytes::from_static(b"{}"),
        (false, false) => return Err(Problem::UnsupportedMediaType),
        (false, true) => body,
    };
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return Err(Problem::InvalidJson);
    }
    let kind = HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    request.set_body(Body::from(body));
    Ok(request)
}
