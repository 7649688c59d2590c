//! I6: everything of the log is on the bus, each message naming the one before it on its partition.

use super::{Broken, broken};
use eventstore::bus::Messages;

/// What was seen of the bus, message after message.
#[derive(Debug, Default)]
pub struct OnBus {
    /// When the stream was made, and the last sequence that was looked at.
    pub made: String,
    pub sequence: u64,
    /// Which positions are there, from 1.
    there: Vec<bool>,
    is_full: bool,
}

impl OnBus {
    /// Takes what came since. `previous` are the positions of the events before each one on its partition, by position from 1,
    /// as the log tells.
    pub fn take(&mut self, new: &Messages, previous: &[i64]) -> Result<(), Broken> {
        if new.made != self.made {
            *self = Self {
                made: new.made.clone(),
                ..Self::default()
            };
        }
        self.is_full = new.is_full;
        self.there.resize(previous.len(), false);
        for message in &new.messages {
            self.sequence = message.sequence;
            let (at, says) = (message.position, message.previous);
            let place = usize::try_from(at - 1).ok();
            let Some((place, is)) = place.and_then(|place| Some((place, previous.get(place)?)))
            else {
                return broken(
                    "I6",
                    format!("the bus has position {at} of {}", previous.len()),
                );
            };
            if *is != says {
                return broken(
                    "I6",
                    format!("the bus says that {at} follows {says}, and it follows {is}"),
                );
            }
            self.there[place] = true;
        }
        Ok(())
    }

    /// Whether every event is there; of a bus without room for more, from its oldest one on.
    pub fn is_whole(&self) -> Result<(), Broken> {
        let oldest = match self.is_full {
            true => self.there.iter().position(|is_there| *is_there),
            false => Some(0),
        };
        let from = oldest.unwrap_or_default();
        match self.there[from..].iter().position(|is_there| !is_there) {
            Some(hole) => broken(
                "I6",
                format!("position {} is not on the bus", from + hole + 1),
            ),
            None => Ok(()),
        }
    }
}
