//! TinEye: finds copies of a picture, not other pictures of the same person.

mod wire;

use super::body::{self, Unread};
use super::breaker::Breaker;
use super::patience::{Failed, Repeat, RetryPolicy};
use super::{
    ApiKey, COPIES_MAX, Consent, CopiesFound, ImageSearch, NotSearched, ProviderError, Retry,
};
use async_trait::async_trait;
use bytes::Bytes;
use domain::scan::ProviderFault;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode, header, redirect};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use url::Url;

/// Searches at the same time; TinEye answers 429 to more than a few.
const AT_ONCE: usize = 4;
/// Pages asked for per match: with [`COPIES_MAX`] matches the answer stays far below the size limit.
const BACKLINKS_MAX: usize = 20;
/// Longest pause that is honoured when the engine names one.
const PAUSE_MAX: Duration = Duration::from_secs(600);
const KEY_HEADER: &str = "x-api-key";

/// How to reach TinEye, and the limits of every call.
#[derive(Debug, Clone)]
pub struct TinEyeSettings {
    /// For instance `https://api.tineye.com/rest`, or the sandbox.
    pub base_url: Url,
    /// Absent: nothing is searched, and every search says so.
    pub key: Option<ApiKey>,
    /// Time for one attempt, from connecting to the last byte.
    pub timeout: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Largest answer that is read.
    pub body_bytes_max: usize,
    /// How often a failed attempt is repeated.
    pub retry: RetryPolicy,
}

impl TinEyeSettings {
    /// The limits of rules section 16: 15 seconds, 8 MiB, six attempts within a minute.
    #[must_use]
    pub fn new(base_url: Url, key: Option<ApiKey>) -> Self {
        Self {
            base_url,
            key,
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            body_bytes_max: 8 * 1024 * 1024,
            retry: RetryPolicy::COPY_SEARCH,
        }
    }
}

/// Why no adapter could be made; all of it is found out at the start of the program.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// `main` installs one: `rustls::crypto::ring::default_provider().install_default()`.
    #[error("no TLS provider is installed in this process")]
    NoTlsProvider,
    /// Not `http` or `https`, or without a host.
    #[error("the base address of TinEye is no web address")]
    BadBase,
    /// It holds characters that no header can carry.
    #[error("the key of TinEye cannot be sent in a header")]
    BadKey,
    /// For instance without any root certificates on this machine.
    #[error("no HTTP client could be made")]
    Http(#[source] reqwest::Error),
}

/// The adapter. It holds no picture and no answer beyond the call.
#[derive(Debug)]
pub struct TinEye {
    client: Client,
    search: Url,
    key: Option<header::HeaderValue>,
    settings: TinEyeSettings,
    places: Semaphore,
    breaker: Breaker,
}

#[async_trait]
impl ImageSearch for TinEye {
    fn name(&self) -> &'static str {
        "tineye"
    }

    fn configured(&self) -> bool {
        self.key.is_some()
    }

    async fn find_copies(
        &self,
        jpeg: Bytes,
        consent: &dyn Consent,
    ) -> Result<CopiesFound, NotSearched> {
        let Some(key) = &self.key else {
            let fault = ProviderFault::NotConfigured;
            return Err(ProviderError::lasting(fault, "no key").into());
        };
        self.breaker.admit(Instant::now())?;
        // The place is kept while waiting for the next attempt: an engine in trouble is asked less.
        let _place = self.place().await?;
        let limit = self.settings.timeout;
        let attempt = || self.attempt(key, &jpeg, consent);
        let found = self.settings.retry.run(limit, attempt).await;
        match &found {
            Ok(Some(_)) => self.breaker.note(Ok(()), Instant::now()),
            Err(error) => self.breaker.note(Err(error.fault), Instant::now()),
            Ok(None) => {}
        }
        found?.ok_or(NotSearched::NotAllowed)
    }
}

impl TinEye {
    /// Makes the adapter. No call is made yet.
    ///
    /// # Errors
    /// [`NoClient`], for the operator to read.
    pub fn new(settings: TinEyeSettings) -> Result<Self, NoClient> {
        // reqwest would panic instead.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(NoClient::NoTlsProvider);
        }
        let key = match &settings.key {
            Some(key) => Some(key.header().ok_or(NoClient::BadKey)?),
            None => None,
        };
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            // Her picture and our key go to this one host, wherever it may point to.
            .redirect(redirect::Policy::none())
            .user_agent("vara")
            .build()
            .map_err(NoClient::Http)?;
        Ok(Self {
            client,
            search: search_address(&settings.base_url).ok_or(NoClient::BadBase)?,
            key,
            settings,
            places: Semaphore::new(AT_ONCE),
            breaker: Breaker::default(),
        })
    }

    async fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ProviderError> {
        match tokio::time::timeout(self.settings.timeout, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(ProviderError::passing(
                ProviderFault::RateLimited,
                "not asked: too many searches of our own are under way",
            )),
        }
    }

    /// One call, unless consent no longer holds. A time-out is repeated although the search may have been paid for: the answer is
    /// lost either way, and section 16 of the rules counts it among what is retried.
    async fn attempt(
        &self,
        key: &header::HeaderValue,
        jpeg: &Bytes,
        consent: &dyn Consent,
    ) -> Result<Option<CopiesFound>, Failed> {
        if !consent.holds().await {
            return Ok(None);
        }
        let call = self.call(key, jpeg);
        match tokio::time::timeout(self.settings.timeout, call).await {
            Ok(outcome) => outcome.map(Some),
            Err(_) => {
                Err(ProviderError::passing(ProviderFault::Timeout, "no answer in time").into())
            }
        }
    }

    async fn call(&self, key: &header::HeaderValue, jpeg: &Bytes) -> Result<CopiesFound, Failed> {
        let length = jpeg.len() as u64;
        let part = Part::stream_with_length(jpeg.clone(), length)
            // Never the name that she gave the file.
            .file_name("image.jpg")
            .mime_str("image/jpeg")
            .map_err(unsent)?;
        let answer = self
            .client
            .post(self.search.clone())
            .header(KEY_HEADER, key.clone())
            .multipart(Form::new().part("image_upload", part))
            .send()
            .await
            .map_err(unsent)?;
        if answer.status() != StatusCode::OK {
            let pause = pause_asked_for(&answer);
            return Err(refused(answer.status().as_u16(), pause).into());
        }
        match body::read_within(answer, self.settings.body_bytes_max).await {
            Ok(body) => understood(&body),
            Err(Unread::Broken(error)) => Err(unsent(error).into()),
            Err(Unread::TooLarge) => {
                let detail = format!("body over {} bytes", self.settings.body_bytes_max);
                Err(ProviderError::lasting(ProviderFault::ProviderError, detail).into())
            }
        }
    }
}

/// The address of the search call with our own limits: `limit=0` would mean "everything".
fn search_address(base: &Url) -> Option<Url> {
    if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
        return None;
    }
    let mut address = base.clone();
    address.set_fragment(None);
    address
        .path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["search", ""]);
    address
        .query_pairs_mut()
        .clear()
        .append_pair("limit", &COPIES_MAX.to_string())
        .append_pair("backlink_limit", &BACKLINKS_MAX.to_string())
        .append_pair("sort", "score")
        .append_pair("order", "desc");
    Some(address)
}

fn understood(body: &[u8]) -> Result<CopiesFound, Failed> {
    match wire::read(body) {
        Ok(found) => Ok(found),
        Err(wire::NoFindings::Code(code)) => Err(refused(code, None).into()),
        Err(wire::NoFindings::Malformed(what)) => Err(Failed {
            error: ProviderError::lasting(ProviderFault::ProviderError, what),
            repeat: Repeat::Once,
        }),
    }
}

/// What a status other than 200 means (rules, section 16).
fn refused(status: u16, pause: Option<Duration>) -> ProviderError {
    let detail = format!("answered {status}");
    match status {
        400 => ProviderError::lasting(ProviderFault::InvalidImage, detail),
        401 | 403 => ProviderError::lasting(ProviderFault::InvalidKey, detail),
        402 => ProviderError::lasting(ProviderFault::QuotaExhausted, detail),
        429 => ProviderError {
            fault: ProviderFault::RateLimited,
            retry: Retry::TryAgain { after: pause },
            detail,
        },
        500.. => ProviderError {
            fault: ProviderFault::ProviderError,
            retry: Retry::TryAgain { after: pause },
            detail,
        },
        _ => ProviderError::lasting(ProviderFault::ProviderError, detail),
    }
}

/// TinEye documents no `Retry-After`; a proxy before it may send one. Dates are left unread.
fn pause_asked_for(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let pause = Duration::from_secs(seconds.trim().parse().ok()?);
    Some(pause.min(PAUSE_MAX))
}

/// The error's own text names the address, so only its class is told.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unsent(error: reqwest::Error) -> ProviderError {
    if error.is_timeout() && !error.is_connect() {
        ProviderError::passing(ProviderFault::Timeout, "no answer in time")
    } else if error.is_builder() {
        ProviderError::lasting(
            ProviderFault::ProviderError,
            "the request could not be made",
        )
    } else if error.is_connect() {
        ProviderError::passing(ProviderFault::Network, "no connection")
    } else {
        ProviderError::passing(ProviderFault::Network, "the connection broke")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_address_carries_our_limits_and_never_a_key() {
        for base in [
            "https://api.tineye.com/rest",
            "https://api.tineye.com/rest/?api_key=x#y",
        ] {
            let address = search_address(&Url::parse(base).unwrap()).unwrap();
            assert_eq!(
                address.as_str(),
                "https://api.tineye.com/rest/search/?limit=50&backlink_limit=20&sort=score&order=desc"
            );
        }
        assert!(search_address(&Url::parse("ftp://a.test/").unwrap()).is_none());
        assert!(search_address(&Url::parse("data:,x").unwrap()).is_none());
    }

    #[test]
    fn every_status_means_what_the_table_says() {
        // rules section 16, PRV-4
        use ProviderFault::{InvalidImage, InvalidKey, ProviderError, QuotaExhausted, RateLimited};
        let table = [
            (400, InvalidImage, false),
            (401, InvalidKey, false),
            (402, QuotaExhausted, false),
            (403, InvalidKey, false),
            (404, ProviderError, false),
            (302, ProviderError, false),
            (429, RateLimited, true),
            (500, ProviderError, true),
            (520, ProviderError, true),
        ];
        for (status, fault, again) in table {
            let error = refused(status, None);
            assert_eq!(error.fault, fault, "{status}");
            assert_eq!(error.retry != Retry::GiveUp, again, "{status}");
        }
    }
}
