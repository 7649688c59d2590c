//! The feed: events in order for projectors and policies, from the bus while it keeps up, else from the log.

use crate::bus::{Bus, BusFault, STREAM};
use crate::edge;
use crate::log::{Log, ReadFault};
use crate::recorded::Recorded;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Most events of one batch.
pub const BATCH: usize = 500;
/// Longest time without a look at the log: the bus is an accelerator and never the only way.
pub(crate) const POLL: Duration = Duration::from_millis(250);
/// Events that a slow reader may be behind before it goes to the log.
const BUFFER: usize = 4_096;

/// Until this process appended, or it is time to look for what others did.
pub(crate) async fn appended(head: &mut watch::Receiver<i64>) {
    if let Ok(Err(_)) = tokio::time::timeout(POLL, head.changed()).await {
        // Nobody is left in this process who could append.
        tokio::time::sleep(POLL).await;
    }
}

/// The tail of the bus in this process, shared by all its readers.
#[derive(Debug, Clone)]
pub struct Tail {
    events: broadcast::Sender<Arc<Recorded>>,
}

impl Tail {
    /// Follows the bus in a task of its own, through every outage.
    #[must_use]
    pub fn follow(bus: Bus) -> Self {
        let (events, _) = broadcast::channel(BUFFER);
        let tail = Self {
            events: events.clone(),
        };
        tokio::spawn(async move {
            let mut faults = 0;
            loop {
                let fault = match listen(&bus, &events, &mut faults).await {
                    Ok(()) => "the subscription ended".to_owned(),
                    Err(fault) => fault.to_string(),
                };
                tracing::debug!(%fault, "the tail of the bus is opened again");
                tokio::time::sleep(edge::backoff(
                    faults,
                    Duration::from_millis(100),
                    Duration::from_secs(1),
                ))
                .await;
                faults += 1;
            }
        });
        tail
    }

    /// A feed that goes on after a position.
    #[must_use]
    pub fn feed(&self, log: Log) -> Feed {
        Feed {
            log,
            events: self.events.subscribe(),
        }
    }
}

async fn listen(
    bus: &Bus,
    events: &broadcast::Sender<Arc<Recorded>>,
    faults: &mut u32,
) -> Result<(), BusFault> {
    let stream = bus
        .jetstream
        .get_stream(STREAM)
        .await
        .map_err(BusFault::of)?;
    let config = pull::OrderedConfig {
        filter_subject: "vara.>".to_owned(),
        deliver_policy: DeliverPolicy::New,
        ..pull::OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(BusFault::of)?;
    let mut messages = consumer.messages().await.map_err(BusFault::of)?;
    while let Some(message) = messages.next().await {
        let message = message.map_err(BusFault::of)?;
        let event: Recorded = serde_json::from_slice(&message.payload).map_err(BusFault::of)?;
        // Nobody listening is no fault: readers that start later begin with the log.
        drop(events.send(Arc::new(event)));
        *faults = 0;
    }
    Ok(())
}

/// One reader's view: batches of events that follow each other without a gap.
#[derive(Debug)]
pub struct Feed {
    log: Log,
    events: broadcast::Receiver<Arc<Recorded>>,
}

impl Feed {
    /// The next events after a position, at most [`BATCH`]; empty when there are none for a while.
    ///
    /// # Errors
    /// [`ReadFault`] of the log; a fault of the bus only sends us there.
    pub async fn next(&mut self, after: i64) -> Result<Vec<Recorded>, ReadFault> {
        let deadline = tokio::time::Instant::now() + POLL;
        loop {
            let Ok(received) = tokio::time::timeout_at(deadline, self.events.recv()).await else {
                return self.logged(after).await;
            };
            match received {
                Ok(event) if event.position <= after => {}
                Ok(event) if event.position == after + 1 => return Ok(self.gather(event)),
                // A gap, a lag or a closed tail: the log knows.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    return self.logged(after).await;
                }
                Err(broadcast::error::RecvError::Closed) => {
                    tokio::time::sleep_until(deadline).await;
                    return self.logged(after).await;
                }
            }
        }
    }

    /// What the log has; a log that ends before the reader stands has lost what it saw.
    async fn logged(&self, after: i64) -> Result<Vec<Recorded>, ReadFault> {
        let (_, events) = self.log.read_on(after, BATCH as i64).await?;
        Ok(events)
    }

    /// This event and those that already wait behind it, as long as they follow each other.
    fn gather(&mut self, first: Arc<Recorded>) -> Vec<Recorded> {
        let mut last = first.position;
        let mut batch = vec![Recorded::clone(&first)];
        while batch.len() < BATCH {
            match self.events.try_recv() {
                Ok(event) if event.position == last + 1 => {
                    last = event.position;
                    batch.push(Recorded::clone(&event));
                }
                Ok(event) if event.position <= last => {}
                // What does not follow is dropped here and found in the log by the next call.
                Ok(_) | Err(_) => break,
            }
        }
        batch
    }
}
