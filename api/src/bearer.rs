//! Who is asking: checks access tokens here, by the provider's public keys; ended sessions are noticed within
//! 60 seconds (contract, section 3).

use crate::app::App;
use crate::identity::{Identity, IdentityFault};
use crate::problem::Problem;
use domain::ids::UserId;
use jsonwebtoken::jwk::{JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long the provider's keys are trusted without asking again.
const KEYS_KEPT: Duration = Duration::from_secs(600);
/// Least time between two looks for a key that is not known.
const KEYS_ASKED_AGAIN: Duration = Duration::from_secs(30);
/// How long a session is trusted to live without asking again.
const SESSION_KEPT: Duration = Duration::from_secs(60);
/// Most sessions that are remembered.
const SESSIONS_MAX: usize = 50_000;
/// Clocks may differ by this much, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The member.
    pub user: UserId,
    /// Whether the provider knows her address to be hers (USR-4).
    pub email_verified: bool,
}

/// A signed-in member.
#[derive(SecurityScheme)]
#[oai(
    rename = "bearer",
    ty = "bearer",
    bearer_format = "JWT",
    checker = "check"
)]
pub struct Member(pub Caller);

/// The claims that are looked at. Deliberately without `Debug`.
#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    exp: i64,
    email: String,
    role: String,
    session_id: Uuid,
    #[serde(default)]
    is_anonymous: bool,
}

async fn check(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    let app = App::of(request)?;
    let (caller, email) = app.verifier.verify(&bearer.token).await?;
    crate::users::be_known(app, caller.user, &email).await?;
    Ok(caller)
}

/// Checks tokens.
#[derive(Debug)]
pub struct Verifier {
    identity: Identity,
    issuer: String,
    keys: tokio::sync::Mutex<Keys>,
    sessions: Mutex<HashMap<Uuid, (Instant, bool)>>,
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<JwkSet>,
    asked: Option<Instant>,
}

impl Verifier {
    pub(crate) fn new(identity: Identity, issuer: &str) -> Self {
        Self {
            identity,
            issuer: issuer.to_owned(),
            keys: tokio::sync::Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    async fn verify(&self, token: &str) -> Result<(Caller, String), Problem> {
        let claims = self.claims(token).await?;
        let email_verified = self.session_lives(token, claims.session_id).await?;
        let user = claims.sub.into();
        let caller = Caller {
            user,
            email_verified,
        };
        Ok((caller, claims.email))
    }

    /// Ends the memory of a session, so that signing out works at once in this process.
    pub(crate) async fn forget(&self, token: &str) {
        if let Ok(claims) = self.claims(token).await {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.remove(&claims.session_id);
        }
    }

    async fn claims(&self, token: &str) -> Result<Claims, Problem> {
        let header = decode_header(token).map_err(|_| Problem::InvalidToken)?;
        let kid = header.kid.ok_or(Problem::InvalidToken)?;
        let (algorithm, key) = self.key(&kid).await?;
        let mut rules = Validation::new(algorithm);
        rules.set_audience(&["authenticated"]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.leeway = LEEWAY_SECONDS;
        match decode::<Claims>(token, &key, &rules) {
            Ok(token) if token.claims.role != "authenticated" || token.claims.is_anonymous => {
                Err(Problem::InvalidToken)
            }
            Ok(token) => Ok(token.claims),
            Err(fault) if matches!(fault.kind(), ErrorKind::ExpiredSignature) => {
                // Signature, audience and issuer were checked before the time was.
                rules.validate_exp = false;
                let expired = decode::<Claims>(token, &key, &rules);
                let expired_at = expired.map_err(|_| Problem::InvalidToken)?.claims.exp;
                Err(Problem::TokenExpired { expired_at })
            }
            Err(_) => Err(Problem::InvalidToken),
        }
    }

    /// The key with this id and the algorithm that the key itself names, never the token's word.
    async fn key(&self, kid: &str) -> Result<(Algorithm, DecodingKey), Problem> {
        let mut keys = self.keys.lock().await;
        let age = keys.asked.map(|asked| asked.elapsed());
        let known = keys.set.as_ref().is_some_and(|set| set.find(kid).is_some());
        let stale = age.is_none_or(|age| age > KEYS_KEPT || (!known && age > KEYS_ASKED_AGAIN));
        if stale || keys.set.is_none() {
            match self.identity.keys().await {
                Ok(set) => {
                    *keys = Keys {
                        set: Some(set),
                        asked: Some(Instant::now()),
                    };
                }
                // The old keys go on being good while the provider is away.
                Err(_) if keys.set.is_some() => {}
                Err(_) => return Err(Problem::AuthUnavailable),
            }
        }
        let key = keys.set.as_ref().and_then(|set| set.find(kid));
        let key = key.ok_or(Problem::InvalidToken)?;
        let algorithm = match key.common.key_algorithm {
            Some(KeyAlgorithm::ES256) => Algorithm::ES256,
            Some(KeyAlgorithm::RS256) => Algorithm::RS256,
            Some(_) | None => return Err(Problem::InvalidToken),
        };
        let key = DecodingKey::from_jwk(key).map_err(|_| Problem::InvalidToken)?;
        Ok((algorithm, key))
    }

    /// Whether the session lives, and whether its address is verified. While the provider is away a good
    /// signature is enough: a woman in danger must not be locked out by an outage.
    async fn session_lives(&self, token: &str, session: Uuid) -> Result<bool, Problem> {
        let remembered = {
            let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.get(&session).copied()
        };
        if let Some((since, verified)) = remembered.filter(|(s, _)| s.elapsed() < SESSION_KEPT) {
            let _ = since;
            return Ok(verified);
        }
        match self.identity.account(token).await {
            Ok(account) => {
                let verified = account.email_confirmed_at.is_some();
                self.remember(session, verified);
                Ok(verified)
            }
            Err(IdentityFault::Unavailable) => Ok(remembered.is_some_and(|(_, v)| v)),
            Err(IdentityFault::Refused(_)) => Err(Problem::InvalidToken),
        }
    }

    fn remember(&self, session: Uuid, verified: bool) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, (since, _)| since.elapsed() < SESSION_KEPT);
        }
        if sessions.len() < SESSIONS_MAX {
            sessions.insert(session, (Instant::now(), verified));
        }
    }
}
