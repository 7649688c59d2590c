//! Who is a member, and what she agreed to.

use crate::codes::code;
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::UserId;
use domain::user::{Purpose, UserEvent};
use eventstore::Opened;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One member.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct UserRow {
    /// Her id.
    pub user_id: Uuid,
    /// Her address; absent once she was erased.
    pub email: Option<String>,
    /// When she came into being.
    pub registered_at: DateTime<Utc>,
}

/// Where she stands on one purpose.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ConsentRow {
    /// The purpose's code.
    pub purpose: String,
    /// Whether she agrees now.
    pub granted: bool,
    /// Version of the text she was shown last.
    pub text_version: String,
    /// When that was.
    pub changed_at: DateTime<Utc>,
}

/// The read model.
#[derive(Debug)]
pub struct Users;

impl ReadModel for Users {
    const NAME: &'static str = "users_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::User(UserEvent::UserRegistered {
                user_id,
                email,
                registered_at,
            }) => {
                sqlx::query(
                    "INSERT INTO read_users (user_id, email, registered_at) VALUES ($1, $2, $3)",
                )
                .bind(user_id.0)
                .bind(email.known())
                .bind(registered_at)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::User(UserEvent::ConsentGranted {
                user_id,
                purpose,
                text_version,
                granted_at,
            }) => consent(tx, *user_id, *purpose, true, text_version, *granted_at).await,
            Event::User(UserEvent::ConsentWithdrawn {
                user_id,
                purpose,
                text_version,
                withdrawn_at,
            }) => consent(tx, *user_id, *purpose, false, text_version, *withdrawn_at).await,
            Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::Plan(_) => Ok(()),
        }
    }
}

async fn consent(
    tx: &mut PgConnection,
    user: UserId,
    purpose: Purpose,
    granted: bool,
    text_version: &str,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO read_consents (user_id, purpose, granted, text_version, changed_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, purpose)
         DO UPDATE SET granted = $3, text_version = $4, changed_at = $5",
    )
    .bind(user.0)
    .bind(code(&purpose)?)
    .bind(granted)
    .bind(text_version)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

/// The member with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, user: UserId) -> Result<Option<UserRow>, sqlx::Error> {
    sqlx::query_as("SELECT user_id, email, registered_at FROM read_users WHERE user_id = $1")
        .bind(user.0)
        .fetch_optional(pool)
        .await
}

/// What she was ever asked to agree to, by purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn consents(pool: &PgPool, user: UserId) -> Result<Vec<ConsentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT purpose, granted, text_version, changed_at FROM read_consents
          WHERE user_id = $1 ORDER BY purpose",
    )
    .bind(user.0)
    .fetch_all(pool)
    .await
}
