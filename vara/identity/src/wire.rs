//! The shapes that leave the service: a user and a session, as the Supabase clients read them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::House;
use crate::access_token::{self, AUDIENCE, Holder, LIFE};
use crate::accounts::Account;
use crate::refusal::Refusal;
use crate::sessions::Session;

/// The user. `user_metadata` stays empty: free text of the caller is not kept.
pub(crate) fn user(account: &Account) -> Value {
    let email = account.email.as_str();
    let [created, updated, signed_in] = [
        account.created_at,
        account.updated_at,
        account.last_sign_in_at,
    ]
    .map(written);
    json!({
        "id": account.id,
        "aud": AUDIENCE,
        "role": "authenticated",
        "email": email,
        "email_confirmed_at": created,
        "phone": "",
        "confirmed_at": created,
        "last_sign_in_at": signed_in,
        "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": {},
        "identities": [{
            "identity_id": Uuid::new_v5(&account.id, b"email"),
            "id": account.id,
            "user_id": account.id,
            "identity_data": {
                "email": email, "email_verified": true, "phone_verified": false,
                "sub": account.id,
            },
            "provider": "email",
            "last_sign_in_at": signed_in,
            "created_at": created,
            "updated_at": created,
            "email": email,
        }],
        "created_at": created,
        "updated_at": updated,
        "is_anonymous": false,
    })
}

/// A session with a fresh access token. The one place where tokens leave the service.
pub(crate) fn session(
    house: &House,
    account: &Account,
    session: &Session,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let holder = Holder {
        account: account.id,
        session: session.id,
        email: account.email.as_str(),
        signed_in_at: session.created_at,
    };
    Ok(json!({
        "access_token": access_token::sign(house, &holder, now)?,
        "token_type": "bearer",
        "expires_in": LIFE.num_seconds(),
        "expires_at": (now + LIFE).timestamp(),
        "refresh_token": session.token.reveal(),
        "user": user(account),
    }))
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
