//! The noun that is measured: notes of about the size of real facts, with one sealed value in each.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use domain::Personal;
use serde::{Deserialize, Serialize};

/// What a real payload holds beside its personal value: it is 300 bytes long then, when sealed.
const WORDS: &str = "Plain text of the length that ids, times and counts have together in the facts of the catalogue, \
     which are between two hundred and four hundred bytes long.";
/// The length of an address of a page.
const PAGE: &str = "https://gallery.example.test/photo/12345678";

/// A stream of notes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    noted: u32,
}

/// What can be asked: so many notes at once.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// Events that it leads to.
    pub events: u32,
}

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoteEvent {
    /// A note was made.
    Noted {
        /// Sealed, as the address of a page is.
        page: Personal<String>,
        /// In the clear.
        words: String,
    },
}

/// Nothing is refused here.
#[derive(Debug, thiserror::Error)]
pub enum Never {}

impl NoteEvent {
    /// The note that is made each time.
    #[must_use]
    pub fn noted() -> Self {
        Self::Noted {
            page: PAGE.to_owned().into(),
            words: WORDS.to_owned(),
        }
    }
}

impl DomainEvent for NoteEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Noted { .. } => "Noted".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Notes {
    const TYPE: &'static str = "bench";
    type Command = Note;
    type Event = NoteEvent;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, ask: Note, (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        for _ in 0..ask.events {
            sink.write(NoteEvent::noted(), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: NoteEvent) {
        match event {
            NoteEvent::Noted { .. } => self.noted += 1,
        }
    }
}
