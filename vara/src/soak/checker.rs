//! What must be true of log and answers after every schedule, as pure checks over events in order; no SQL, so that it shares no
//! mistake with what it checks.

mod changes;
mod on_bus;
mod scans;

pub use on_bus::OnBus;

use super::acks::Ack;
use super::members::Asked;
use changes::Changes;
use chrono::{DateTime, Utc};
use eventstore::Recorded;
use eventstore::partitions::{PARTITIONS, partition};
use scans::Scans;
use std::collections::{HashMap, HashSet};
use std::fmt;
use uuid::Uuid;

/// Something that must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The invariant, as `I1`.
    pub invariant: &'static str,
    /// What is wrong; ids and positions, never values.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl std::error::Error for Broken {}

impl Broken {
    pub const fn of(invariant: &'static str, what: String) -> Self {
        Self { invariant, what }
    }
}

fn broken<T>(invariant: &'static str, what: String) -> Result<T, Broken> {
    Err(Broken::of(invariant, what))
}

/// Where a command's events stand.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: i64,
    last: i64,
    by_writer: bool,
}

/// What was seen of a log, event after event.
#[derive(Debug, Default)]
pub struct Seen {
    pub position: i64,
    recorded_at: DateTime<Utc>,
    streams: HashMap<(String, Uuid), i64>,
    commands: HashMap<Uuid, Place>,
    /// Findings that somebody must be told of.
    findings: HashSet<Uuid>,
    /// What alerts were raised about, by the finding's event.
    told: HashSet<Uuid>,
    scans: Scans,
    changes: Changes,
    /// The last event: the log stays the one in which it stands.
    last: Option<Uuid>,
    /// The last position on each partition of the bus, and for each event the one before it on its own.
    partitions: [i64; PARTITIONS as usize],
    previous: Vec<i64>,
}

impl Seen {
    /// Nothing yet; `members` ask over HTTP, and everybody else who acts is a writer.
    pub fn among(members: HashSet<Uuid>) -> Self {
        Self {
            changes: Changes::of(members),
            ..Self::default()
        }
    }

    /// Somebody more who asks over HTTP.
    pub fn knows(&mut self, members: &HashSet<Uuid>) {
        self.changes.knows(members);
    }

    /// Takes the next event. I2: order, gaps, forks. I1 and I5: nothing twice.
    pub fn take(&mut self, event: &Recorded) -> Result<(), Broken> {
        let at = event.position;
        self.in_order(event)?;
        let Some(why) = event.why.known() else {
            return broken("I2", format!("position {at} has no circumstances"));
        };
        let place = Place {
            first: at,
            last: at,
            by_writer: why.actor.starts_with("user:") && !self.changes.is_members(why.subject.0),
        };
        let known = self.commands.entry(why.command_id).or_insert(place);
        if at > known.last + 1 {
            let (first, last) = (known.first, known.last);
            return broken(
                "I1",
                format!(
                    "command {} is at {first}-{last} and again at {at}",
                    why.command_id
                ),
            );
        }
        known.last = at;
        self.scans.take(event)?;
        self.changes.take(event, why)?;
        match event.event_type.as_str() {
            "MatchFound" if is_told(event) => {
                self.findings.insert(event.event_id);
            }
            "AlertRaised" if !self.told.insert(why.cause_id) => {
                return broken("I5", format!("a second alert about one finding, at {at}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn in_order(&mut self, event: &Recorded) -> Result<(), Broken> {
        let at = event.position;
        if at != self.position + 1 {
            return broken("I2", format!("position {at} follows {}", self.position));
        }
        if event.recorded_at < self.recorded_at {
            return broken(
                "I2",
                format!("position {at} was recorded before the one in front of it"),
            );
        }
        let Ok(stream) = event.stream.parse() else {
            return broken("I2", format!("position {at} is of a stream without an id"));
        };
        let sequence = self
            .streams
            .entry((event.noun.clone(), stream))
            .or_default();
        if event.sequence != *sequence + 1 {
            let (is, was, noun) = (event.sequence, *sequence, &event.noun);
            return broken(
                "I2",
                format!("{noun}/{stream} goes from {was} to {is} at {at}"),
            );
        }
        *sequence = event.sequence;
        (self.position, self.recorded_at) = (at, event.recorded_at);
        self.last = Some(event.event_id);
        let last = &mut self.partitions[usize::from(partition(&event.stream))];
        self.previous.push(std::mem::replace(last, at));
        Ok(())
    }

    /// For each event, from position 1, the position of the one before it on its partition of the bus.
    pub fn previous(&self) -> &[i64] {
        &self.previous
    }

    /// I10: the log still holds, where it was, the event that was seen last.
    pub fn knows_again(&self, at_its_place: Option<&Recorded>) -> Result<(), Broken> {
        let id = at_its_place.map(|event| event.event_id);
        if self.last.is_some() && id != self.last {
            let (at, was) = (self.position, self.last);
            return broken(
                "I10",
                format!("at {at} was {was:?} and is {id:?}: that is another log"),
            );
        }
        Ok(())
    }

    /// I1: every acknowledged command is in the log once, with all its events, where the answer said.
    pub fn holds(&self, acks: &[Ack]) -> Result<(), Broken> {
        let mut acknowledged = HashSet::with_capacity(acks.len());
        for ack in acks {
            acknowledged.insert(ack.command);
            let name = format!("command {} ({}/{})", ack.command, ack.lane, ack.number);
            let Some(place) = self.commands.get(&ack.command) else {
                return broken(
                    "I1",
                    format!("{name} was acknowledged at {} and is lost", ack.position),
                );
            };
            let events = (place.last - place.first + 1).unsigned_abs();
            if events != ack.events {
                return broken(
                    "I1",
                    format!(
                        "{name} stands for {} events and led to {events}",
                        ack.events
                    ),
                );
            }
            if place.last != ack.position {
                return broken(
                    "I1",
                    format!(
                        "{name} is at {} and was answered with {}",
                        place.last, ack.position
                    ),
                );
            }
        }
        let mut unasked = self.commands.iter().filter(|(_, place)| place.by_writer);
        match unasked.find(|(id, _)| !acknowledged.contains(id)) {
            Some((id, place)) => broken(
                "I1",
                format!("command {id} at {} was never acknowledged", place.first),
            ),
            None => Ok(()),
        }
    }

    /// I1 over HTTP: what was answered with 2xx is in the log once, and whatever else was answered at most once.
    pub fn answered(&self, asked: &[Asked]) -> Result<(), Broken> {
        asked.iter().try_for_each(|asked| self.changes.holds(asked))
    }

    /// How many scans have ended.
    pub fn ended_scans(&self) -> usize {
        self.scans.over()
    }

    /// I4: every accepted scan has ended.
    pub fn scans_ended(&self) -> Result<(), Broken> {
        self.scans.ended()
    }

    /// I7 for policies: when they have read everything, each finding was told.
    pub fn all_told(&self) -> Result<(), Broken> {
        match self.findings.difference(&self.told).next() {
            Some(finding) => broken("I7", format!("nobody was told of the finding {finding}")),
            None => Ok(()),
        }
    }
}

/// Whether somebody must be told of a finding: others are shown to her among her matches, quietly (MAT-2).
fn is_told(event: &Recorded) -> bool {
    event.payload["MatchFound"]["disposition"] == "ALERT"
}

/// I10: no reader stands behind the end of the log.
pub fn within(readers: &[(String, i64)], head: i64) -> Result<(), Broken> {
    match readers.iter().find(|(_, position)| *position > head) {
        Some((name, position)) => broken(
            "I10",
            format!("{name} stands at {position} of a log that ends at {head}"),
        ),
        None => Ok(()),
    }
}

/// I6, I7 and I11: every reader has come to the end.
pub fn arrived(readers: &[(String, i64)], head: i64) -> Result<(), Broken> {
    match readers.iter().find(|(_, position)| *position < head) {
        Some((name, position)) => broken(
            "I11",
            format!("{name} stands at {position} of {head} and does not arrive"),
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
