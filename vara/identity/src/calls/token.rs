//! POST /token: a session for a password, or a fresh pair of tokens for a refresh token.

use serde::Deserialize;
use serde_json::Value;

use super::Asked;
use crate::address::Address;
use crate::passwords::Password;
use crate::refresh_token::RefreshToken;
use crate::refusal::Refusal;
use crate::sessions::{self, Exchange, Session};
use crate::{House, accounts, edge, wire};

#[derive(Deserialize)]
struct Credentials {
    email: Option<String>,
    password: Option<Password>,
}

#[derive(Deserialize)]
struct Shown {
    refresh_token: Option<String>,
}

/// Chooses by `grant_type`.
pub(super) async fn token(house: &House, asked: &Asked) -> Result<Value, Refusal> {
    match asked.query.grant_type.as_deref() {
        Some("password") => sign_in(house, asked.json()?).await,
        Some("refresh_token") => refresh(house, asked.json()?).await,
        Some(_) | None => Err(Refusal::UnsupportedGrant),
    }
}

/// Answers an unknown address and a wrong password alike, and after the same work.
async fn sign_in(house: &House, credentials: Credentials) -> Result<Value, Refusal> {
    let email = credentials
        .email
        .filter(|e| !e.is_empty())
        .ok_or(Refusal::EmailMissing)?;
    let password = credentials.password.ok_or(Refusal::InvalidCredentials)?;
    let known = match Address::parse(&email) {
        Ok(email) => accounts::credentials(&house.pool, &email, &house.keys).await?,
        Err(_) => None,
    };
    let stored = known.as_ref().map(|(_, hash)| hash.as_str());
    let right = house.passwords.matches(password, stored).await?;
    let (id, hash) = known.filter(|_| right).ok_or(Refusal::InvalidCredentials)?;

    let now = edge::now();
    let mut work = house.pool.begin().await?;
    let account = accounts::signed_in(&mut work, id, &hash, now, &house.keys)
        .await?
        .ok_or(Refusal::InvalidCredentials)?;
    let session = Session {
        id: edge::fresh_id(),
        account: id,
        created_at: now,
        token: RefreshToken::fresh(),
    };
    sessions::begin(&mut work, &session).await?;
    let answer = wire::session(house, &account, &session, now)?;
    work.commit().await?;
    Ok(answer)
}

async fn refresh(house: &House, shown: Shown) -> Result<Value, Refusal> {
    let shown = shown
        .refresh_token
        .filter(|t| !t.is_empty())
        .ok_or(Refusal::RefreshTokenMissing)?;
    let shown = RefreshToken::presented(&shown);
    let now = edge::now();
    let mut work = house.pool.begin().await?;
    let answer = match sessions::refresh(&mut work, &shown, now, &house.keys).await? {
        Exchange::Next(session) => {
            let account = accounts::by_id(&mut work, session.account, &house.keys)
                .await?
                .ok_or(Refusal::RefreshTokenNotFound)?;
            Ok(wire::session(house, &account, &session, now)?)
        }
        Exchange::Unknown => Err(Refusal::RefreshTokenNotFound),
        Exchange::Reused => Err(Refusal::RefreshTokenAlreadyUsed),
    };
    work.commit().await?;
    answer
}
