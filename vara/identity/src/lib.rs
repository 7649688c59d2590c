//! The embedded identity service: sign-up, sign-in and sessions in the Supabase Auth (GoTrue) protocol.
//!
//! It exists so that a whole Vara runs on one laptop, and so that the published Supabase client
//! signs in to it unchanged. What it deliberately does not keep: an e-mail address in the clear,
//! free text of the caller (`data` is accepted and dropped), a refresh token (only its SHA-256).
//! What it does not do: mail, one-time codes, second factors, outside providers.

mod access_token;
mod accounts;
mod address;
mod calls;
mod door;
mod edge;
mod keys;
mod passwords;
mod refresh_token;
mod refusal;
mod schema;
mod sessions;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, Response};
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::door::Door;
use crate::keys::Keys;
use crate::passwords::Passwords;

/// Connections to the database at most; sign-in is bounded by password hashing, not by these.
const CONNECTIONS_MAX: u32 = 5;
/// How long a call waits for a connection before it answers "not now".
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// What the service needs to know before it can start.
pub struct IdentityOptions {
    /// PostgreSQL address; the service keeps to the schema `identity` in it.
    pub database_url: String,
    /// Where the keys lie (mode 0600). Created at the first start; lost keys make every stored
    /// address unreadable, so it belongs into the backup.
    pub key_file: PathBuf,
    /// The `iss` of every access token: the address under which the routes are nested, for
    /// instance `http://127.0.0.1:8080/auth/v1`.
    pub issuer: String,
}

impl fmt::Debug for IdentityOptions {
    /// Leaves the database address out: it may carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityOptions")
            .field("key_file", &self.key_file)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key file could not be read or created.
    #[error("the identity key file could not be read or created")]
    KeyFile(#[source] std::io::Error),
    /// Other users of this machine may read the key file.
    #[error("the identity key file may be read by others; allow its owner only (mode 0600)")]
    KeyFileOpenToOthers,
    /// The key file holds something else than the keys; the text names the part.
    #[error("the identity key file makes no sense: {0}")]
    KeyFileUnreadable(&'static str),
    /// The database was written with other keys, and its addresses cannot be opened with these.
    #[error("this database was written with another identity key file; restore that file")]
    OtherKeys,
    /// The database could not be reached or prepared.
    #[error("the identity database could not be prepared")]
    Database(#[from] sqlx::Error),
    /// Password hashing could not be set up.
    #[error("password hashing could not be set up")]
    Hashing,
}

/// What every call shares.
pub(crate) struct House {
    pub(crate) pool: PgPool,
    pub(crate) keys: Keys,
    pub(crate) passwords: Passwords,
    pub(crate) issuer: String,
}

/// Deletes an account with everything that belongs to it; whether there was one. Its tokens end within a minute.
///
/// # Errors
/// When the database cannot be reached. A service that was never opened on it has no accounts.
pub async fn forget(database_url: &str, account: uuid::Uuid) -> Result<bool, IdentityError> {
    let pool = connect(database_url, 1).await?;
    let gone = accounts::delete(&pool, account).await;
    pool.close().await;
    Ok(gone?)
}

/// Opens (at the first start: creates) the service; nest the result at `/auth/v1`.
///
/// # Errors
/// When the key file or the database cannot be used; nothing is served then.
pub async fn routes(
    options: IdentityOptions,
) -> Result<impl Endpoint<Output = Response> + 'static, IdentityError> {
    let IdentityOptions {
        database_url,
        key_file,
        issuer,
    } = options;
    let keys = tokio::task::spawn_blocking(move || keys::open_or_create(&key_file))
        .await
        .map_err(|gone| IdentityError::KeyFile(std::io::Error::other(gone)))??;
    let pool = connect(&database_url, CONNECTIONS_MAX).await?;
    schema::prepare(&pool, &keys).await?;
    let passwords = Passwords::try_new().ok_or(IdentityError::Hashing)?;
    Ok(Door::new(Arc::new(House {
        pool,
        keys,
        passwords,
        issuer,
    })))
}

async fn connect(database_url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECTION_WAIT)
        .connect(database_url)
        .await
}
