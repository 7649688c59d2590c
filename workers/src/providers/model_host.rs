//! A host of the operator's own that runs models: how it is reached, when it is believed to be well, and what is repeated.
//!
//! Rules, section 16, row "model host": 5 s for its health, 30 s for work, two attempts, half a second between them;
//! network and 5xx are repeated, 4xx are not.

mod settings;

pub use settings::{HostSettings, NoModelHost};

use super::body::{self, Unread};
use super::own_network::{may_be_own, resolver};
use super::patience::{Failed, Repeat};
use super::{Consent, ProviderError};
use bytes::Bytes;
use domain::scan::ProviderFault;
use reqwest::{Client, header, redirect};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

/// Pictures that a host works on at once: it is one process bound to its processor.
const AT_ONCE: usize = 2;
/// How long a good answer about its health is trusted (PRV-1).
const WELL_FOR: Duration = Duration::from_secs(60);
/// How long a bad one is (PRV-1).
const UNWELL_FOR: Duration = Duration::from_secs(5);

/// One host. It holds no picture and no answer beyond the call.
#[derive(Debug)]
pub(super) struct ModelHost {
    client: Client,
    settings: HostSettings,
    token: Option<header::HeaderValue>,
    health_path: &'static str,
    places: Semaphore,
    health: Mutex<Option<(Instant, bool)>>,
    /// It was well when it was last asked.
    well: AtomicBool,
    /// It has done work since it was last found to be another one than we think.
    warm: AtomicBool,
}

impl ModelHost {
    /// Makes the client. No call is made yet.
    pub fn new(settings: HostSettings, health_path: &'static str) -> Result<Self, NoModelHost> {
        // reqwest would panic instead.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(NoModelHost::NoTlsProvider);
        }
        let base = &settings.base_url;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(NoModelHost::BadBase);
        }
        if !may_be_own(base) {
            return Err(NoModelHost::NotOwn);
        }
        let token = match &settings.token {
            Some(token) => Some(token.bearer().ok_or(NoModelHost::BadToken)?),
            None => None,
        };
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .redirect(redirect::Policy::none())
            // A proxy would look names up elsewhere, and carry pictures there.
            .no_proxy()
            .dns_resolver(resolver())
            .user_agent("vara")
            .build()
            .map_err(NoModelHost::Http)?;
        Ok(Self {
            client,
            settings,
            token,
            health_path,
            places: Semaphore::new(AT_ONCE),
            health: Mutex::new(None),
            well: AtomicBool::new(false),
            warm: AtomicBool::new(false),
        })
    }

    /// It is well, and it has worked.
    pub fn is_available(&self) -> bool {
        self.well.load(Ordering::Relaxed) && self.is_warm()
    }

    pub fn is_warm(&self) -> bool {
        self.warm.load(Ordering::Relaxed)
    }

    /// How long to wait before its health is worth asking again.
    pub fn trusted_for(&self) -> Duration {
        if self.is_available() {
            WELL_FOR
        } else {
            UNWELL_FOR
        }
    }

    /// Whether it says that it is well; asked again when the last answer is no longer trusted (PRV-1).
    pub async fn is_well(&self) -> bool {
        let mut known = self.health.lock().await;
        if let Some((at, well)) = *known
            && at.elapsed() < if well { WELL_FOR } else { UNWELL_FOR }
        {
            return well;
        }
        let well = self.says_well().await;
        self.learnt(&mut known, well);
        well
    }

    fn learnt(&self, known: &mut Option<(Instant, bool)>, well: bool) {
        *known = Some((Instant::now(), well));
        if self.well.swap(well, Ordering::Relaxed) != well {
            tracing::info!(well, "a model host changed its health");
        }
    }

    async fn says_well(&self) -> bool {
        let Some(address) = self.address(self.health_path) else {
            return false;
        };
        let asked = self.with_token(self.client.get(address)).send();
        let answer = tokio::time::timeout(self.settings.health_timeout, asked).await;
        matches!(answer, Ok(Ok(answer)) if answer.status().is_success())
    }

    /// Posts JSON and has the answer read; nothing where consent does not hold, which is asked before every attempt.
    ///
    /// `read` gets the bodies of 200, 400 and 422: what those mean differs between hosts.
    pub async fn ask<T>(
        &self,
        path: &str,
        json: Bytes,
        consent: Option<&dyn Consent>,
        read: impl Fn(u16, &[u8]) -> Result<T, Failed>,
    ) -> Result<Option<T>, ProviderError> {
        if !self.is_well().await {
            return Err(passing(
                ProviderFault::Network,
                "not asked: the host is not well",
            ));
        }
        let limit = match self.is_warm() {
            true => self.settings.timeout,
            false => self.settings.first_timeout,
        };
        let place = tokio::time::timeout(limit, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(passing(
                ProviderFault::RateLimited,
                "not asked: too many of our own calls are under way",
            ));
        };
        let attempt = || self.attempt(path, &json, consent, limit, &read);
        let answer = self.settings.retry.run(limit, attempt).await;
        self.note(&answer).await;
        answer
    }

    async fn note<T>(&self, answer: &Result<Option<T>, ProviderError>) {
        match answer.as_ref().map_err(|error| error.fault) {
            Ok(Some(_)) => self.warm.store(true, Ordering::Relaxed),
            // A host that judged the picture works; nothing was asked without consent.
            Ok(None) | Err(ProviderFault::InvalidImage | ProviderFault::RateLimited) => {}
            Err(ProviderFault::Network | ProviderFault::Timeout) => {
                let mut known = self.health.lock().await;
                self.learnt(&mut known, false);
            }
            Err(
                ProviderFault::InvalidKey
                | ProviderFault::QuotaExhausted
                | ProviderFault::NotConfigured,
            ) => {
                self.warm.store(false, Ordering::Relaxed);
            }
            // An answer that makes no sense may be the picture's doing, so it says nothing of the host.
            Err(ProviderFault::ProviderError) => {}
        }
    }

    async fn attempt<T>(
        &self,
        path: &str,
        json: &Bytes,
        consent: Option<&dyn Consent>,
        limit: Duration,
        read: &impl Fn(u16, &[u8]) -> Result<T, Failed>,
    ) -> Result<Option<T>, Failed> {
        if let Some(consent) = consent
            && !consent.holds().await
        {
            return Ok(None);
        }
        match tokio::time::timeout(limit, self.call(path, json, read)).await {
            Ok(answer) => answer.map(Some),
            Err(_) => Err(passing(ProviderFault::Timeout, "no answer in time").into()),
        }
    }

    async fn call<T>(
        &self,
        path: &str,
        json: &Bytes,
        read: &impl Fn(u16, &[u8]) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let lasting = |detail: &str| ProviderError::lasting(ProviderFault::ProviderError, detail);
        let address = self.address(path).ok_or_else(|| lasting("no address"))?;
        let request = self
            .client
            .post(address)
            .header(header::CONTENT_TYPE, "application/json");
        let sent = self.with_token(request).body(json.clone()).send().await;
        let answer = sent.map_err(|fault| unsent(&fault))?;
        let status = answer.status().as_u16();
        if !matches!(status, 200 | 400 | 422) {
            return Err(refused(status).into());
        }
        match body::read_within(answer, self.settings.body_bytes_max).await {
            Ok(body) => read(status, &body),
            Err(Unread::Broken(fault)) => Err(unsent(&fault).into()),
            Err(Unread::TooLarge) => Err(lasting("the answer is too large").into()),
        }
    }

    fn with_token(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, token.clone()),
            None => request,
        }
    }

    fn address(&self, path: &str) -> Option<Url> {
        let mut address = self.settings.base_url.clone();
        address.set_query(None);
        address.set_fragment(None);
        address
            .path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(path.split('/').filter(|part| !part.is_empty()));
        Some(address)
    }
}

pub(super) fn passing(fault: ProviderFault, detail: &str) -> ProviderError {
    ProviderError::passing(fault, detail)
}

/// An answer that is none; asked for once more, because a host that is starting answers oddly for a moment.
pub(super) fn malformed(what: &str) -> Failed {
    Failed {
        error: ProviderError::lasting(ProviderFault::ProviderError, what),
        repeat: Repeat::Once,
    }
}

/// What a status means that is read alike on every host (rules, section 16).
fn refused(status: u16) -> ProviderError {
    let detail = format!("answered {status}");
    match status {
        401 | 403 => ProviderError::lasting(ProviderFault::InvalidKey, detail),
        429 => ProviderError::passing(ProviderFault::RateLimited, detail),
        500.. => ProviderError::passing(ProviderFault::ProviderError, detail),
        _ => ProviderError::lasting(ProviderFault::ProviderError, detail),
    }
}

/// The error's own text names the address, so only its class is told.
fn unsent(error: &reqwest::Error) -> ProviderError {
    if error.is_builder() {
        ProviderError::lasting(
            ProviderFault::ProviderError,
            "the request could not be made",
        )
    } else if error.is_connect() {
        passing(ProviderFault::Network, "no connection")
    } else {
        passing(ProviderFault::Network, "the connection broke")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Retry;

    #[test]
    fn every_status_means_what_the_table_says() {
        // rules section 16: 4xx are not repeated, 5xx are
        use ProviderFault::{InvalidKey, ProviderError, RateLimited};
        for (status, fault, again) in [
            (302, ProviderError, false),
            (401, InvalidKey, false),
            (403, InvalidKey, false),
            (404, ProviderError, false),
            (429, RateLimited, true),
            (500, ProviderError, true),
            (503, ProviderError, true),
        ] {
            let error = refused(status);
            assert_eq!(error.fault, fault, "{status}");
            assert_eq!(error.retry != Retry::GiveUp, again, "{status}");
        }
    }

    #[test]
    fn an_address_outside_of_the_own_network_is_refused_at_the_start() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = |url: &str| {
            let settings = HostSettings::new(Url::parse(url).unwrap(), None);
            ModelHost::new(settings, "health").map(drop)
        };
        assert!(matches!(host("http://9.9.9.9/"), Err(NoModelHost::NotOwn)));
        assert!(matches!(
            host("ftp://127.0.0.1/"),
            Err(NoModelHost::BadBase)
        ));
        assert!(host("http://127.0.0.1:1/models").is_ok());
    }

    #[test]
    fn paths_are_added_to_what_the_operator_named() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for base in [
            "http://localhost:8001",
            "http://localhost:8001/",
            "http://localhost:8001/?token=x#y",
        ] {
            let settings = HostSettings::new(Url::parse(base).unwrap(), None);
            let host = ModelHost::new(settings, "").unwrap();
            let address = host.address("api/v1/clip/embed").unwrap();
            assert_eq!(address.as_str(), "http://localhost:8001/api/v1/clip/embed");
        }
    }
}
