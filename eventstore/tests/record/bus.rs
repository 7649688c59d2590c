//! What stands on the bus, asked from the server itself.

use async_nats::jetstream::{self, stream::Stream};
use eventstore::bus::{POSITION, PREVIOUS, STREAM};
use eventstore::relay::Relay;
use eventstore::{Recorded, Store};
use tokio::task::JoinHandle;
use url::Url;

/// One message of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub position: i64,
    pub previous: i64,
    pub subject: String,
    pub message_id: String,
    pub event: Recorded,
}

pub async fn jetstream(nats_url: &str) -> Result<jetstream::Context, async_nats::Error> {
    let url: Url = nats_url.parse()?;
    let options = async_nats::ConnectOptions::new().user_and_password(
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
    );
    let address = format!("127.0.0.1:{}", url.port().unwrap_or_default());
    Ok(jetstream::new(options.connect(address).await?))
}

async fn stream(nats_url: &str) -> Result<Stream, async_nats::Error> {
    Ok(jetstream(nats_url).await?.get_stream(STREAM).await?)
}

/// Everything on the bus, oldest first; nothing where it cannot be asked.
pub async fn heard(nats_url: &str) -> Vec<Heard> {
    let mut heard = Vec::new();
    let Ok(mut stream) = stream(nats_url).await else {
        return heard;
    };
    let Ok(state) = stream.info().await.map(|info| info.state.clone()) else {
        return heard;
    };
    for sequence in state.first_sequence.max(1)..=state.last_sequence {
        let Ok(message) = stream.get_raw_message(sequence).await else {
            return heard;
        };
        let header = |name: &str| {
            let value = message.headers.get(name).map(|value| value.to_string());
            value.unwrap_or_default()
        };
        heard.push(Heard {
            position: header(POSITION).parse().unwrap(),
            previous: header(PREVIOUS).parse().unwrap(),
            subject: message.subject.to_string(),
            message_id: header("Nats-Msg-Id"),
            event: serde_json::from_slice(&message.payload).unwrap(),
        });
    }
    heard
}

/// The positions on the bus, oldest first.
pub async fn positions(nats_url: &str) -> Vec<i64> {
    let heard = heard(nats_url).await;
    heard.into_iter().map(|heard| heard.position).collect()
}

/// Messages on the bus now, and when their stream was made.
pub async fn state(nats_url: &str) -> Option<(u64, String)> {
    let mut stream = stream(nats_url).await.ok()?;
    let info = stream.info().await.ok()?;
    Some((info.state.messages, info.created.to_string()))
}

/// A relay of its own task, as one process runs it.
pub async fn relay(store: &Store, nats_url: &str) -> JoinHandle<()> {
    let bus = eventstore::bus::Bus::connect(nats_url).await.unwrap();
    let relay = Relay::new(store.database().clone(), bus, store.head());
    tokio::spawn(relay.run())
}
