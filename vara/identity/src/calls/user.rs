//! GET and PUT /user: the account of the bearer, and a new password for it.

use serde::Deserialize;
use serde_json::Value;

use super::{Asked, bearer};
use crate::access_token::Bearer;
use crate::accounts::{self, Account};
use crate::passwords::Password;
use crate::refusal::Refusal;
use crate::sessions::{self, Scope};
use crate::{House, edge, wire};

/// The body of PUT. `data` and `nonce` may come along; they are not read.
#[derive(Deserialize)]
struct Wish {
    email: Option<String>,
    password: Option<Password>,
    current_password: Option<Password>,
}

pub(super) async fn show(house: &House, asked: &Asked) -> Result<Value, Refusal> {
    let bearer = bearer(house, asked)?;
    Ok(wire::user(&owner(house, &bearer).await?))
}

/// Changes the password if one is given, and signs every other session out: whoever knew the old
/// one shall not stay.
pub(super) async fn change(house: &House, asked: &Asked) -> Result<Value, Refusal> {
    let bearer = bearer(house, asked)?;
    let account = owner(house, &bearer).await?;
    let wish: Wish = asked.json()?;
    let same_email = |email: &String| email.trim().to_lowercase() == account.email.as_str();
    if wish.email.as_ref().is_some_and(|email| !same_email(email)) {
        return Err(Refusal::EmailChangeNotOffered);
    }
    if let Some(new) = wish.password {
        change_password(house, &bearer, new, wish.current_password).await?;
    }
    Ok(wire::user(&owner(house, &bearer).await?))
}

async fn owner(house: &House, bearer: &Bearer) -> Result<Account, Refusal> {
    accounts::by_living_session(&house.pool, bearer.account, bearer.session, &house.keys)
        .await?
        .ok_or(Refusal::SessionNotFound)
}

async fn change_password(
    house: &House,
    bearer: &Bearer,
    new: Password,
    current: Option<Password>,
) -> Result<(), Refusal> {
    let weaknesses = new.weaknesses();
    if !weaknesses.is_empty() {
        return Err(Refusal::WeakPassword(weaknesses));
    }
    let current = current
        .filter(|p| !p.is_empty())
        .ok_or(Refusal::CurrentPasswordMissing)?;
    let same = current == new;
    let old = accounts::password_hash(&house.pool, bearer.account).await?;
    if !house.passwords.matches(current, old.as_deref()).await? {
        return Err(Refusal::CurrentPasswordWrong);
    }
    if same {
        return Err(Refusal::SamePassword);
    }
    let old = old.ok_or(Refusal::SessionNotFound)?;
    let hash = house.passwords.hash(new).await?;
    let mut work = house.pool.begin().await?;
    let now = edge::now();
    if !accounts::change_password(&mut work, bearer.account, &old, &hash, now).await? {
        return Err(Refusal::CurrentPasswordWrong);
    }
    sessions::end(&mut work, bearer.account, bearer.session, Scope::Others).await?;
    work.commit().await?;
    Ok(())
}
