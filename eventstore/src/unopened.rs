//! Opening many events at once: keys are asked for together, and most facts are read straight from their text.

use crate::keys::{Key, KeyError, Salts, Vault};
use crate::log::ReadFault;
use crate::recorded::{Opened, Recorded};
use crate::seal::{self, Openers};
use crate::why::Why;
use domain::Event;
use domain::event::Undecodable;
use domain::ids::{ImageId, UserId};
use domain::image::ImageEvent;
use domain::personal::SEALED;
use domain::user::UserEvent;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// An event whose payload was not looked at yet.
#[derive(Debug)]
pub struct Unopened {
    recorded: Recorded,
    payload: Payload,
}

/// The payload of an event, sealed, in the form in which it came.
#[derive(Debug)]
enum Payload {
    /// As it stands in the log.
    Text(String),
    /// As it came over the bus.
    Json(Value),
}

impl From<Recorded> for Unopened {
    fn from(mut recorded: Recorded) -> Self {
        let payload = Payload::Json(std::mem::take(&mut recorded.payload));
        Self { recorded, payload }
    }
}

impl Unopened {
    /// Of an event without its payload, and the text of that.
    pub(crate) const fn of_text(recorded: Recorded, payload: String) -> Self {
        let payload = Payload::Text(payload);
        Self { recorded, payload }
    }

    /// As it stands in the log, without the payload.
    #[must_use]
    pub const fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// As it stands in the log, for whom the payload says nothing.
    #[must_use]
    pub fn into_recorded(self) -> Recorded {
        self.recorded
    }

    fn is_sealed(&self) -> bool {
        match &self.payload {
            Payload::Text(text) => text.contains(SEALED),
            Payload::Json(payload) => seal::is_sealed(payload),
        }
    }

    fn picture(&self) -> Option<ImageId> {
        match &self.payload {
            Payload::Text(text) => seal::picture_in_text(text),
            Payload::Json(payload) => seal::picture_to_open(payload),
        }
    }

    /// Opens the personal values under the subject's key and reads the fact. One that does not open is handed back, to
    /// be put aside.
    ///
    /// # Errors
    /// [`ReadFault`] naming the position, when the circumstances cannot be read, a key is missing, a value does not
    /// open, or the fact does not read; with the event, without its payload.
    pub async fn open(self, keys: &mut Keys<'_>) -> Result<Opened, (Box<Recorded>, ReadFault)> {
        let recorded = self.recorded;
        match fact(&recorded, self.payload, keys).await {
            Ok((why, event)) => Ok(Opened {
                recorded,
                why,
                event,
            }),
            Err(fault) => Err((Box::new(recorded), fault)),
        }
    }
}

/// The keys that some events need, for as long as these are opened.
#[derive(Debug)]
pub struct Keys<'v> {
    vault: &'v Vault,
    at_hand: HashMap<UserId, Key>,
    salts: Salts,
}

impl<'v> Keys<'v> {
    /// None at hand: each is asked for when it is needed.
    pub(crate) fn none(vault: &'v Vault) -> Self {
        Self {
            vault,
            at_hand: HashMap::new(),
            salts: Salts::new(),
        }
    }

    /// Those that these events need, asked for at once: one question for subjects, and one for pictures if there are any.
    pub async fn of(vault: &'v Vault, events: impl Iterator<Item = &Unopened>) -> Self {
        let sealed = events.filter(|event| event.is_sealed());
        let (mut subjects, mut pictures) = (HashSet::new(), HashSet::new());
        for event in sealed {
            subjects.extend(event.recorded.why.known().map(|why| why.subject));
            pictures.extend(event.picture());
        }
        let keys = Self {
            at_hand: vault.keys(subjects).await,
            ..Self::none(vault)
        };
        // What could not be had is asked for once more when it is needed, which tells why.
        let salts = vault.salts(pictures).await;
        keys.with(salts.unwrap_or_default())
    }

    /// With the salts of these pictures at hand.
    pub(crate) fn with(self, salts: Salts) -> Self {
        Self { salts, ..self }
    }

    /// Opens the personal values of a payload, in place.
    ///
    /// # Errors
    /// When a key is missing or a value does not open.
    pub(crate) async fn open(
        &mut self,
        payload: &mut Value,
        subject: UserId,
        place: &str,
    ) -> Result<(), KeyError> {
        let picture = match seal::picture_to_open(payload) {
            Some(image) => Some(self.picture(subject, image).await?),
            None => None,
        };
        // Only now: looking for the picture's may have shown that hers is destroyed.
        let subject = self.key(subject).await?;
        seal::open(payload, &Openers { subject, picture }, place)
    }

    async fn picture(&mut self, owner: UserId, image: ImageId) -> Result<Key, KeyError> {
        let Key::Present(key) = self.key(owner).await? else {
            return Ok(Key::Erased);
        };
        let found = match self.salts.get(&image) {
            Some(salt) => Ok(salt.clone()),
            None => self.vault.salt(image).await,
        };
        // An erasure takes the salts in the same moment as her key, which may be in memory here for a minute more.
        if matches!(found, Err(KeyError::PictureMissing(_))) && self.is_erased(owner).await? {
            return Ok(Key::Erased);
        }
        Ok(match found? {
            Some(salt) => Key::Present(salt.key_of(&key, image)?),
            None => Key::Erased,
        })
    }

    /// Whether her key is destroyed by now, whatever is in memory.
    async fn is_erased(&mut self, subject: UserId) -> Result<bool, KeyError> {
        self.forget(subject);
        let key = self.vault.key(subject).await?;
        let erased = matches!(key, Key::Erased);
        self.at_hand.insert(subject, key);
        Ok(erased)
    }

    async fn key(&mut self, subject: UserId) -> Result<Key, KeyError> {
        if let Some(key) = self.at_hand.get(&subject) {
            return Ok(key.clone());
        }
        let key = self.vault.key(subject).await?;
        // A destroyed one stays destroyed, and no vault keeps that in memory.
        if matches!(key, Key::Erased) {
            self.at_hand.insert(subject, Key::Erased);
        }
        Ok(key)
    }

    fn forget(&mut self, subject: UserId) {
        self.at_hand.remove(&subject);
        self.vault.forget(subject);
    }

    fn forget_picture(&mut self, image: ImageId) {
        self.salts.remove(&image);
        self.vault.forget_picture(image);
    }
}

async fn fact(
    of: &Recorded,
    payload: Payload,
    keys: &mut Keys<'_>,
) -> Result<(Why, Event), ReadFault> {
    let position = of.position;
    // First of all: every release writes them, so what has none is broken and not of a newer program.
    let why = of.why.known().ok_or_else(|| ReadFault::Unreadable {
        position,
        what: "its metadata".to_owned(),
    })?;
    let plain = match &payload {
        Payload::Text(text) if !text.contains(SEALED) => {
            Event::decode_plain(&of.noun, &of.event_type, &of.event_version, text)
        }
        Payload::Text(_) | Payload::Json(_) => None,
    };
    let event = match plain {
        Some(event) => event,
        None => opened(of, why.subject, json(position, payload)?, keys).await?,
    };
    // Every reader of the log passes here, so no process goes on with a key that was destroyed.
    if let Event::User(UserEvent::SubjectErased { user_id, .. }) = &event {
        keys.forget(*user_id);
    }
    if let Event::Image(ImageEvent::ImagePurged { image_id, .. }) = &event {
        keys.forget_picture(*image_id);
    }
    Ok((why.clone(), event))
}

fn json(position: i64, payload: Payload) -> Result<Value, ReadFault> {
    let read = match payload {
        Payload::Json(Value::Null) => None,
        Payload::Json(payload) => Some(payload),
        Payload::Text(text) => serde_json::from_str(&text).ok(),
    };
    read.ok_or_else(|| ReadFault::Unreadable {
        position,
        what: "its payload".to_owned(),
    })
}

async fn opened(
    of: &Recorded,
    subject: UserId,
    mut payload: Value,
    keys: &mut Keys<'_>,
) -> Result<Event, ReadFault> {
    let position = of.position;
    if seal::is_sealed(&payload) {
        let place = seal::place(&of.noun, &of.stream, of.event_id, &of.event_type);
        let opened = keys.open(&mut payload, subject, &place).await;
        opened.map_err(|fault| at(position, fault))?;
    }
    Event::decode(&of.noun, &of.event_type, &of.event_version, &payload)
        .map_err(|fault| undecodable(position, &fault))
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
        | KeyError::Erased(_)
        | KeyError::PictureMissing(_)
        | KeyError::PictureErased(_) => ReadFault::Unreadable {
            position,
            what: fault.to_string(),
        },
    }
}
