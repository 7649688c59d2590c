//! What stands on the bus: whether all of it is there, and message by message without their payloads.

use super::{Bus, BusFault, POSITION, PREVIOUS, STREAM, STREAM_BYTES_MAX};
use async_nats::HeaderMap;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Stream;
use futures::StreamExt;
use std::time::Duration;
use uuid::Uuid;

/// A stream that dropped its oldest messages for want of room is never emptier than its limit by more than one message, and
/// none is longer than a mebibyte (`max_payload` of NATS).
const ROOM_MAX: u64 = 2 << 20;
/// Most messages that are passed over on the way to one that was published in its turn.
const PASSED_OVER_MAX: usize = 1_000;
/// Longest wait for the next message of a stream that is read.
const SILENCE: Duration = Duration::from_secs(5);

/// One message of the stream, without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its place in the stream.
    pub sequence: u64,
    /// The event's position in the log; 0 where the message names none.
    pub position: i64,
    /// The position of the event before it on its partition, as the message says.
    pub previous: i64,
}

/// Messages of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// When the stream was made: one that was made anew starts again at sequence 1.
    pub made: String,
    /// It has no room for more, so that the oldest are gone by right.
    pub is_full: bool,
    /// In their order.
    pub messages: Vec<Message>,
}

impl Bus {
    /// Whether everything up to a position is on the bus, as far as the bus has room for it. One that was wiped or purged
    /// holds too little, also when new events came since.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn holds(&self, position: i64) -> Result<bool, BusFault> {
        let stream = self.stream().await?;
        let state = &stream.cached_info().state;
        if state.messages == 0 {
            return Ok(position == 0);
        }
        if state.deleted_count.unwrap_or_default() > 0 {
            return Ok(false);
        }
        let (first, last) = (state.first_sequence, state.last_sequence);
        let oldest = in_turn(&stream, first..=last).await?;
        let newest = in_turn(&stream, (first..=last).rev()).await?;
        let from_the_first = is_full(state.bytes) || oldest.is_none_or(|(at, _)| at == 1);
        Ok(from_the_first && newest.map_or(0, |(at, _)| at) >= position)
    }

    /// The position of the last event that was published in its turn; 0 when there is none.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn last_position(&self) -> Result<i64, BusFault> {
        Ok(self
            .last_in_turn()
            .await?
            .map_or(0, |(position, _)| position))
    }

    /// The position and the message id of the last event that was published in its turn.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn last_in_turn(&self) -> Result<Option<(i64, String)>, BusFault> {
        let stream = self.stream().await?;
        let state = &stream.cached_info().state;
        if state.messages == 0 {
            return Ok(None);
        }
        in_turn(&stream, (state.first_sequence..=state.last_sequence).rev()).await
    }

    /// All messages after a sequence, if the stream is still the one that was made at `made`; else all there are.
    ///
    /// # Errors
    /// When the bus does not answer, or falls silent before its last message.
    pub async fn messages_after(&self, made: &str, sequence: u64) -> Result<Messages, BusFault> {
        let stream = self.stream().await?;
        let info = stream.cached_info();
        let now = info.created.to_string();
        let after = if now == made { sequence } else { 0 };
        let (from, last) = (
            info.state.first_sequence.max(after + 1),
            info.state.last_sequence,
        );
        let is_empty = info.state.messages == 0 || from > last;
        Ok(Messages {
            made: now,
            is_full: is_full(info.state.bytes),
            messages: match is_empty {
                true => Vec::new(),
                false => read(&stream, from, last).await?,
            },
        })
    }

    /// Deletes every message and keeps the stream with its memory of message ids, as `nats stream purge` does.
    ///
    /// # Errors
    /// When the bus does not answer.
    pub async fn purge(&self) -> Result<(), BusFault> {
        let stream = self.stream().await?;
        stream.purge().await.map(drop).map_err(BusFault::of)
    }

    /// The stream, as it stands now.
    async fn stream(&self) -> Result<Stream, BusFault> {
        self.jetstream
            .get_stream(STREAM)
            .await
            .map_err(BusFault::of)
    }
}

/// All messages from one sequence up to another one, at which there is one.
async fn read(stream: &Stream, from: u64, last: u64) -> Result<Vec<Message>, BusFault> {
    let config = OrderedConfig {
        headers_only: true,
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: from,
        },
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(BusFault::of)?;
    let mut delivered = consumer.messages().await.map_err(BusFault::of)?;
    let mut messages = Vec::new();
    while messages
        .last()
        .is_none_or(|read: &Message| read.sequence < last)
    {
        let next = tokio::time::timeout(SILENCE, delivered.next()).await;
        let Ok(Some(message)) = next else {
            return Err(BusFault::of("it fell silent"));
        };
        let message = message.map_err(BusFault::of)?;
        let sequence = message.info().map_err(BusFault::of)?.stream_sequence;
        let headers = message.headers.clone().unwrap_or_default();
        messages.push(Message {
            sequence,
            position: number(&headers, POSITION),
            previous: number(&headers, PREVIOUS),
        });
    }
    Ok(messages)
}

const fn is_full(bytes: u64) -> bool {
    bytes.saturating_add(ROOM_MAX) >= STREAM_BYTES_MAX.unsigned_abs()
}

/// Position and message id of the first of these messages that was published in its turn. Work that was parked is published
/// once more out of turn ([`Bus::publish_again`]), under an id of its own, and says nothing about the rest.
async fn in_turn(
    stream: &Stream,
    sequences: impl Iterator<Item = u64>,
) -> Result<Option<(i64, String)>, BusFault> {
    for sequence in sequences.take(PASSED_OVER_MAX) {
        let message = stream.get_raw_message(sequence).await;
        let headers = message.map_err(BusFault::of)?.headers;
        let position = number(&headers, POSITION);
        let id = headers.get("Nats-Msg-Id").map_or("", |id| id.as_str());
        if position > 0 && Uuid::try_parse(id).is_err() {
            return Ok(Some((position, id.to_owned())));
        }
    }
    Ok(None)
}

fn number(headers: &HeaderMap, name: &str) -> i64 {
    let value = headers.get(name);
    value
        .and_then(|value| value.as_str().parse().ok())
        .unwrap_or_default()
}
