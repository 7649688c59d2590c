//! Verifies an export: are these the events that were signed, all of them, each once and in order?
//!
//! One pass over the events, one line in memory at a time; what is kept is 16 bytes for each event id, the name of
//! each stream, and one hash for each level of the tree. A second pass only looks for the place where something is
//! wrong.

mod finding;
mod leaves;
mod order;
mod signed;

pub use finding::{Finding, Wrong};

use crate::checkpoint::{Checkpoint, CheckpointFault, VerifierKey, WitnessKey};
use crate::export::{Export, ExportFault};
use crate::leaf::TooLong;
use leaves::Leaves;
use order::Order;
use std::path::Path;
use tlog_tiles::Hash;

/// Most findings of one answer: an export with more of them needs no longer list.
pub const FINDINGS_MAX: usize = 100;
/// Progress is told after each so many events.
const PROGRESS_EVERY: u64 = 10_000;

/// What to verify an export against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Text of an older checkpoint of the same log, as somebody outside kept it. Without one, whoever has the signing
    /// key can have rewritten everything.
    pub against: Option<&'a str>,
    /// The log's key, from somewhere else than the export. Without one, the export's own key is taken, and
    /// [`Report::key_from_export`] says so.
    pub key: Option<&'a VerifierKey>,
    /// Witnesses whose cosignatures are checked where there are any.
    pub witnesses: &'a [WitnessKey],
    /// Whether the export must hold every event that its checkpoint covers. A partial export is a finding then.
    pub whole: bool,
}

/// What was verified: an export without findings.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The log.
    pub origin: String,
    /// Position of the first event.
    pub from: u64,
    /// Position of the last event; `from - 1` where there is none.
    pub to: u64,
    /// How many events the signed tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Whether the export holds every event of the tree.
    pub whole: bool,
    /// How many streams the events belong to.
    pub streams: u64,
    /// The key of the signature, as text.
    pub key: String,
    /// Whether that key came from the export itself: then nothing says whose signature it is.
    pub key_from_export: bool,
    /// Size of the older checkpoint that was compared with.
    pub against: Option<u64>,
    /// Names of the given witnesses who cosigned the checkpoint.
    pub witnesses: Vec<String>,
}

/// Why an export was not verified.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// It was read, and something in it is wrong. Never empty; in order of position.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Findings(Vec<Finding>),
    /// It cannot be read, or lacks what it takes to verify it.
    #[error(transparent)]
    Fault(#[from] ExportFault),
}

impl From<TooLong> for NotVerified {
    fn from(fault: TooLong) -> Self {
        Self::Fault(ExportFault::NotAnEvent {
            line: fault.position,
            reason: fault.to_string(),
        })
    }
}

/// Verifies the export in this folder; `progress` is told how many events were read so far.
///
/// # Errors
/// [`NotVerified::Findings`], when something is wrong; [`NotVerified::Fault`], when it cannot be read.
pub fn verify(
    folder: &Path,
    options: &Options<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, NotVerified> {
    let export = Export::open(folder)?;
    let own = options.key.is_none().then(|| export.key()).transpose()?;
    let Some(key) = options.key.or(own.as_ref()) else {
        return Err(ExportFault::Missing(crate::export::VERIFIER_KEY).into());
    };
    let from = export.manifest.from;
    let opened = key.open_with(&export.note, options.witnesses);
    let opened = opened.map_err(|fault| signature(from, fault, Wrong::Signature))?;
    let older = options.against.map(|note| key.open(note)).transpose();
    let older = older.map_err(|fault| signature(from, fault, Wrong::OlderSignature))?;
    let now = opened.checkpoint;
    let findings = compare(&export, &now, older.as_ref(), options.whole);
    if !findings.is_empty() {
        return Err(NotVerified::Findings(findings));
    }
    let streams = read_events(&export, &now, older.as_ref(), progress)?;
    let manifest = &export.manifest;
    Ok(Report {
        from,
        to: manifest.to,
        whole: is_whole(&export, &now),
        origin: now.origin,
        size: now.size,
        root: now.root,
        streams,
        key: key.to_string(),
        key_from_export: own.is_some(),
        against: older.map(|older| older.size),
        witnesses: opened.witnesses,
    })
}

/// Whether the export holds every event that the checkpoint covers.
const fn is_whole(export: &Export, now: &Checkpoint) -> bool {
    export.manifest.from == 1 && export.manifest.to == now.size
}

/// A signature that does not fit is a finding; a text that is no checkpoint cannot be read at all.
fn signature(position: u64, fault: CheckpointFault, wrong: fn(String) -> Wrong) -> NotVerified {
    match fault {
        CheckpointFault::NotSigned { .. }
        | CheckpointFault::BadSignature { .. }
        | CheckpointFault::OtherOrigin { .. } => NotVerified::Findings(vec![Finding {
            position,
            wrong: wrong(fault.to_string()),
        }]),
        CheckpointFault::Malformed(_)
        | CheckpointFault::Key(_)
        | CheckpointFault::KeyFile { .. } => NotVerified::Fault(fault.into()),
    }
}

/// What checkpoints and `export.json` say of each other.
fn compare(
    export: &Export,
    now: &Checkpoint,
    older: Option<&Checkpoint>,
    whole: bool,
) -> Vec<Finding> {
    let manifest = &export.manifest;
    let mut findings = Vec::new();
    let mut find = |position, wrong| findings.push(Finding { position, wrong });
    if manifest.origin != now.origin {
        let (says, signed) = (manifest.origin.clone(), now.origin.clone());
        find(manifest.from, Wrong::Origin { says, signed });
    }
    if manifest.to > now.size {
        find(now.size + 1, Wrong::NotSigned { size: now.size });
    }
    if whole && !is_whole(export, now) {
        let missing = if manifest.from > 1 {
            1
        } else {
            manifest.to + 1
        };
        find(missing, Wrong::Partial { size: now.size });
    }
    if let Some(older) = older.filter(|older| older.size > now.size) {
        let (older, now) = (older.size, now.size);
        find(now + 1, Wrong::Shorter { older, now });
    }
    findings
}

/// Reads all events and checks their order and their leaves; gives the number of streams.
fn read_events(
    export: &Export,
    now: &Checkpoint,
    older: Option<&Checkpoint>,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, NotVerified> {
    let mut order = Order::new(export.manifest.from);
    let mut leaves = Leaves::new(export, now, older);
    let mut findings = Vec::new();
    let mut read = || -> Result<(), NotVerified> {
        for entry in export.entries()? {
            let entry = entry?;
            order.check(&entry, &mut findings);
            leaves.check(&entry, &mut findings)?;
            if findings.len() >= FINDINGS_MAX {
                return Ok(());
            }
            if order.count().is_multiple_of(PROGRESS_EVERY) {
                progress(order.count());
            }
        }
        order.end(export.manifest.to, &mut findings);
        leaves.end(&mut findings)
    };
    let read = read();
    progress(order.count());
    // What is known to be wrong is not hidden by what cannot be read after it.
    if findings.is_empty() {
        read?;
    }
    if findings.is_empty() {
        return Ok(order.streams());
    }
    findings.sort_by_key(|finding: &Finding| finding.position);
    findings.truncate(FINDINGS_MAX);
    Err(NotVerified::Findings(findings))
}
