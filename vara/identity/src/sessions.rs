//! Sessions in the database: begun, refreshed by single-use tokens, ended.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::keys::Keys;
use crate::refresh_token::RefreshToken;
use crate::refusal::Refusal;

/// A spent token may be shown again for this long: the answer got lost, or two tabs woke up at
/// once. Later it counts as stolen. Supabase's hosted projects use the same ten seconds.
const REUSE_WINDOW: TimeDelta = TimeDelta::seconds(10);

/// A living session and the refresh token that its client shall hold from now on.
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) account: Uuid,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) token: RefreshToken,
}

/// Which sessions a sign-out ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Global,
    Local,
    Others,
}

/// Begins a session. The account's row must be written or locked in the same transaction.
pub(crate) async fn begin(work: &mut PgConnection, session: &Session) -> Result<(), Refusal> {
    sqlx::query("INSERT INTO identity.sessions (id, account_id, created_at) VALUES ($1, $2, $3)")
        .bind(session.id)
        .bind(session.account)
        .bind(session.created_at)
        .execute(&mut *work)
        .await?;
    issue(work, session.id, &session.token, session.created_at).await
}

/// What came of showing a refresh token.
pub(crate) enum Exchange {
    Next(Session),
    /// It was never issued, or its session was signed out.
    Unknown,
    /// It was spent too long ago, or its session is revoked (now, if not before).
    Reused,
}

/// Exchanges a refresh token.
///
/// An unspent token is spent and its successor issued. A spent one gives the same successor again
/// while that is unspent and the [`REUSE_WINDOW`] lasts; any other reuse revokes the session. The
/// caller commits in every case: a revocation must last although the answer is a refusal.
pub(crate) async fn refresh(
    work: &mut PgConnection,
    shown: &RefreshToken,
    now: DateTime<Utc>,
    keys: &Keys,
) -> Result<Exchange, Refusal> {
    let Some((id, account, created_at, revoked_at)) = lock_session_of(work, shown).await? else {
        return Ok(Exchange::Unknown);
    };
    let token = shown.successor(keys);
    let good = revoked_at.is_none()
        && match spent_at(work, shown).await? {
            None => {
                spend(work, shown, now).await?;
                issue(work, id, &token, now).await?;
                true
            }
            Some(then) => now - then < REUSE_WINDOW && is_unspent(work, &token).await?,
        };
    if good {
        return Ok(Exchange::Next(Session {
            id,
            account,
            created_at,
            token,
        }));
    }
    tracing::warn!("a spent refresh token was shown again; its session is revoked");
    revoke(work, id, now).await?;
    Ok(Exchange::Reused)
}

/// Ends sessions of an account for good, together with their tokens.
pub(crate) async fn end(
    work: &mut PgConnection,
    account: Uuid,
    session: Uuid,
    scope: Scope,
) -> Result<(), Refusal> {
    let (this, others) = match scope {
        Scope::Global => (true, true),
        Scope::Local => (true, false),
        Scope::Others => (false, true),
    };
    sqlx::query(
        "DELETE FROM identity.sessions \
         WHERE account_id = $1 AND ((id = $2 AND $3) OR (id <> $2 AND $4))",
    )
    .bind(account)
    .bind(session)
    .bind(this)
    .bind(others)
    .execute(work)
    .await?;
    Ok(())
}

/// Whether the session still lives; a signed token alone cannot tell.
pub(crate) async fn lives(pool: &PgPool, account: Uuid, session: Uuid) -> Result<bool, Refusal> {
    let lives = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM identity.sessions \
         WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL)",
    )
    .bind(session)
    .bind(account)
    .fetch_one(pool)
    .await?;
    Ok(lives)
}

type Locked = (Uuid, Uuid, DateTime<Utc>, Option<DateTime<Utc>>);

/// The session's row is what concurrent refreshes queue for.
async fn lock_session_of(
    work: &mut PgConnection,
    token: &RefreshToken,
) -> Result<Option<Locked>, Refusal> {
    sqlx::query("SET LOCAL lock_timeout = '5s'")
        .execute(&mut *work)
        .await?;
    let session = sqlx::query_as(
        "SELECT id, account_id, created_at, revoked_at FROM identity.sessions WHERE id = \
         (SELECT session_id FROM identity.refresh_tokens WHERE token_hash = $1) FOR UPDATE",
    )
    .bind(token.hash().as_slice())
    .fetch_optional(work)
    .await?;
    Ok(session)
}

async fn spent_at(
    work: &mut PgConnection,
    token: &RefreshToken,
) -> Result<Option<DateTime<Utc>>, Refusal> {
    let spent_at =
        sqlx::query_scalar("SELECT spent_at FROM identity.refresh_tokens WHERE token_hash = $1")
            .bind(token.hash().as_slice())
            .fetch_one(work)
            .await?;
    Ok(spent_at)
}

async fn is_unspent(work: &mut PgConnection, token: &RefreshToken) -> Result<bool, Refusal> {
    let unspent = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM identity.refresh_tokens \
         WHERE token_hash = $1 AND spent_at IS NULL)",
    )
    .bind(token.hash().as_slice())
    .fetch_one(work)
    .await?;
    Ok(unspent)
}

async fn spend(
    work: &mut PgConnection,
    token: &RefreshToken,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    sqlx::query("UPDATE identity.refresh_tokens SET spent_at = $2 WHERE token_hash = $1")
        .bind(token.hash().as_slice())
        .bind(now)
        .execute(work)
        .await?;
    Ok(())
}

async fn issue(
    work: &mut PgConnection,
    session: Uuid,
    token: &RefreshToken,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    sqlx::query(
        "INSERT INTO identity.refresh_tokens (token_hash, session_id, issued_at) \
         VALUES ($1, $2, $3)",
    )
    .bind(token.hash().as_slice())
    .bind(session)
    .bind(now)
    .execute(work)
    .await?;
    Ok(())
}

async fn revoke(work: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), Refusal> {
    sqlx::query("UPDATE identity.sessions SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(work)
        .await?;
    Ok(())
}
