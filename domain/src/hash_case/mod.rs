//! Hashes that a member registered of pictures which never leave her device. One stream for each member, because "so
//! many at most" is a question about all of them at once.

mod events;
mod register;
mod withdraw;

pub use events::HashCaseEvent;
pub use register::RegisterImageHash;
pub use withdraw::WithdrawImageHash;

use crate::ids::HashCaseId;
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hashes that one member may have registered at once. Our own bound: four times as many as pictures (LIM-5), so that
/// those which she would rather not give to anybody fit as well.
pub const ACTIVE_HASHES_MAX: usize = 200;

/// The registered hashes of one member. The hashes themselves are not needed to decide, so they are not kept here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashCases {
    cases: BTreeMap<HashCaseId, Standing>,
}

/// Where one case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Whoever takes part in an exchange looks for it.
    Active,
    /// She took it back.
    Withdrawn,
}

impl HashCases {
    /// Where a case of hers stands, if there is one.
    #[must_use]
    pub fn standing(&self, case: HashCaseId) -> Option<Standing> {
        self.cases.get(&case).copied()
    }

    fn active(&self) -> usize {
        let active = |standing: &&Standing| **standing == Standing::Active;
        self.cases.values().filter(active).count()
    }
}

/// What can be asked of her cases.
#[derive(Debug, Clone)]
pub enum HashCaseCommand {
    /// Register a hash.
    Register(Box<RegisterImageHash>),
    /// Take one back.
    Withdraw(WithdrawImageHash),
}

/// Why a hash was not registered or not taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashCaseRefusal {
    /// The statement was not confirmed: a hash is registered by whom the picture shows, or in her name.
    #[error("please confirm the statement first")]
    NotAttested,
    /// Too little can be told from the picture to recognise it (HSH-1).
    #[error("this picture has too little in it to be recognised")]
    SaysTooLittle {
        /// Its quality, 0 to 49.
        quality: u8,
    },
    /// She has registered as many as there may be.
    #[error("you have registered {max} hashes; withdraw one to add another")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// She has no such case.
    #[error("there is no such case")]
    Unknown,
}

impl Aggregate for HashCases {
    const TYPE: &'static str = "hash_case";
    type Command = HashCaseCommand;
    type Event = HashCaseEvent;
    type Error = HashCaseRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: HashCaseCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), HashCaseRefusal> {
        let events = match command {
            HashCaseCommand::Register(ask) => register::decide(self, *ask)?,
            HashCaseCommand::Withdraw(ask) => withdraw::decide(self, ask)?,
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: HashCaseEvent) {
        match event {
            HashCaseEvent::ImageHashRegistered { case_id, .. } => {
                self.cases.insert(case_id, Standing::Active);
            }
            HashCaseEvent::ImageHashWithdrawn { case_id, .. } => {
                self.cases.insert(case_id, Standing::Withdrawn);
            }
        }
    }
}
