//! A proof about one event that needs nothing else: no export, no folder, no network.
//!
//! As JSON: the event, its index, the size of the tree, the hashes that lead to its root (base64), and the signed
//! checkpoint. At a million events the proof takes about a kilobyte beside the event and the checkpoint.

use crate::bounded;
use crate::checkpoint::{Checkpoint, CheckpointFault, VerifierKey};
use crate::entry::Entry;
use crate::export::LINE_BYTES_MAX;
use crate::leaf::{TooLong, leaf_hash};
use crate::ledger::LedgerFault;
use crate::tiles::Tiles;
use crate::tree::{NotProven, check_inclusion};
use serde::{Deserialize, Serialize, Serializer};
use std::path::{Path, PathBuf};
use tlog_tiles::Hash;

/// Longest proof that is read, in bytes: the longest event, and a megabyte around it.
const PROOF_BYTES_MAX: u64 = LINE_BYTES_MAX as u64 + 1024 * 1024;

/// A proof that one event is in the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The event, as in an export.
    pub event: Entry,
    /// Index of its leaf: its position less one.
    pub index: u64,
    /// Size of the tree: that of the checkpoint.
    pub size: u64,
    /// From the leaf's sibling up to the root's child (RFC 6962, section 2.1.1).
    #[serde(serialize_with = "as_base64")]
    pub hashes: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why a proof cannot be made, or proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofFault {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The text is no proof.
    #[error("this is not a proof: {0}")]
    Malformed(String),
    /// Index or size contradict event or checkpoint.
    #[error("the proof contradicts itself: {0}")]
    Contradiction(&'static str),
    /// The checkpoint is not taken.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// The event is not the one that was signed.
    #[error("the event at position {position} is not in the signed record: {cause}")]
    NotProven {
        /// Where the event claims to stand.
        position: u64,
        /// What is wrong.
        cause: NotProven,
    },
    /// The tree cannot be read.
    #[error(transparent)]
    Tree(#[from] LedgerFault),
    /// The event has no leaf.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// Makes a proof for an event, and verifies it before handing it out.
///
/// # Errors
/// [`ProofFault`]: the checkpoint does not cover the event or is not signed by this key, a tile cannot be read, or
/// the event is not that of the tree.
pub fn prove(
    tiles: &Tiles,
    event: Entry,
    note: &str,
    key: &VerifierKey,
) -> Result<Proof, ProofFault> {
    let size = key.open(note)?.size;
    let index = event.position.wrapping_sub(1);
    if index >= size {
        return Err(ProofFault::Contradiction(
            "the checkpoint does not cover the event",
        ));
    }
    let proof = Proof {
        hashes: tiles.inclusion(index, size)?,
        event,
        index,
        size,
        checkpoint: note.to_owned(),
    };
    proof.verify(key)?;
    Ok(proof)
}

/// Reads a proof from a file and verifies it with the log's key, which must come from somewhere else.
///
/// # Errors
/// As [`Proof::verify`]; [`ProofFault::Io`] and [`ProofFault::Malformed`] for a file that is no proof.
pub fn verify_inclusion(file: &Path, key: &VerifierKey) -> Result<Proof, ProofFault> {
    let text = bounded::read_text(file, PROOF_BYTES_MAX).map_err(|cause| ProofFault::Io {
        path: file.to_owned(),
        cause,
    })?;
    let text = text.ok_or_else(|| ProofFault::Malformed("there is no such file".to_owned()))?;
    let proof: Proof = serde_json::from_str(&text).map_err(|fault| {
        let (line, column) = (fault.line(), fault.column());
        ProofFault::Malformed(format!("line {line}, column {column} makes no sense"))
    })?;
    proof.verify(key)?;
    Ok(proof)
}

impl Proof {
    /// Verifies that the event is in the record that this key signed; gives the checkpoint that says so.
    ///
    /// # Errors
    /// [`ProofFault`]: what is wrong.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, ProofFault> {
        let checkpoint = key.open(&self.checkpoint)?;
        if self.size != checkpoint.size {
            return Err(ProofFault::Contradiction(
                "its size is not that of the checkpoint",
            ));
        }
        if Some(self.index) != self.event.position.checked_sub(1) {
            return Err(ProofFault::Contradiction(
                "its index is not that of the event",
            ));
        }
        let (position, leaf) = (self.event.position, leaf_hash(&self.event)?);
        check_inclusion(&self.hashes, self.size, checkpoint.root, self.index, leaf)
            .map_err(|cause| ProofFault::NotProven { position, cause })?;
        Ok(checkpoint)
    }
}

fn as_base64<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hashes.iter().map(ToString::to_string))
}
