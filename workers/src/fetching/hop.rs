//! One request to addresses that were checked, with a client that knows no others and follows nothing by itself.

use super::address::{Place, Target};
use super::resolver::Checked;
use super::{Bounds, NotFetched};
use crate::providers::body::{self, Unread};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode, redirect};
use std::error::Error;
use std::io;
use std::net::SocketAddr;

/// Says nothing about who asks: whoever keeps the page may read it in the server's log.
const USER_AGENT: &str = "Mozilla/5.0";
/// What we can read, so that a server that has several forms of a picture sends one of these.
const ACCEPT: &str = "image/jpeg, image/png, image/webp";

/// The last step from a checked address to a connection.
///
/// In production there is one, [`Straight`]. Tests have their servers on loopback, which no check admits: they leave the checks
/// as they are and dial elsewhere.
pub(super) trait Dial: Send + Sync {
    /// Where to connect to for an address that was checked.
    fn at(&self, checked: SocketAddr) -> SocketAddr;

    /// Certificates that are trusted besides those of this machine.
    fn roots(&self) -> Vec<Certificate>;
}

/// Connects to what was checked and trusts whom this machine trusts.
pub(super) struct Straight;

impl Dial for Straight {
    fn at(&self, checked: SocketAddr) -> SocketAddr {
        checked
    }

    fn roots(&self) -> Vec<Certificate> {
        Vec::new()
    }
}

/// What a hop yields.
pub(super) enum Answer {
    /// The body of a 200 that calls itself a picture.
    Body(Vec<u8>),
    /// Where a redirect leads to, as it stands in the answer.
    Elsewhere(String),
}

/// Knows one name and its checked addresses; whatever else it is asked for does not exist.
struct Pinned {
    name: Option<String>,
    addresses: Vec<SocketAddr>,
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let known = self.name.as_deref() == Some(name.as_str());
        let addresses = self.addresses.clone();
        Box::pin(async move {
            if known {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            } else {
                Err(io::Error::from(io::ErrorKind::NotFound).into())
            }
        })
    }
}

/// A client that adds nothing of its own: no redirects, proxies, cookies, referrers, unpacking or second attempts.
pub(super) fn builder(dial: &dyn Dial) -> ClientBuilder {
    Client::builder()
        .tls_certs_merge(dial.roots())
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http1_only()
        .pool_max_idle_per_host(0)
        .user_agent(USER_AGENT)
}

/// Asks for `target` at its checked addresses.
pub(super) async fn ask(
    target: &Target,
    checked: Checked,
    dial: &dyn Dial,
    bounds: &Bounds,
) -> Result<Answer, NotFetched> {
    let client = client(target, &checked, dial, bounds).await?;
    let request = client
        .get(target.url().clone())
        .header(header::ACCEPT, ACCEPT)
        .header(header::ACCEPT_ENCODING, "identity");
    let answer = request.send().await.map_err(|error| unsent(&error))?;
    match answer.status() {
        StatusCode::OK => read(answer, bounds.bytes_max).await,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => elsewhere(answer.headers()),
        other => Err(NotFetched::Status(other.as_u16())),
    }
}

/// One client for each hop: what it may connect to ends with it. Made on a thread that may wait, for it reads certificates.
async fn client(
    target: &Target,
    checked: &Checked,
    dial: &dyn Dial,
    bounds: &Bounds,
) -> Result<Client, NotFetched> {
    let addresses = checked.addresses().iter().map(|at| dial.at(*at));
    let name = match target.host() {
        Place::Name(name) => Some(name.clone()),
        // The HTTP library connects to a literal as it stands; that one was checked. It has no name to ask for.
        Place::Literal(_) => None,
    };
    let pinned = Pinned {
        name,
        addresses: addresses.collect(),
    };
    let builder = builder(dial)
        .dns_resolver(pinned)
        .connect_timeout(bounds.connect);
    let built = tokio::task::spawn_blocking(|| builder.build()).await;
    built
        .map_err(|_| NotFetched::NoClient)?
        .map_err(|_| NotFetched::NoClient)
}

fn elsewhere(headers: &HeaderMap) -> Result<Answer, NotFetched> {
    let location = headers.get(header::LOCATION);
    let text = location.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let text = text.ok_or(NotFetched::BadRedirect)?;
    Ok(Answer::Elsewhere(text.to_owned()))
}

async fn read(answer: Response, bytes_max: usize) -> Result<Answer, NotFetched> {
    let headers = answer.headers();
    if !all_values(headers, &header::CONTENT_ENCODING, |value| {
        value == "identity"
    }) || !all_values(headers, &header::TRANSFER_ENCODING, |value| {
        value == "chunked"
    }) {
        return Err(NotFetched::Encoded);
    }
    if !headers.contains_key(header::CONTENT_TYPE)
        || !all_values(headers, &header::CONTENT_TYPE, |value| {
            value.starts_with("image/")
        })
    {
        return Err(NotFetched::NotDeclaredAPicture);
    }
    match body::read_within(answer, bytes_max).await {
        Ok(bytes) => Ok(Answer::Body(bytes)),
        Err(Unread::TooLarge) => Err(NotFetched::TooLarge),
        Err(Unread::Broken(error)) => Err(unsent(&error)),
    }
}

/// Whether each value of a header, in lower case, is as it should be; a header that is absent has none.
fn all_values(headers: &HeaderMap, name: &HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| {
        let text = value.to_str().unwrap_or_default();
        fits(&text.trim().to_ascii_lowercase())
    })
}

/// The error's own text names the address, so only its class is told.
fn unsent(error: &reqwest::Error) -> NotFetched {
    if is_about_a_certificate(error) {
        NotFetched::Certificate
    } else if error.is_connect() {
        NotFetched::NoConnection
    } else {
        NotFetched::Broken
    }
}

fn is_about_a_certificate(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(error.source(), |&cause| beneath(cause));
    causes.any(|cause| {
        let tls = cause.downcast_ref::<rustls::Error>();
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    })
}

/// What is behind an error. An `io::Error` names as its source what is behind the one it wraps, so it is opened.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let Some(io) = error.downcast_ref::<io::Error>() else {
        return error.source();
    };
    let wrapped = io.get_ref()?;
    Some(wrapped)
}
