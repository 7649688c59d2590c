//! Who is asking: checks access tokens here, by the provider's public keys; ended sessions are noticed within
//! 60 seconds (contract, section 3).

use crate::app::App;
use crate::edge::request_id;
use crate::identity::{Identity, IdentityFault};
use crate::problem::Problem;
use domain::ids::UserId;
use jsonwebtoken::jwk::{JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use poem::Request;
use poem::http::header;
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
/// Least time between two looks for a key that is not known, or at a provider that did not answer: while it is
/// away, requests must not queue up behind it.
const ASKED_AGAIN: Duration = Duration::from_secs(30);
/// How long a session is trusted to live without asking again.
const SESSION_KEPT: Duration = Duration::from_secs(60);
/// How long an ended session is remembered: as long as a token of it can be good.
const TOKEN_LIVES: Duration = Duration::from_secs(3_600);
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
    let (caller, email) = match app.verifier.verify(&bearer.token).await {
        Err(Problem::InvalidToken) => return Err(ended(app, &bearer.token).await.into()),
        verified => verified?,
    };
    crate::users::be_known(app, caller.user, &email, request_id(request)).await?;
    Ok(caller)
}

/// Who is signed in, if anybody is; why nobody is, the route itself tells.
///
/// # Errors
/// When nobody can say who it is: then a request must not run as if it were nobody's.
pub(crate) async fn member(app: &App, request: &Request) -> Result<Option<UserId>, Problem> {
    let given = request.header(header::AUTHORIZATION);
    let Some((scheme, token)) = given.and_then(|given| given.split_once(' ')) else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    match app.verifier.verify(token.trim()).await {
        Ok((caller, _)) => Ok(Some(caller.user)),
        Err(Problem::AuthUnavailable) => Err(Problem::AuthUnavailable),
        Err(_) => Ok(None),
    }
}

/// Why a session is over: because the account is (USR-5), or for any other reason.
async fn ended(app: &App, token: &str) -> Problem {
    match app.verifier.claims(token).await {
        Ok(claims) => match app.is_erased(claims.sub.into()).await {
            Ok(true) => Problem::AccountDeleted,
            Ok(false) | Err(_) => Problem::InvalidToken,
        },
        Err(problem) => problem,
    }
}

/// Checks tokens.
#[derive(Debug)]
pub struct Verifier {
    identity: Identity,
    issuer: String,
    keys: tokio::sync::Mutex<Option<Keys>>,
    sessions: Mutex<HashMap<Uuid, Seen>>,
}

/// The provider's keys, and when they were last asked for.
#[derive(Debug)]
struct Keys {
    set: JwkSet,
    asked: Instant,
    good_until: Instant,
}

/// What is remembered of a session.
#[derive(Debug, Clone, Copy)]
struct Seen {
    until: Instant,
    state: State,
}

/// How a session was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Alive.
    Alive { email_verified: bool },
    /// Ended: it stays so, also while the provider is away.
    Ended,
}

impl State {
    fn known(self) -> Result<bool, Problem> {
        match self {
            Self::Alive { email_verified } => Ok(email_verified),
            Self::Ended => Err(Problem::InvalidToken),
        }
    }
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
        let now = Instant::now();
        let suffices = keys.as_ref().is_some_and(|keys| {
            let known = keys.set.find(kid).is_some();
            now < keys.good_until && (known || now < keys.asked + ASKED_AGAIN)
        });
        if !suffices {
            match (self.identity.keys().await, keys.as_mut()) {
                (Ok(set), _) => {
                    let (asked, good_until) = (now, now + KEYS_KEPT);
                    *keys = Some(Keys {
                        set,
                        asked,
                        good_until,
                    });
                }
                // The old keys go on being good while the provider is away.
                (Err(_), Some(keys)) => {
                    keys.asked = now;
                    keys.good_until = now + ASKED_AGAIN;
                }
                (Err(_), None) => return Err(Problem::AuthUnavailable),
            }
        }
        let key = keys.as_ref().and_then(|keys| keys.set.find(kid));
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
        if let Some(seen) = remembered.filter(|seen| Instant::now() < seen.until) {
            return seen.state.known();
        }
        let (state, kept) = match self.identity.account(token).await {
            Ok(account) => {
                let email_verified = account.email_confirmed_at.is_some();
                (State::Alive { email_verified }, SESSION_KEPT)
            }
            Err(IdentityFault::Refused(_)) => (State::Ended, TOKEN_LIVES),
            Err(IdentityFault::Unavailable) => {
                let unknown = State::Alive {
                    email_verified: false,
                };
                (remembered.map_or(unknown, |seen| seen.state), ASKED_AGAIN)
            }
        };
        self.remember(session, state, kept);
        state.known()
    }

    fn remember(&self, session: Uuid, state: State, kept: Duration) {
        let until = Instant::now() + kept;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, seen| Instant::now() < seen.until);
        }
        if sessions.len() < SESSIONS_MAX {
            sessions.insert(session, Seen { until, state });
        }
    }
}
