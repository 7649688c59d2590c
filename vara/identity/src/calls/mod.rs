//! The calls of the protocol, one file for each noun.

mod about;
mod sign_out;
mod sign_up;
mod token;
mod user;

use poem::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::House;
use crate::access_token::{self, Bearer};
use crate::refusal::Refusal;

/// The calls that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Health,
    Settings,
    KeySet,
    SignUp,
    Token,
    ShowUser,
    ChangeUser,
    SignOut,
}

impl Call {
    /// `path` without the slashes around it.
    pub(crate) fn named(method: &Method, path: &str) -> Option<Self> {
        match (method.as_str(), path) {
            ("GET", "health") => Some(Self::Health),
            ("GET", "settings") => Some(Self::Settings),
            ("GET", ".well-known/jwks.json") => Some(Self::KeySet),
            ("POST", "signup") => Some(Self::SignUp),
            ("POST", "token") => Some(Self::Token),
            ("GET", "user") => Some(Self::ShowUser),
            ("PUT", "user") => Some(Self::ChangeUser),
            ("POST", "logout") => Some(Self::SignOut),
            _ => None,
        }
    }
}

/// What a caller sent. Deliberately without `Debug`.
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) bearer: Option<Zeroizing<String>>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Every parameter that any call reads from the address.
#[derive(Deserialize)]
pub(crate) struct Query {
    grant_type: Option<String>,
    scope: Option<String>,
}

impl Asked {
    /// The body as JSON. What is wrong with it is not said: serde quotes what it read.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body).map_err(|_| Refusal::BadJson)
    }
}

/// An answer that is no refusal.
pub(crate) enum Answer {
    /// For the caller only: not to be cached.
    Json(Value),
    /// The same for everybody: may be cached for a while.
    PublicJson(Value),
    /// 204: done, and nothing to say.
    Done,
}

/// Carries a call out to its end.
pub(crate) async fn carry_out(house: &House, call: Call, asked: Asked) -> Result<Answer, Refusal> {
    match call {
        Call::Health => Ok(Answer::Json(about::health())),
        Call::Settings => Ok(Answer::Json(about::settings())),
        Call::KeySet => Ok(Answer::PublicJson(house.keys.jwks())),
        Call::SignUp => sign_up::sign_up(house, &asked).await.map(Answer::Json),
        Call::Token => token::token(house, &asked).await.map(Answer::Json),
        Call::ShowUser => user::show(house, &asked).await.map(Answer::Json),
        Call::ChangeUser => user::change(house, &asked).await.map(Answer::Json),
        Call::SignOut => sign_out::sign_out(house, &asked)
            .await
            .map(|()| Answer::Done),
    }
}

/// Who asks, by the signed token alone; the caller of this must still ask for the session.
fn bearer(house: &House, asked: &Asked) -> Result<Bearer, Refusal> {
    let token = asked.bearer.as_ref().ok_or(Refusal::NoBearer)?;
    access_token::verify(house, token)
}
