//! An alert: one finding that she is told about.

mod events;
mod raise;
mod severity;
mod words;

pub use events::AlertEvent;
pub use raise::RaiseAlert;

use crate::ids::{ImageId, MatchId, ScanId};
use crate::matches::{MatchType, Tier};
use crate::{Personal, Share, platform::Platform};
use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an alert is about (ALR-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertKind {
    /// A copy of her picture was found.
    ImageMisuse,
}

/// How urgent an alert is, least first: a sorting key, never a headline (GEN-2).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Can wait.
    Low,
    /// Worth a look soon.
    Medium,
    /// Worth a look today.
    High,
    /// Worth a look now.
    Critical,
}

/// The finding that a match alert is about (ALR-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatchFacts {
    /// The match.
    pub match_id: MatchId,
    /// Her picture.
    pub image_id: ImageId,
    /// The scan that found it.
    pub scan_id: ScanId,
    /// Canonical address of the page.
    pub page: Personal<String>,
    /// Platform of the page (PLT-1).
    pub platform: Option<Platform>,
    /// How alike.
    pub similarity: Share,
    /// What kind of copy.
    pub match_type: MatchType,
    /// How strong the finding is.
    pub tier: Tier,
    /// The finding comes from a demonstration (GEN-4).
    pub is_mock: bool,
}

/// Where one alert stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alert {
    /// Never raised.
    #[default]
    Unraised,
    /// Raised and not looked at yet.
    New,
}

/// What can be asked of an alert.
#[derive(Debug, Clone)]
pub enum AlertCommand {
    /// Tell her about a finding.
    Raise(Box<RaiseAlert>),
}

/// An alert refuses nothing yet; its state machine comes with its own refusals (ALR-7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertRefusal {}

impl Aggregate for Alert {
    const TYPE: &'static str = "alert";
    type Command = AlertCommand;
    type Event = AlertEvent;
    type Error = AlertRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: AlertCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AlertRefusal> {
        let events = match command {
            AlertCommand::Raise(ask) => raise::decide(self, *ask),
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AlertEvent) {
        match event {
            AlertEvent::AlertRaised { .. } => *self = Self::New,
        }
    }
}
