//! I1 over HTTP: what members asked for, found in the log by the id of the request that their client chose.

use super::super::members::{Answered, Asked};
use super::{Broken, broken};
use eventstore::{Recorded, Why};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a request led to.
#[derive(Debug, Clone)]
struct Led {
    by: Uuid,
    fact: String,
    at: i64,
    /// What came into being.
    made: Option<Uuid>,
}

/// Changes that members made, as the log tells of them.
#[derive(Debug, Default)]
pub struct Changes {
    members: HashSet<Uuid>,
    of_request: HashMap<Uuid, Led>,
}

impl Changes {
    /// None yet.
    pub fn of(members: HashSet<Uuid>) -> Self {
        Self {
            members,
            of_request: HashMap::new(),
        }
    }

    pub fn knows(&mut self, members: &HashSet<Uuid>) {
        self.members.extend(members);
    }

    pub fn is_members(&self, id: Uuid) -> bool {
        self.members.contains(&id)
    }

    /// Takes the next event: one request of a member leads to one fact of these kinds.
    pub fn take(&mut self, event: &Recorded, why: &Why) -> Result<(), Broken> {
        let named = match event.event_type.as_str() {
            "ImageUploaded" => "image_id",
            "ScanStarted" => "scan_id",
            // Two of them are on when she joins, which is no request of this kind.
            "ConsentGranted" if event.sequence > 3 => "",
            _ => return Ok(()),
        };
        if !self.is_members(why.subject.0) || !why.actor.starts_with("user:") {
            return Ok(());
        }
        let made = event.payload[&event.event_type][named].as_str();
        let led = Led {
            by: why.subject.0,
            fact: event.event_type.clone(),
            at: event.position,
            made: made.and_then(|id| id.parse().ok()),
        };
        match self.of_request.insert(why.request_id, led) {
            Some(before) => broken(
                "I1",
                format!(
                    "the request {} is at {} and again at {}",
                    why.request_id, before.at, event.position
                ),
            ),
            None => Ok(()),
        }
    }

    /// What was acknowledged is there, as it was answered; under one key alike each time.
    pub fn holds(&self, asked: &Asked) -> Result<(), Broken> {
        let Asked {
            request,
            member,
            fact,
            answer,
            given,
        } = asked;
        if let Some([one, other]) = given.array_windows().find(|[one, other]| one != other) {
            return broken(
                "I1",
                format!(
                    "{fact} of {member} was answered with {} and, under the same key, otherwise with {}: request {request}",
                    one.status, other.status
                ),
            );
        }
        match (self.of_request.get(request), answer) {
            (None, Answered::Done(_)) => broken(
                "I1",
                format!("{fact} of {member} was answered with 2xx and is lost: request {request}"),
            ),
            (Some(led), _) if led.by != *member || led.fact != *fact => broken(
                "I1",
                format!(
                    "{fact} of {member} is {} of {} at {}",
                    led.fact, led.by, led.at
                ),
            ),
            (
                Some(Led {
                    at,
                    made: Some(made),
                    ..
                }),
                Answered::Done(Some(told)),
            ) if made != told => broken(
                "I1",
                format!("{fact} of {member} at {at} made {made} and was answered with {told}"),
            ),
            (None, Answered::Unknown) | (Some(_), Answered::Done(_) | Answered::Unknown) => Ok(()),
        }
    }
}
