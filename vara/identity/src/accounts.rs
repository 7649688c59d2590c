//! Accounts in the database: made at sign-up, found by the index of the address.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::address::Address;
use crate::keys::Keys;
use crate::refusal::Refusal;

const COLUMNS: &str = "SELECT a.id, a.email_sealed, a.created_at, a.updated_at, \
                       a.last_sign_in_at FROM identity.accounts a";

/// An account as it is shown to its owner. Deliberately without `Debug`.
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) email: Address,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) last_sign_in_at: DateTime<Utc>,
}

impl Account {
    fn read(row: &PgRow, keys: &Keys) -> Result<Self, Refusal> {
        let id = row.try_get("id")?;
        let sealed: Vec<u8> = row.try_get("email_sealed")?;
        let email = Address::open(&sealed, keys, id).ok_or_else(|| {
            tracing::error!(
                table = "identity.accounts",
                column = "email_sealed",
                "does not open"
            );
            Refusal::Inside
        })?;
        Ok(Self {
            id,
            email,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            last_sign_in_at: row.try_get("last_sign_in_at")?,
        })
    }
}

/// Inserts the account; `false` when its address already has one.
pub(crate) async fn insert(
    work: &mut PgConnection,
    account: &Account,
    password_hash: &str,
    keys: &Keys,
) -> Result<bool, Refusal> {
    let sealed = account
        .email
        .seal(keys, account.id)
        .ok_or(Refusal::Inside)?;
    let done = sqlx::query(
        "INSERT INTO identity.accounts \
         (id, email_index, email_sealed, password_hash, created_at, updated_at, last_sign_in_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email_index) DO NOTHING",
    )
    .bind(account.id)
    .bind(account.email.index(keys).as_slice())
    .bind(sealed)
    .bind(password_hash)
    .bind(account.created_at)
    .bind(account.updated_at)
    .bind(account.last_sign_in_at)
    .execute(work)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The id and password hash behind an address, if it has an account.
pub(crate) async fn credentials(
    pool: &PgPool,
    email: &Address,
    keys: &Keys,
) -> Result<Option<(Uuid, String)>, Refusal> {
    let found =
        sqlx::query_as("SELECT id, password_hash FROM identity.accounts WHERE email_index = $1")
            .bind(email.index(keys).as_slice())
            .fetch_optional(pool)
            .await?;
    Ok(found)
}

/// The present password hash of an account.
pub(crate) async fn password_hash(pool: &PgPool, id: Uuid) -> Result<Option<String>, Refusal> {
    let found = sqlx::query_scalar("SELECT password_hash FROM identity.accounts WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    Ok(found)
}

/// Notes a sign-in; `None` when the password was changed since `password_hash` was read.
pub(crate) async fn signed_in(
    work: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
    now: DateTime<Utc>,
    keys: &Keys,
) -> Result<Option<Account>, Refusal> {
    let row = sqlx::query(
        "UPDATE identity.accounts SET last_sign_in_at = $3 \
         WHERE id = $1 AND password_hash = $2 \
         RETURNING id, email_sealed, created_at, updated_at, last_sign_in_at",
    )
    .bind(id)
    .bind(password_hash)
    .bind(now)
    .fetch_optional(work)
    .await?;
    row.map(|row| Account::read(&row, keys)).transpose()
}

/// Replaces the password hash; `false` when it was changed since `old` was read.
pub(crate) async fn change_password(
    work: &mut PgConnection,
    id: Uuid,
    old: &str,
    new: &str,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let done = sqlx::query(
        "UPDATE identity.accounts SET password_hash = $3, updated_at = $4 \
         WHERE id = $1 AND password_hash = $2",
    )
    .bind(id)
    .bind(old)
    .bind(new)
    .bind(now)
    .execute(work)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account, if that session of it still lives.
pub(crate) async fn by_living_session(
    pool: &PgPool,
    id: Uuid,
    session: Uuid,
    keys: &Keys,
) -> Result<Option<Account>, Refusal> {
    let row = sqlx::query(&format!(
        "{COLUMNS} JOIN identity.sessions s ON s.account_id = a.id \
         WHERE a.id = $1 AND s.id = $2 AND s.revoked_at IS NULL"
    ))
    .bind(id)
    .bind(session)
    .fetch_optional(pool)
    .await?;
    row.map(|row| Account::read(&row, keys)).transpose()
}

/// The account with this id.
pub(crate) async fn by_id(
    work: &mut PgConnection,
    id: Uuid,
    keys: &Keys,
) -> Result<Option<Account>, Refusal> {
    let query = format!("{COLUMNS} WHERE a.id = $1");
    let row = sqlx::query(&query).bind(id).fetch_optional(work).await?;
    row.map(|row| Account::read(&row, keys)).transpose()
}

/// Deletes an account, its sessions and tokens; whether there was one.
pub(crate) async fn delete(pool: &PgPool, id: Uuid) -> Result<bool, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('identity.accounts') IS NOT NULL")
        .fetch_one(pool)
        .await?;
    if !there {
        return Ok(false);
    }
    let mut work = pool.begin().await?;
    let gone = sqlx::query("DELETE FROM identity.accounts WHERE id = $1")
        .bind(id)
        .execute(&mut *work)
        .await?;
    work.commit().await?;
    Ok(gone.rows_affected() == 1)
}
