//! An event as it stands in the log: sealed, positioned, with its circumstances.

use crate::keys::{KeyError, Vault};
use crate::log::ReadFault;
use crate::seal;
use crate::why::Why;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::event::Undecodable;
use domain::user::UserEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// One event of the log. Its personal values are ciphertext, so it may travel over the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Place in the one gapless log, from 1.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// The noun: `user`, `image`, `scan`, `match`, `alert`, `plan`.
    pub noun: String,
    /// The stream within the noun.
    pub stream: String,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// The fact's name, as `MatchFound`.
    pub event_type: String,
    /// Version of the fact's shape.
    pub event_version: String,
    /// When it was recorded, by the database's clock.
    pub recorded_at: DateTime<Utc>,
    /// Who, why, for whom.
    pub why: Why,
    /// The fact, sealed.
    pub payload: Value,
}

/// An event whose personal values were opened, or found erased.
#[derive(Debug, Clone)]
pub struct Opened {
    /// As it stands in the log, without the payload, which is opened in `event`.
    pub recorded: Recorded,
    /// What it says.
    pub event: Event,
}

impl Recorded {
    pub(crate) fn from_row(row: &PgRow) -> Result<Self, ReadFault> {
        let position: i64 = row.try_get("position")?;
        let why: Json<Why> = row.try_get("metadata").map_err(|_| ReadFault::Unreadable {
            position,
            what: "its metadata".to_owned(),
        })?;
        Ok(Self {
            position,
            event_id: row.try_get("event_id")?,
            noun: row.try_get("aggregate_type")?,
            stream: row.try_get("aggregate_id")?,
            sequence: row.try_get("sequence")?,
            event_type: row.try_get("event_type")?,
            event_version: row.try_get("event_version")?,
            recorded_at: row.try_get("recorded_at")?,
            why: why.0,
            payload: row.try_get("payload")?,
        })
    }

    /// Opens the personal values under the subject's key and reads the fact.
    ///
    /// # Errors
    /// [`ReadFault`] naming the position, when a key is missing, a value does not open, or the fact does not read.
    pub async fn open(self, vault: &Vault) -> Result<Opened, ReadFault> {
        self.open_or_back(vault).await.map_err(|(_, fault)| fault)
    }

    /// The same; an event that does not open is handed back, to be put aside.
    ///
    /// # Errors
    /// As [`Recorded::open`], with the event, whose payload may be opened in part and must not be looked at.
    pub async fn open_or_back(mut self, vault: &Vault) -> Result<Opened, (Box<Self>, ReadFault)> {
        let mut payload = std::mem::take(&mut self.payload);
        match self.fact(&mut payload, vault).await {
            Ok(event) => Ok(Opened {
                recorded: self,
                event,
            }),
            Err(fault) => Err((Box::new(self), fault)),
        }
    }

    async fn fact(&self, payload: &mut Value, vault: &Vault) -> Result<Event, ReadFault> {
        let position = self.position;
        if seal::is_sealed(payload) {
            let key = vault
                .key(self.why.subject)
                .await
                .map_err(|fault| at(position, fault))?;
            let place = seal::place(&self.noun, &self.stream, self.event_id, &self.event_type);
            seal::open(payload, &key, &place).map_err(|fault| at(position, fault))?;
        }
        let event = Event::decode(&self.noun, &self.event_type, &self.event_version, payload)
            .map_err(|fault| undecodable(position, &fault))?;
        if let Event::User(UserEvent::SubjectErased { user_id, .. }) = &event {
            // Every reader of the log passes here, so no process goes on with a key that was destroyed.
            vault.forget(*user_id);
        }
        Ok(event)
    }
}

/// What another program can read is waited for: a newer one, or one with the missing step. A fact that is not of its
/// own shape is broken for good.
fn undecodable(position: i64, fault: &Undecodable) -> ReadFault {
    let what = fault.to_string();
    match fault {
        Undecodable::Newer { .. } | Undecodable::UnknownNoun(_) | Undecodable::NoStep { .. } => {
            ReadFault::Newer { position, what }
        }
        Undecodable::Misshapen { .. } => ReadFault::Unreadable { position, what },
    }
}

fn at(position: i64, fault: KeyError) -> ReadFault {
    match fault {
        KeyError::Unreachable(cause) => ReadFault::Unreachable(cause),
        KeyError::Master { .. }
        | KeyError::OtherMaster
        | KeyError::Wrapped
        | KeyError::Sealed
        | KeyError::Missing(_)
        | KeyError::Erased(_) => ReadFault::Unreadable {
            position,
            what: fault.to_string(),
        },
    }
}
