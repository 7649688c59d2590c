//! Asks the identity provider in its own protocol (Supabase Auth): the embedded one, or a real one.

use crate::problem::Problem;
use domain::ids::UserId;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read: a session with its user is about 3 kB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Who signs people in.
#[derive(Clone)]
pub struct Identity {
    http: Client,
    base: Url,
    key: Option<String>,
}

/// What signing up leads to.
pub enum SignedUp {
    /// The account is there and may sign in.
    Ready(Account),
    /// A mail was sent; the account is there once she follows it.
    ByMail,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.base)
    }
}

/// A session as the provider hands it out. Deliberately without `Debug`.
#[derive(Deserialize)]
pub struct Session {
    /// The bearer token.
    pub access_token: String,
    /// Good for one renewal.
    pub refresh_token: String,
    /// When the bearer token ends, in seconds since 1970.
    pub expires_at: i64,
    /// Whose.
    pub user: Account,
}

/// The provider's view of a person. Deliberately without `Debug`.
#[derive(Deserialize)]
pub struct Account {
    /// Her id.
    pub id: UserId,
    /// The address she signs in with.
    pub email: String,
    /// When she proved that it is hers.
    pub email_confirmed_at: Option<String>,
}

/// Why the provider did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityFault {
    /// It refused, with a code of its protocol.
    Refused(String),
    /// It does not answer.
    Unavailable,
}

#[derive(Deserialize)]
struct RefusedBody {
    error_code: Option<String>,
    code: Option<Value>,
    error: Option<String>,
}

impl Identity {
    /// Speaks to the provider whose routes begin at `base`, as `http://127.0.0.1:8080/auth/v1`; hosted ones want
    /// their public key with every call.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: Url, key: Option<String>) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base, key })
    }

    pub(crate) async fn sign_up(
        &self,
        email: &str,
        password: &str,
    ) -> Result<SignedUp, IdentityFault> {
        let body = json!({ "email": email, "password": password });
        let answer: Value = self.ask(Method::POST, "signup", None, Some(body)).await?;
        // A session where sign-up is confirmed at once, else the bare user.
        match Session::deserialize(&answer) {
            Ok(session) => Ok(SignedUp::Ready(session.user)),
            Err(_) if answer["id"].is_string() => Ok(SignedUp::ByMail),
            Err(_) => Err(IdentityFault::Unavailable),
        }
    }

    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: &str,
    ) -> Result<Session, IdentityFault> {
        let body = json!({ "email": email, "password": password });
        self.ask(Method::POST, "token?grant_type=password", None, Some(body))
            .await
    }

    pub(crate) async fn renew(&self, refresh_token: &str) -> Result<Session, IdentityFault> {
        let body = json!({ "refresh_token": refresh_token });
        self.ask(
            Method::POST,
            "token?grant_type=refresh_token",
            None,
            Some(body),
        )
        .await
    }

    pub(crate) async fn sign_out(&self, token: &str) -> Result<(), IdentityFault> {
        let nothing: Result<Value, _> = self
            .ask(Method::POST, "logout?scope=local", Some(token), None)
            .await;
        nothing.map(drop)
    }

    /// The account behind a token, if its session still lives.
    pub(crate) async fn account(&self, token: &str) -> Result<Account, IdentityFault> {
        self.ask(Method::GET, "user", Some(token), None).await
    }

    pub(crate) async fn keys(&self) -> Result<JwkSet, IdentityFault> {
        self.ask(Method::GET, ".well-known/jwks.json", None, None)
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        call: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<T, IdentityFault> {
        let url = format!("{}/{call}", self.base.as_str().trim_end_matches('/'));
        let mut request = self.http.request(method, url);
        if let Some(key) = &self.key {
            request = request.header("apikey", key);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let answer = read(response).await?;
        if status == StatusCode::NO_CONTENT {
            return serde_json::from_str("null").map_err(|_| IdentityFault::Unavailable);
        }
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|_| IdentityFault::Unavailable);
        }
        // Busy is not "wrong password": 408, 409, 425 and 429 say nothing about what was asked.
        if status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 425 | 429) {
            tracing::warn!(%status, "the identity provider could not answer");
            return Err(IdentityFault::Unavailable);
        }
        Err(IdentityFault::Refused(code(&answer)))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, IdentityFault> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
        if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(IdentityFault::Unavailable);
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// The provider's word for a refusal; clients match on it, never on text or status.
fn code(answer: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<RefusedBody>(answer) else {
        return String::new();
    };
    let newer = body.code.and_then(|code| code.as_str().map(str::to_owned));
    body.error_code.or(newer).or(body.error).unwrap_or_default()
}

fn unavailable(fault: reqwest::Error) -> IdentityFault {
    tracing::warn!(fault = %fault.without_url(), "the identity provider does not answer");
    IdentityFault::Unavailable
}

impl IdentityFault {
    /// The problem it is on a route where a refusal means this one.
    pub(crate) fn or(self, refused: Problem) -> Problem {
        match self {
            Self::Refused(_) => refused,
            Self::Unavailable => Problem::AuthUnavailable,
        }
    }
}
