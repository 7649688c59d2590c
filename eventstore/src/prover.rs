//! The prover: reads the log in order, off the append path, and keeps the tree whose root is signed.
//!
//! Once a second, while there is something new, it signs a checkpoint. Tiles and checkpoint are files that anybody may
//! have: they hold hashes of ciphertext, and nothing else.

use crate::checkpoint::{self, Lease};
use crate::edge;
use crate::feed::{POLL, appended};
use crate::kill_point;
use crate::log::ReadFault;
use crate::stored::Stored;
use proof::{Checkpoint, CheckpointFault, LeafHash, Ledger, LedgerFault, SigningKey, VerifierKey};
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The prover's name among the readers of the log.
pub const NAME: &str = "proof";
/// Most events that become leaves at once.
const BATCH: i64 = 10_000;
/// Least time between two checkpoints: a little under a second, so that the newest is never more than one behind.
const SIGNED_EVERY: Duration = Duration::from_millis(900);

/// Why the proof cannot go on. Nothing of it is ever changed to fit the log.
#[derive(Debug, thiserror::Error)]
pub enum ProveFault {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The tree cannot be read or written.
    #[error(transparent)]
    Tree(#[from] LedgerFault),
    /// The key or the last checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// The log is not the one that was signed.
    #[error(
        "the log is not the one that was signed: {0}; docs/operating.md, \"When the log lost its tail\", has the way on"
    )]
    OtherLog(String),
    /// A task ended.
    #[error("the tree's task ended: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

impl From<sqlx::Error> for ProveFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Read(fault.into())
    }
}

/// Where the tree and its key lie.
#[derive(Debug, Clone)]
pub struct Place {
    /// Folder of tiles and checkpoint; may be served as it is.
    pub folder: PathBuf,
    /// File of the signing key.
    pub key: PathBuf,
}

/// The name of a log: where its checkpoints come from.
///
/// # Errors
/// When the database does not answer.
pub async fn origin(pool: &PgPool) -> Result<String, sqlx::Error> {
    let epoch: uuid::Uuid = sqlx::query_scalar("SELECT epoch FROM log_epoch")
        .fetch_one(pool)
        .await?;
    Ok(format!("vara/{epoch}"))
}

/// What others check this log's checkpoints with; no key is made for it.
///
/// # Errors
/// When key or database cannot be read.
pub async fn verifier(pool: &PgPool, key: &Path) -> Result<VerifierKey, ProveFault> {
    let origin = origin(pool).await?;
    Ok(SigningKey::read(key, &origin)?.verifier().clone())
}

/// Keeps the tree current until the process ends. Faults are waited out; a log that is not the one that was signed
/// stops it for good, with the reason said again every few minutes.
pub async fn run(pool: PgPool, place: Place, head: watch::Receiver<i64>) {
    let mut faults = 0;
    loop {
        let fault = match follow(&pool, &place, head.clone(), &mut faults).await {
            Ok(()) => {
                // Another process keeps it.
                tokio::time::sleep(checkpoint::LEASE / 6).await;
                continue;
            }
            Err(fault) => fault,
        };
        tracing::warn!(%fault, "the proof waits and starts again");
        let most = match fault {
            ProveFault::OtherLog(_) | ProveFault::Checkpoint(_) => Duration::from_secs(120),
            ProveFault::Read(_) | ProveFault::Tree(_) | ProveFault::Ended(_) => {
                Duration::from_secs(2)
            }
        };
        tokio::time::sleep(edge::backoff(faults, Duration::from_millis(100), most)).await;
        faults += 1;
    }
}

async fn follow(
    pool: &PgPool,
    place: &Place,
    mut head: watch::Receiver<i64>,
    faults: &mut u32,
) -> Result<(), ProveFault> {
    let mut lease = Lease::new(pool.clone(), NAME, edge::this_process());
    if lease.renew().await?.is_none() {
        return Ok(());
    }
    let mut tree = Tree::open(pool, place).await?;
    let mut signed = None::<Instant>;
    loop {
        let events = tree.following(pool).await?;
        let is_all = events.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        if !events.is_empty() {
            tree.append(events).await?;
            kill_point("proof:appended");
            *faults = 0;
        }
        let due = signed.map_or_else(Instant::now, |at| at + SIGNED_EVERY);
        if tree.is_unsigned() && due <= Instant::now() {
            tree.sign().await?;
            signed = Some(Instant::now());
            // Its own files say where it stands; the row is for whoever asks.
            checkpoint::advance(pool, NAME, 0, tree.size()).await?;
        }
        if lease.renew().await?.is_none() {
            return Ok(());
        }
        if is_all {
            // Never in a hurry: each append to the tree is a write to the disk that commands wait for too. But what
            // waits for a checkpoint gets it in time.
            let rests = async {
                tokio::time::sleep(POLL).await;
                appended(&mut head).await;
            };
            match tree.is_unsigned() {
                true => drop(tokio::time::timeout_at(due, rests).await),
                false => rests.await,
            }
        }
    }
}

/// The open tree. Its files are written on threads that may block.
struct Tree {
    ledger: Arc<Mutex<Ledger>>,
    key: Arc<SigningKey>,
    size: i64,
    last: Option<LeafHash>,
    signed: u64,
}

impl Tree {
    /// Opens the tree, and makes sure that it grew from what was signed last.
    async fn open(pool: &PgPool, place: &Place) -> Result<Self, ProveFault> {
        let origin = origin(pool).await?;
        let (folder, key) = (place.folder.clone(), place.key.clone());
        let opened = tokio::task::spawn_blocking(move || open(&folder, &key, &origin));
        let (ledger, key, signed) = opened.await??;
        let size = i64::try_from(ledger.size()).unwrap_or(i64::MAX);
        let last = ledger.size().checked_sub(1);
        Ok(Self {
            last: last.map(|at| ledger.leaf(at)).transpose()?,
            ledger: Arc::new(Mutex::new(ledger)),
            key: Arc::new(key),
            size,
            signed,
        })
    }

    const fn size(&self) -> i64 {
        self.size
    }

    const fn is_unsigned(&self) -> bool {
        self.size.unsigned_abs() > self.signed
    }

    /// The events after the tree's last one, which is read again with them: the log may have lost it a moment ago.
    async fn following(&self, pool: &PgPool) -> Result<Vec<Stored>, ProveFault> {
        let Some(last) = self.last else {
            return Ok(Stored::read(pool, 0, i64::MAX, BATCH).await?);
        };
        let mut events = Stored::read(pool, self.size - 1, i64::MAX, BATCH + 1).await?;
        if events.first().map(Stored::leaf) != Some(last) {
            let why = format!("it does not hold what was proved at position {}", self.size);
            return Err(ProveFault::OtherLog(why));
        }
        Ok(events.split_off(1))
    }

    async fn append(&mut self, events: Vec<Stored>) -> Result<(), ProveFault> {
        let (ledger, from) = (Arc::clone(&self.ledger), self.size.unsigned_abs());
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let appended = tokio::task::spawn_blocking(move || {
            let leaves: Vec<_> = events.iter().map(Stored::leaf).collect();
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.append_from(from, &leaves)?;
            Ok::<_, LedgerFault>(leaves.last().copied())
        });
        self.last = appended.await??.or(self.last);
        self.size += count;
        Ok(())
    }

    async fn sign(&mut self) -> Result<(), ProveFault> {
        let (ledger, key) = (Arc::clone(&self.ledger), Arc::clone(&self.key));
        let signed = tokio::task::spawn_blocking(move || {
            let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let note = key.sign(ledger.size(), ledger.root())?;
            ledger.publish(&note)?;
            Ok::<_, ProveFault>(ledger.size())
        });
        self.signed = signed.await??;
        Ok(())
    }
}

/// Tree, key, and the size that was signed last. An empty tree counts as signed.
fn open(folder: &Path, key: &Path, origin: &str) -> Result<(Ledger, SigningKey, u64), ProveFault> {
    let key = SigningKey::read_or_create(key, origin)?;
    let ledger = Ledger::open(folder)?;
    let last: Checkpoint = match ledger.read("checkpoint") {
        Ok(note) => key.verifier().open(&String::from_utf8_lossy(&note))?,
        Err(LedgerFault::NoSuchPath | LedgerFault::Missing(_)) => return Ok((ledger, key, 0)),
        Err(fault) => return Err(fault.into()),
    };
    if !ledger.extends(&last)? {
        let why = format!(
            "the tree did not grow from the checkpoint over {} events",
            last.size
        );
        return Err(ProveFault::OtherLog(why));
    }
    Ok((ledger, key, last.size))
}
