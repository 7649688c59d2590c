//! Access tokens: ES256 JWTs with the claims that the Supabase clients and verifiers expect.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::House;
use crate::refusal::Refusal;

/// How long an access token is good. Nobody can call it back earlier, so it is short.
pub(crate) const LIFE: TimeDelta = TimeDelta::seconds(3600);
pub(crate) const AUDIENCE: &str = "authenticated";
/// Clocks may differ by this much, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Who signed in, as one session sees it.
pub(crate) struct Holder<'a> {
    pub(crate) account: Uuid,
    pub(crate) session: Uuid,
    pub(crate) email: &'a str,
    /// When the password was given; a refresh does not renew it.
    pub(crate) signed_in_at: DateTime<Utc>,
}

/// What a token that we signed says about its bearer.
#[derive(Deserialize, Serialize)]
pub(crate) struct Bearer {
    #[serde(rename = "sub")]
    pub(crate) account: Uuid,
    #[serde(rename = "session_id")]
    pub(crate) session: Uuid,
}

/// Signs a token that is good from `now` for [`LIFE`].
pub(crate) fn sign(
    house: &House,
    holder: &Holder<'_>,
    now: DateTime<Utc>,
) -> Result<String, Refusal> {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(house.keys.kid.clone());
    encode(
        &header,
        &claims(&house.issuer, holder, now),
        &house.keys.signing,
    )
    .map_err(|_| {
        tracing::error!("an access token could not be signed");
        Refusal::Inside
    })
}

/// Checks signature, issuer, audience and time. Whether the session still lives, the database
/// knows; a signature alone cannot tell.
pub(crate) fn verify(house: &House, token: &str) -> Result<Bearer, Refusal> {
    read(house, token, true)
}

/// The same for a token whose time may be over: good enough to end its own session, and for nothing else.
pub(crate) fn verify_to_sign_out(house: &House, token: &str) -> Result<Bearer, Refusal> {
    read(house, token, false)
}

fn read(house: &House, token: &str, in_time: bool) -> Result<Bearer, Refusal> {
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[&house.issuer]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_exp = in_time;
    decode::<Bearer>(token, &house.keys.verifying, &rules)
        .map(|token| token.claims)
        .map_err(|_| Refusal::BadToken)
}

fn claims(issuer: &str, holder: &Holder<'_>, now: DateTime<Utc>) -> Value {
    json!({
        "iss": issuer,
        "sub": holder.account,
        "aud": AUDIENCE,
        "exp": (now + LIFE).timestamp(),
        "iat": now.timestamp(),
        "email": holder.email,
        "phone": "",
        "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": {},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{ "method": "password", "timestamp": holder.signed_in_at.timestamp() }],
        "session_id": holder.session,
        "is_anonymous": false,
    })
}
