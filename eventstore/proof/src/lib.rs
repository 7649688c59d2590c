//! What auditors verify the record with: without a database, and without the code that writes it.
//!
//! Every event of the log is one leaf of a Merkle tree (RFC 6962). The tree stands in a folder of tiles, its size
//! and root are signed as a checkpoint, and an export carries events, tiles and checkpoint together:
//!
//! | question | answer |
//! |---|---|
//! | are these the events that were signed, all of them, each once and in order? | [`verify()`] |
//! | was anything changed since an older checkpoint that I kept? | [`verify()`], with [`Options::against`] |
//! | is this one event in the record? | [`prove`], [`verify_inclusion`] |
//!
//! Formats: tiles after [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), checkpoints after
//! [tlog-checkpoint](https://c2sp.org/tlog-checkpoint), their text after
//! [signed-note](https://c2sp.org/signed-note), leaves after `vara.leaf.v1` ([`leaf`]), exports after
//! `vara.export.v1` ([`export`]).
//!
//! Absent on purpose: no database, no network, no clock, no async. Payloads enter the tree as they are stored, that
//! is as ciphertext where they are personal, so that proofs stay valid after somebody's data was erased.

mod bounded;
pub mod checkpoint;
mod entry;
pub mod export;
mod inclusion;
pub mod leaf;
mod ledger;
mod tiles;
mod tree;
pub mod verify;

pub use checkpoint::{Checkpoint, CheckpointFault, Opened, SigningKey, VerifierKey, WitnessKey};
pub use entry::{Entry, Id, NotAnId};
pub use inclusion::{Proof, ProofFault, prove, verify_inclusion};
pub use leaf::{LeafHash, TooLong};
pub use ledger::{Ledger, LedgerFault};
pub use tiles::Tiles;
pub use tlog_tiles::Hash;
pub use tree::{Fold, NotProven, SIZE_MAX, check_consistency, check_inclusion};
pub use verify::{Finding, NotVerified, Options, Report, Wrong, verify};
