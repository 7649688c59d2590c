//! Executes commands: load, decide, append; once for each command id, whatever breaks in between.

use crate::edge;
pub use crate::execute_error::ExecuteError;
use crate::execute_error::{sorted, unreachable};
use crate::keys::Vault;
use crate::lane::{Lane, Outcome};
use crate::log::newest;
use crate::met::Met;
use crate::repository::{Reading, Repository};
use crate::snapshots::{Snapshots, WithSnapshots};
use crate::streams::Streams;
use crate::why::Why;
use cqrs_es::{Aggregate, AggregateContext, CqrsFramework, EventStore};
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Tries of one command when its stream moves on meanwhile.
const CONFLICT_TRIES: u32 = 4;
/// Tries of one command when the database does not answer; together about 6 s, longer than its restart.
const OUTAGE_TRIES: u32 = 6;

/// The entrance for commands. Cheap to clone; all clones of a process share one lane.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    streams: Streams,
    met: Met,
    snapshots: Snapshots,
    vault: Vault,
    lane: Lane,
    head: watch::Receiver<i64>,
}

/// A command is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// A reader that has come this far has seen the command's effect.
    pub position: i64,
    /// The same command had been done before; nothing new was appended.
    pub already_done: bool,
}

impl Store {
    /// Opens the store of this process.
    #[must_use]
    pub fn open(pool: PgPool, vault: Vault) -> Self {
        let (newest, head) = watch::channel(0);
        let lane = Lane::start(&pool, newest);
        Self {
            snapshots: Snapshots::new(pool.clone(), vault.clone()),
            streams: Streams::start(&pool),
            met: Met::nobody(),
            pool,
            vault,
            lane,
            head,
        }
    }

    /// Tells the newest position that this process appended, to wake readers.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// The database that holds the log.
    #[must_use]
    pub const fn database(&self) -> &PgPool {
        &self.pool
    }

    /// Keys of subjects.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The state of one stream, folded from the log now.
    ///
    /// # Errors
    /// [`ExecuteError`], but never `Refused` or `Conflict`.
    pub async fn load<A: Aggregate + 'static>(
        &self,
        stream: Uuid,
    ) -> Result<A, ExecuteError<A::Error>> {
        let store =
            WithSnapshots::<A>::new(self.repository(Reading::Alone), self.snapshots.clone());
        let mut context = store
            .load_aggregate(&stream.to_string())
            .await
            .map_err(sorted)?;
        Ok(std::mem::take(context.aggregate()))
    }

    /// Executes one command in a task of its own, so that a caller who goes away cannot stop it half-way.
    ///
    /// # Errors
    /// [`ExecuteError`]; only after `Unreachable` is it unknown whether the command was done.
    pub async fn execute<A>(
        &self,
        stream: Uuid,
        command: A::Command,
        why: Why,
    ) -> Result<Receipt, ExecuteError<A::Error>>
    where
        A: Aggregate + 'static,
        A::Command: Clone + Send + Sync + 'static,
        A::Error: Send + 'static,
        A::Services: Default,
    {
        let store = self.clone();
        let work = tokio::spawn(async move { store.execute_here::<A>(stream, command, why).await });
        work.await
            .map_err(|fault| ExecuteError::Broken(fault.to_string()))?
    }

    async fn execute_here<A>(
        &self,
        stream: Uuid,
        command: A::Command,
        why: Why,
    ) -> Result<Receipt, ExecuteError<A::Error>>
    where
        A: Aggregate + 'static,
        A::Command: Clone,
        A::Services: Default,
    {
        if self.met.is_first(A::TYPE, stream)
            && let Some(receipt) = self.begin::<A>(stream, command.clone(), &why).await
        {
            return Ok(receipt);
        }
        let (mut conflicts, mut outages) = (0, 0);
        loop {
            let reading = match outages {
                0 => Reading::Together(self.streams.clone()),
                _ => Reading::Alone,
            };
            match self.once::<A>(reading, stream, command.clone(), &why).await {
                Err(ExecuteError::Conflict) if conflicts + 1 < CONFLICT_TRIES => {
                    let wait = edge::backoff(
                        conflicts,
                        Duration::from_millis(5),
                        Duration::from_millis(50),
                    );
                    conflicts += 1;
                    tokio::time::sleep(wait).await;
                }
                Err(ExecuteError::Unreachable(_)) if outages + 1 < OUTAGE_TRIES => {
                    let wait =
                        edge::backoff(outages, Duration::from_millis(200), Duration::from_secs(2));
                    outages += 1;
                    tokio::time::sleep(wait).await;
                }
                answer => return answer,
            }
        }
    }

    /// Takes the stream for a new one and saves reading it, as most commands with events begin one. The append proves
    /// it, or finds the command done; whatever else comes of the try counts for nothing.
    async fn begin<A>(&self, stream: Uuid, command: A::Command, why: &Why) -> Option<Receipt>
    where
        A: Aggregate + 'static,
        A::Services: Default,
    {
        let (done, outcome) = self
            .attempt::<A>(Reading::Nothing, stream, command, why)
            .await;
        done.ok()?;
        receipt(outcome?)
    }

    async fn attempt<A>(
        &self,
        reading: Reading,
        stream: Uuid,
        command: A::Command,
        why: &Why,
    ) -> (Result<(), ExecuteError<A::Error>>, Option<Outcome>)
    where
        A: Aggregate + 'static,
        A::Services: Default,
    {
        let repository = self.repository(reading);
        repository.begin();
        let store = WithSnapshots::<A>::new(repository.clone(), self.snapshots.clone());
        let framework = CqrsFramework::new(store, vec![], A::Services::default());
        let done = framework
            .execute_with_metadata(&stream.to_string(), command, why.to_metadata())
            .await;
        (done.map_err(sorted), repository.end())
    }

    async fn once<A>(
        &self,
        reading: Reading,
        stream: Uuid,
        command: A::Command,
        why: &Why,
    ) -> Result<Receipt, ExecuteError<A::Error>>
    where
        A: Aggregate + 'static,
        A::Services: Default,
    {
        match self.attempt::<A>(reading, stream, command, why).await {
            (Ok(()), Some(outcome)) => receipt(outcome).ok_or(ExecuteError::Conflict),
            // Nothing to do, perhaps because an earlier try did it: then that is the answer. Else whoever has
            // read the whole log has seen why.
            (Ok(()), None) => {
                let position = match self.done_before(why.command_id).await {
                    Ok(Some(position)) => position,
                    Ok(None) => newest(&self.pool).await.map_err(unreachable)?,
                    Err(fault) => return Err(unreachable(fault)),
                };
                Ok(Receipt {
                    position,
                    already_done: true,
                })
            }
            // The same command may have been done by an earlier try, and be refused only because it was.
            (Err(ExecuteError::Refused(refusal)), _) => {
                match self.done_before(why.command_id).await {
                    Ok(Some(position)) => Ok(Receipt {
                        position,
                        already_done: true,
                    }),
                    Ok(None) => Err(ExecuteError::Refused(refusal)),
                    Err(fault) => Err(unreachable(fault)),
                }
            }
            (Err(other), _) => Err(other),
        }
    }

    async fn done_before(&self, command_id: Uuid) -> Result<Option<i64>, sqlx::Error> {
        sqlx::query_scalar("SELECT max(position) FROM events WHERE command_id = $1")
            .bind(command_id)
            .fetch_one(&self.pool)
            .await
    }

    fn repository(&self, reading: Reading) -> Repository {
        let (pool, vault, lane) = (self.pool.clone(), self.vault.clone(), self.lane.clone());
        Repository::new(pool, reading, vault, lane)
    }
}

/// Nothing when the stream had moved on.
fn receipt(outcome: Outcome) -> Option<Receipt> {
    let at = |position, already_done| Receipt {
        position,
        already_done,
    };
    match outcome {
        Outcome::Appended(position) => Some(at(position, false)),
        Outcome::AlreadyDone(position) => Some(at(position, true)),
        Outcome::Conflict => None,
    }
}
