//! POST /signup: an account and its first session, once for each address.

use serde::Deserialize;
use serde_json::Value;

use super::Asked;
use crate::accounts::{self, Account};
use crate::address::Address;
use crate::passwords::Password;
use crate::refresh_token::RefreshToken;
use crate::refusal::Refusal;
use crate::sessions::{self, Session};
use crate::{House, edge, wire};

/// The body. `data` and the captcha token may come along; they are not read.
#[derive(Deserialize)]
struct Wish {
    email: Option<String>,
    phone: Option<String>,
    password: Option<Password>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// Signs up. The password is hashed before the address is looked at, so that a known address
/// takes as long as a new one.
pub(super) async fn sign_up(house: &House, asked: &Asked) -> Result<Value, Refusal> {
    let (email, password) = checked(asked.json()?)?;
    let password_hash = house.passwords.hash(password).await?;
    let now = edge::now();
    let account = Account {
        id: edge::fresh_id(),
        email,
        created_at: now,
        updated_at: now,
        last_sign_in_at: now,
    };
    let session = Session {
        id: edge::fresh_id(),
        account: account.id,
        created_at: now,
        token: RefreshToken::fresh(),
    };
    let mut work = house.pool.begin().await?;
    if !accounts::insert(&mut work, &account, &password_hash, &house.keys).await? {
        return Err(Refusal::UserAlreadyExists);
    }
    sessions::begin(&mut work, &session).await?;
    let answer = wire::session(house, &account, &session, now)?;
    work.commit().await?;
    Ok(answer)
}

fn checked(wish: Wish) -> Result<(Address, Password), Refusal> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if given(wish.code_challenge).is_some() != given(wish.code_challenge_method).is_some() {
        return Err(Refusal::HalfAChallenge);
    }
    let email = match (given(wish.email), given(wish.phone)) {
        (Some(email), None) => email,
        (_, Some(_)) => return Err(Refusal::PhoneNotOffered),
        (None, None) if wish.password.is_some() => return Err(Refusal::EmailMissing),
        (None, None) => return Err(Refusal::AnonymousNotOffered),
    };
    let password = wish
        .password
        .filter(|p| !p.is_empty())
        .ok_or(Refusal::PasswordMissing)?;
    let weaknesses = password.weaknesses();
    if !weaknesses.is_empty() {
        return Err(Refusal::WeakPassword(weaknesses));
    }
    Ok((Address::parse(&email).map_err(Refusal::Email)?, password))
}
