//! How a model host of the operator's is reached, within which limits, and why it cannot be.

use crate::providers::{ApiKey, RetryPolicy};
use std::time::Duration;
use url::Url;

/// How to reach a model host, and the limits of every call.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// For instance `http://127.0.0.1:8001`; it must lie in the operator's own network.
    pub base_url: Url,
    /// Sent as `Authorization: Bearer`, where the host wants one.
    pub token: Option<ApiKey>,
    /// Time for one attempt, from connecting to the last byte.
    pub timeout: Duration,
    /// The same while the host has not worked yet: its first call loads the model, which takes tens of seconds.
    pub first_timeout: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for an answer about its health.
    pub health_timeout: Duration,
    /// Largest answer that is read.
    pub body_bytes_max: usize,
    /// How often a failed attempt is repeated.
    pub retry: RetryPolicy,
}

impl HostSettings {
    /// The limits of rules section 16. A vector of 512 numbers takes some 12 kB as text, so 1 MiB is room for many faces.
    #[must_use]
    pub fn new(base_url: Url, token: Option<ApiKey>) -> Self {
        Self {
            base_url,
            token,
            timeout: Duration::from_secs(30),
            first_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            health_timeout: Duration::from_secs(5),
            body_bytes_max: 1024 * 1024,
            retry: RetryPolicy::MODEL_HOST,
        }
    }
}

/// Why a model host cannot be asked; all of it is found out at the start of the program.
#[derive(Debug, thiserror::Error)]
pub enum NoModelHost {
    /// `main` installs one: `rustls::crypto::ring::default_provider().install_default()`.
    #[error("no TLS provider is installed in this process")]
    NoTlsProvider,
    /// Not `http` or `https`, or without a host.
    #[error("the address of the model host is no web address")]
    BadBase,
    /// A public address: pictures would leave the house without her being asked.
    #[error("the address of the model host is not in a network of your own (loopback or private)")]
    NotOwn,
    /// It holds characters that no header can carry.
    #[error("the token of the model host cannot be sent in a header")]
    BadToken,
    /// For instance without any root certificates on this machine.
    #[error("no HTTP client could be made")]
    Http(#[source] reqwest::Error),
}
