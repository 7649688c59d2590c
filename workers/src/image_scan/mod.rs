//! The image scan: for each picture of a scan, ask the engines, record what they found, say what was not searched.

mod picture;
mod record;
#[cfg(test)]
pub(crate) mod tests;
mod watchdog;

use crate::providers::ImageSearch;
use domain::Event;
use domain::ids::{ImageId, ScanId, UserId, named};
use domain::scan::{BeginScan, CompleteScan, ScanCommand, ScanEvent, ScanKind, ScanSlot};
use eventstore::bus::Bus;
use eventstore::lease::{ATTEMPTS, Lease};
use eventstore::objects::Objects;
use eventstore::work::{self, Attempt, Queue};
use eventstore::{ExecuteError, Opened, ReadFault, Recorded, Store, Why, edge};
use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use uuid::Uuid;

/// Most pictures in work at once in one process; a scan works on one at a time. SCN-11 allows five, the engine's
/// sheet advises four, and one that waits for a place would only lose its time.
const AT_ONCE: usize = 4;
/// How often a scan is put back before it is given up: with the waits between a quarter of an hour (SCN-7).
const PUT_BACK_MAX: i32 = 35;
/// Who acts, in the record.
const ACTOR: &str = "worker:image-scan";

/// The queue of accepted scans.
pub const QUEUE: Queue = Queue {
    name: "image-scan",
    subject: "vara.*.scan.scan_started",
    at_once: AT_ONCE,
};

/// What the worker needs.
#[derive(Clone)]
pub struct ImageScan {
    /// Where commands go.
    pub store: Store,
    /// Where pictures lie.
    pub objects: Objects,
    /// The engine that looks for copies.
    pub engine: Arc<dyn ImageSearch>,
    /// The engine is a stand-in: what it finds is marked as such for ever (GEN-4).
    pub is_mock: bool,
}

impl std::fmt::Debug for ImageScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageScan({})", self.engine.name())
    }
}

/// One scan in work.
pub(crate) struct Job {
    owner: UserId,
    scan: ScanId,
    slot: Uuid,
    /// The circumstances of `ScanStarted`, and its id: the cause of all that follows.
    why: Why,
    cause: Uuid,
    lease: Lease,
}

impl Job {
    /// The scan that an event started; `None` when it started none of this kind.
    fn of(opened: Opened, lease: Lease) -> Option<Self> {
        let Event::Scan(ScanEvent::ScanStarted {
            owner,
            scan_id,
            kind: kind @ ScanKind::ImageScan,
            ..
        }) = opened.event
        else {
            return None;
        };
        Some(Self {
            owner,
            scan: scan_id,
            slot: ScanSlot::id(owner, kind),
            cause: opened.recorded.event_id,
            why: opened.why,
            lease,
        })
    }

    /// The command that does one thing for this scan: the same thing again is the same command.
    fn why(&self, what: &[&str]) -> Why {
        let scan = self.scan.to_string();
        let parts: Vec<&str> = std::iter::once(scan.as_str())
            .chain(what.iter().copied())
            .collect();
        self.why
            .following(self.cause, ACTOR, named("image-scan", &parts))
    }

    /// Nothing is recorded or sent for a scan that another worker took over.
    async fn is_ours(&self) -> Result<(), Unfinished> {
        self.lease.renew().await.map_err(Unfinished::in_the_way)
    }

    fn is_given_up(&self) -> bool {
        self.lease.attempt() > ATTEMPTS || self.lease.times_put_back() >= PUT_BACK_MAX
    }
}

/// One picture of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    image: ImageId,
    /// The scan has no other.
    is_alone: bool,
}

/// Why an attempt at a scan ended before the scan did.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// Something is in the way that may pass: a database, another worker.
    InTheWay(String),
    /// This attempt failed, and counts (SCN-8).
    Failed(String),
}

impl Unfinished {
    pub(crate) fn in_the_way(fault: impl Display) -> Self {
        Self::InTheWay(fault.to_string())
    }
}

/// Works on accepted scans until the process ends.
pub async fn run(bus: Bus, worker: ImageScan) {
    let attending = worker.clone();
    let database = worker.store.database().clone();
    let queue = work::run(bus, database, QUEUE, move |event, lease| {
        let worker = attending.clone();
        async move { worker.attend(event, lease).await }
    });
    tokio::join!(queue, watchdog::beat(&worker), watchdog::watch(&worker));
}

impl ImageScan {
    async fn attend(&self, event: Recorded, lease: Lease) -> Attempt {
        let scan_started = event.event_id;
        let opened = match event.open(self.store.vault()).await {
            Ok(opened) => opened,
            Err(ReadFault::Unreadable { what, .. }) => return Attempt::GiveUp(what),
            Err(fault) => {
                tracing::warn!(%scan_started, %fault, "a scan cannot be read yet");
                return Attempt::TryAgain;
            }
        };
        let Some(job) = Job::of(opened, lease) else {
            return Attempt::Done;
        };
        match self.work_on(&job).await {
            Ok(()) => Attempt::Done,
            Err(Unfinished::Failed(fault)) => Attempt::GiveUp(fault),
            // Not even its end could be told: people have to look at it.
            Err(Unfinished::InTheWay(fault)) if job.is_given_up() => Attempt::GiveUp(fault),
            Err(Unfinished::InTheWay(fault)) => {
                tracing::warn!(%scan_started, %fault, "a scan is tried again later");
                Attempt::TryAgain
            }
        }
    }

    async fn work_on(&self, job: &Job) -> Result<(), Unfinished> {
        let (scan_id, begun_at) = (job.scan, edge::now());
        let begin = BeginScan { scan_id, begun_at };
        self.tell(job, &["begin"], ScanCommand::Begin(begin))
            .await?;
        // Asked anew for each picture: what another attempt finished is not repeated.
        while let Some(unit) = self.next(job).await? {
            self.search_for(job, unit).await?;
        }
        let completed_at = edge::now();
        let complete = CompleteScan {
            scan_id,
            completed_at,
        };
        self.tell(job, &["complete"], ScanCommand::Complete(complete))
            .await
    }

    /// The first picture that nobody finished yet; none when the scan is over.
    async fn next(&self, job: &Job) -> Result<Option<Unit>, Unfinished> {
        let slot: ScanSlot = self
            .store
            .load(job.slot)
            .await
            .map_err(Unfinished::in_the_way)?;
        let open = slot.open(job.scan);
        Ok(open.and_then(|open| {
            let image = open.remaining().next()?;
            let is_alone = open.images.len() == 1;
            Some(Unit { image, is_alone })
        }))
    }

    async fn tell(&self, job: &Job, what: &[&str], command: ScanCommand) -> Result<(), Unfinished> {
        job.is_ours().await?;
        settled(
            self.store
                .execute::<ScanSlot>(job.slot, command, job.why(what))
                .await,
        )
    }
}

/// Whether a command is in the log, or was refused because there is nothing left to do.
pub(crate) fn settled<T, E: Error>(answer: Result<T, ExecuteError<E>>) -> Result<(), Unfinished> {
    match answer {
        Ok(_) | Err(ExecuteError::Refused(_)) => Ok(()),
        Err(
            fault @ (ExecuteError::Conflict
            | ExecuteError::Unreachable(_)
            | ExecuteError::Broken(_)),
        ) => Err(Unfinished::in_the_way(fault)),
    }
}
