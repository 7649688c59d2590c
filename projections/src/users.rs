//! Who is a member, and what she agreed to.

use crate::projector::{Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::UserId;
use domain::user::{Purpose, UserEvent};
use eventstore::Opened;
use serde::Serialize;
use uuid::Uuid;

/// One member.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct UserRow {
    /// Her id.
    pub user_id: Uuid,
    /// Her address; absent once she was erased.
    pub email: Option<String>,
    /// When she came into being.
    pub registered_at: DateTime<Utc>,
}

/// Where she stands on one purpose.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct ConsentRow {
    /// Whose.
    pub user_id: Uuid,
    /// The purpose's code.
    pub purpose: String,
    /// Whether she agrees now.
    pub granted: bool,
    /// Version of the text she was shown last.
    pub text_version: String,
    /// When that was.
    pub changed_at: DateTime<Utc>,
}

impl Row for UserRow {
    const TABLE: &'static str = "read_users";
    const KEY: &'static [&'static str] = &["user_id"];
    const OWNER: &'static str = "user_id";
    const PERSONAL: &'static [&'static str] = &["email"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.user_id
    }

    fn owner(&self) -> Uuid {
        self.user_id
    }
}

impl Row for ConsentRow {
    const TABLE: &'static str = "read_consents";
    const KEY: &'static [&'static str] = &["user_id", "purpose"];
    const OWNER: &'static str = "user_id";
    type Key = (Uuid, String);

    fn key(&self) -> Self::Key {
        (self.user_id, self.purpose.clone())
    }

    fn owner(&self) -> Uuid {
        self.user_id
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Users {
    users: Table<UserRow>,
    consents: Table<ConsentRow>,
}

impl ReadModel for Users {
    const NAME: &'static str = "users";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("user", &[])];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.users, &mut self.consents]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::User(UserEvent::UserRegistered {
                user_id,
                email,
                registered_at,
            }) => {
                self.users.insert(UserRow {
                    user_id: user_id.0,
                    email: email.known().cloned(),
                    registered_at: *registered_at,
                });
                Ok(())
            }
            Event::User(UserEvent::ConsentGranted {
                user_id,
                purpose,
                text_version,
                granted_at,
            }) => {
                let row = stands(*user_id, *purpose, true, text_version, *granted_at);
                self.stand(place, row).await
            }
            Event::User(UserEvent::ConsentWithdrawn {
                user_id,
                purpose,
                text_version,
                withdrawn_at,
            }) => {
                let row = stands(*user_id, *purpose, false, text_version, *withdrawn_at);
                self.stand(place, row).await
            }
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.users.remove_all_of(place, user_id.0).await?;
                self.consents.remove_all_of(place, user_id.0).await
            }
            Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::Plan(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

impl Users {
    async fn stand(&mut self, place: &mut Place<'_>, row: ConsentRow) -> Result<(), sqlx::Error> {
        match self.consents.get(place, &row.key()).await? {
            Some(known) => *known = row,
            None => self.consents.insert(row),
        }
        Ok(())
    }
}

fn stands(
    user: UserId,
    purpose: Purpose,
    granted: bool,
    text_version: &str,
    at: DateTime<Utc>,
) -> ConsentRow {
    ConsentRow {
        user_id: user.0,
        purpose: purpose.code().to_owned(),
        granted,
        text_version: text_version.to_owned(),
        changed_at: at,
    }
}

/// The member with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    user: UserId,
) -> Result<Option<UserRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as("SELECT user_id, email, registered_at FROM read_users WHERE user_id = $1")
        .bind(user.0)
        .fetch_optional(&mut *db)
        .await
}

/// What she was ever asked to agree to, by purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn consents(
    from: impl Into<Source<'_>>,
    user: UserId,
) -> Result<Vec<ConsentRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(
        "SELECT user_id, purpose, granted, text_version, changed_at FROM read_consents
          WHERE user_id = $1 ORDER BY purpose",
    )
    .bind(user.0)
    .fetch_all(&mut *db)
    .await
}
