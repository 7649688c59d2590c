//! What auditors ask of the log itself: replay it, export it, prove one event.

use crate::keys::Vault;
use crate::log::{Log, ReadFault};
use crate::stored::Stored;
use crate::unopened::{Keys, Unopened};
use proof::export::{ExportFault, Manifest, Writer};
use proof::{Fold, Hash, Tiles, VerifierKey};
use sqlx::PgPool;
use std::path::Path;

/// Events that are read at once.
const PAGE: i64 = 5_000;

/// What a replay saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// Events that were read and understood.
    pub count: u64,
    /// Position of the first one; 0 where there was none.
    pub from: i64,
    /// Position of the last one.
    pub to: i64,
    /// Root over all leaves from position 1; absent for one stream.
    pub root: Option<Hash>,
    /// The same over the events that were to be marked, where that many were read.
    pub marked: Option<Hash>,
}

/// Why an audit came to no good end. Everything that is not whole is one of these, never a shorter answer.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// An event is missing or cannot be read, or the connection was lost.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The export cannot be written.
    #[error(transparent)]
    Export(#[from] ExportFault),
    /// The sequence of a stream has a gap.
    #[error("stream {noun}/{stream} has no event with sequence {sequence}")]
    StreamGap {
        /// The noun.
        noun: String,
        /// The stream.
        stream: String,
        /// The missing sequence.
        sequence: i64,
    },
}

/// Reads every event up to a position, opens it and understands it; count, range and root, the root over the first
/// `mark` events among them.
///
/// # Errors
/// [`AuditFault`] at the first gap, unreadable event or lost connection.
pub async fn replay(
    pool: &PgPool,
    vault: &Vault,
    until: i64,
    mark: u64,
    told: impl Fn(u64),
) -> Result<Replayed, AuditFault> {
    let (mut position, mut fold, mut marked) = (0, Fold::default(), None);
    while position < until {
        let (mut events, mut broken) = (Vec::new(), None);
        for event in page(pool, position, until).await? {
            position = event.position;
            fold.push(event.leaf());
            if fold.size() == mark {
                marked = Some(fold.root());
            }
            match event.recorded() {
                Ok(recorded) => events.push(Unopened::from(recorded)),
                Err(fault) => {
                    broken = Some(fault);
                    break;
                }
            }
        }
        let mut keys = Keys::of(vault, events.iter()).await;
        for event in events {
            event.open(&mut keys).await.map_err(|(_, fault)| fault)?;
        }
        // Told after those before it, so that the first one is named.
        if let Some(fault) = broken {
            return Err(fault.into());
        }
        told(position.unsigned_abs());
    }
    Ok(Replayed {
        count: fold.size(),
        from: i64::from(position > 0),
        to: position,
        root: Some(fold.root()),
        marked,
    })
}

/// The same for one stream, given as noun and id: its sequence must be 1 to n.
///
/// # Errors
/// As [`replay`]; [`AuditFault::StreamGap`].
pub async fn replay_stream(
    pool: &PgPool,
    vault: &Vault,
    noun: &str,
    stream: &str,
    until: i64,
) -> Result<Replayed, AuditFault> {
    let log = Log::new(pool.clone());
    let (mut count, mut from, mut to) = (0, 0, 0);
    loop {
        let events = log.read_stream(noun, stream, to, until).await?;
        if events.is_empty() {
            break;
        }
        let events: Vec<Unopened> = events.into_iter().map(Unopened::from).collect();
        let mut keys = Keys::of(vault, events.iter()).await;
        for event in events {
            count += 1;
            if event.recorded().sequence != count {
                return Err(AuditFault::StreamGap {
                    noun: noun.to_owned(),
                    stream: stream.to_owned(),
                    sequence: count,
                });
            }
            to = event.recorded().position;
            from = if from == 0 { to } else { from };
            event.open(&mut keys).await.map_err(|(_, fault)| fault)?;
        }
    }
    Ok(Replayed {
        count: count.unsigned_abs(),
        from,
        to,
        root: None,
        marked: None,
    })
}

/// What an export takes beside the log.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The tree.
    pub tiles: &'a Tiles,
    /// The checkpoint that the export ends in.
    pub checkpoint: &'a str,
    /// The key that signed it.
    pub key: &'a VerifierKey,
    /// Sizes of older checkpoints that the reader holds: also a part of the record can then be compared with them.
    pub older: &'a [u64],
}

/// Writes the events of a range, with tiles and checkpoint, into an empty folder.
///
/// # Errors
/// [`AuditFault`]; a folder that was begun is no export, because its manifest is written last.
pub async fn export(
    pool: &PgPool,
    from: i64,
    to: i64,
    folder: &Path,
    evidence: &Evidence<'_>,
    told: impl Fn(u64),
) -> Result<Manifest, AuditFault> {
    let mut writer = Writer::create(folder, from.unsigned_abs())?;
    let mut position = from - 1;
    while position < to {
        for event in page(pool, position, to).await? {
            position = event.position;
            writer.write(&event.entry())?;
        }
        told((position - from + 1).unsigned_abs());
    }
    Ok(writer.finish(
        evidence.tiles,
        evidence.checkpoint,
        evidence.key,
        evidence.older,
    )?)
}

/// The next events after a position and up to another one, of which there must be one.
async fn page(pool: &PgPool, after: i64, until: i64) -> Result<Vec<Stored>, ReadFault> {
    let events = Stored::read(pool, after, until, PAGE).await?;
    match events.is_empty() {
        true => Err(ReadFault::Gap {
            position: after + 1,
        }),
        false => Ok(events),
    }
}
