//! The bus: NATS JetStream as fan-out. It holds ciphertext only, and may be wiped at any time.

mod held;

pub use held::{Message, Messages};

use crate::partitions::{Partitions, partition};
use crate::recorded::Recorded;
use async_nats::jetstream::{self, context::ContextBuilder, stream};
use std::time::Duration;
use url::Url;

/// The stream that carries every event.
pub const STREAM: &str = "VARA";
/// Header with the event's position in the log.
pub const POSITION: &str = "Vara-Position";
/// Header with the position of the event before it on the same partition; 0 when it is the first there.
pub const PREVIOUS: &str = "Vara-Previous";
/// Header with the id of the event or command that it follows from; absent where the circumstances cannot be read.
pub const CAUSE: &str = "Vara-Cause";
/// Most bytes that the stream keeps; beyond them the oldest messages go.
const STREAM_BYTES_MAX: i64 = 1 << 30;
/// How long one publication waits for its acknowledgement.
const ACK: Duration = Duration::from_secs(5);

/// Why the bus did not do what was asked. Never a reason to stop: the log is read instead.
#[derive(Debug, thiserror::Error)]
#[error("the bus: {0}")]
pub struct BusFault(String);

impl BusFault {
    pub(crate) fn of(fault: impl std::fmt::Display) -> Self {
        Self(fault.to_string())
    }
}

/// A connection to the bus; it reconnects by itself.
#[derive(Debug, Clone)]
pub struct Bus {
    pub(crate) jetstream: jetstream::Context,
}

impl Bus {
    /// Connects to `nats://[user:password@]host:port`, now or as soon as somebody answers there.
    ///
    /// # Errors
    /// When the address is none.
    pub async fn connect(nats_url: &str) -> Result<Self, BusFault> {
        let url: Url = nats_url.parse().map_err(BusFault::of)?;
        let mut options = async_nats::ConnectOptions::new()
            .name("vara")
            .retry_on_initial_connect()
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|tries| {
                Duration::from_millis((50 * tries as u64).min(1_000))
            });
        if let Some(password) = url.password() {
            options = options.user_and_password(url.username().to_owned(), password.to_owned());
        }
        let host = url
            .host_str()
            .ok_or_else(|| BusFault::of("an address without a host"))?;
        let address = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(4222));
        let client = options.connect(address).await.map_err(BusFault::of)?;
        let jetstream = ContextBuilder::new()
            .ack_timeout(ACK)
            .timeout(Duration::from_secs(5))
            .backpressure_on_inflight(true)
            .build(client);
        Ok(Self { jetstream })
    }

    /// Makes the stream, or brings it to today's settings.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn prepare(&self) -> Result<(), BusFault> {
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["vara.>".to_owned()],
            max_bytes: STREAM_BYTES_MAX,
            discard: stream::DiscardPolicy::Old,
            storage: stream::StorageType::File,
            duplicate_window: Duration::from_secs(120),
            ..stream::Config::default()
        };
        self.jetstream
            .create_or_update_stream(config)
            .await
            .map(drop)
            .map_err(BusFault::of)
    }

    /// Deletes the stream, so that nothing of it is remembered: a purged one would swallow what is published again.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn forget(&self) -> Result<(), BusFault> {
        match self.jetstream.delete_stream(STREAM).await {
            Ok(_) => Ok(()),
            Err(fault) => Err(BusFault::of(fault)),
        }
    }

    /// Publishes one event anew, past the memory of message ids: work that was parked comes to its queue again.
    /// `partitions` as they stood before it.
    ///
    /// # Errors
    /// When it is not acknowledged.
    pub async fn publish_again(
        &self,
        event: &Recorded,
        mut partitions: Partitions,
    ) -> Result<(), BusFault> {
        let id = crate::edge::fresh_id().to_string();
        let ack = self.send(event, partitions.take(event), id).await?;
        ack.await.map(drop).map_err(BusFault::of)
    }

    async fn send(
        &self,
        event: &Recorded,
        previous: i64,
        id: String,
    ) -> Result<jetstream::context::PublishAckFuture, BusFault> {
        let body = serde_json::to_vec(event).map_err(BusFault::of)?;
        let mut message = jetstream::message::PublishMessage::build()
            .message_id(id)
            .payload(body.into());
        for (name, value) in headers(event, previous) {
            message = message.header(name, value);
        }
        let sent = self.jetstream.send_publish(subject(event), message).await;
        sent.map_err(BusFault::of)
    }

    /// Publishes events in order and waits until each one is acknowledged. `partitions` as they stand before the first
    /// of them, and afterwards after the last.
    ///
    /// # Errors
    /// When one is not acknowledged; those before it may have arrived, and `partitions` are to be made anew.
    pub async fn publish(
        &self,
        events: &[Recorded],
        partitions: &mut Partitions,
    ) -> Result<(), BusFault> {
        let mut acks = Vec::with_capacity(events.len());
        for event in events {
            let previous = partitions.take(event);
            acks.push(self.send(event, previous, message_id(event)).await?);
        }
        for ack in acks {
            ack.await.map_err(BusFault::of)?;
        }
        Ok(())
    }
}

/// What tells an event's message from all others: `<noun>-<stream>-<sequence>`.
#[must_use]
pub fn message_id(event: &Recorded) -> String {
    format!("{}-{}-{}", event.noun, event.stream, event.sequence)
}

/// The headers of an event's message beside its id, by name; `previous` is the position of the event before it on its
/// partition.
#[must_use]
pub fn headers(event: &Recorded, previous: i64) -> Vec<(&'static str, String)> {
    let cause = event
        .why
        .known()
        .map(|why| (CAUSE, why.cause_id.to_string()));
    let places = [
        (POSITION, event.position.to_string()),
        (PREVIOUS, previous.to_string()),
    ];
    places.into_iter().chain(cause).collect()
}

/// Where an event is published: `vara.<partition>.<noun>.<event in snake case>`.
#[must_use]
pub fn subject(event: &Recorded) -> String {
    let partition = partition(&event.stream);
    format!(
        "vara.{partition}.{}.{}",
        snake(&event.noun),
        snake(&event.event_type)
    )
}

/// `MatchFound` as `match_found`. Always a token of a subject: whatever cannot stand in one is an underscore, so that
/// no row of the log is refused by the bus.
#[must_use]
pub fn snake(name: &str) -> String {
    if name.is_empty() {
        return "_".to_owned();
    }
    name.chars()
        .enumerate()
        .fold(String::new(), |mut out, (at, letter)| {
            if letter.is_ascii_uppercase() && at > 0 {
                out.push('_');
            }
            out.push(match letter.is_ascii_alphanumeric() {
                true => letter.to_ascii_lowercase(),
                false => '_',
            });
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_type_is_a_subject_in_snake_case() {
        assert_eq!(snake("MatchFound"), "match_found");
        assert_eq!(snake("PlanItemUrgencyRaised"), "plan_item_urgency_raised");
    }

    #[test]
    fn whatever_a_row_is_called_its_subject_has_four_tokens() {
        assert_eq!(snake("rain fell. >\r\n*"), "rain_fell______");
        assert_eq!((snake(""), snake("é")), ("_".to_owned(), "_".to_owned()));
    }
}
