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
#[derive(Debug, Clone)]
pub struct Identity {
    http: Client,
    base: Url,
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
    /// Speaks to the provider whose routes begin at `base`, as `http://127.0.0.1:8080/auth/v1`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: Url) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base })
    }

    pub(crate) async fn sign_up(
        &self,
        email: &str,
        password: &str,
    ) -> Result<Account, IdentityFault> {
        let body = json!({ "email": email, "password": password });
        let session: Session = self.ask(Method::POST, "signup", None, Some(body)).await?;
        Ok(session.user)
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
        if status.is_server_error() {
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

impl From<IdentityFault> for Problem {
    /// Where a route does not know the refusal better.
    fn from(fault: IdentityFault) -> Self {
        match fault {
            IdentityFault::Refused(code) => {
                Self::ours("the identity provider refused in an unforeseen way", &code)
            }
            IdentityFault::Unavailable => Self::AuthUnavailable,
        }
    }
}
