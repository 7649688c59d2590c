//! The tree, its checkpoints, exports and their verification, as an auditor and as an attacker meet them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod checkpoints;
mod growing;
mod guarded;
mod honest;
mod hostile;
mod inclusion;
mod killed;
mod known_answers;
mod paths;
mod reference;
mod repaired;
mod support;
mod tampering;
mod throughput;
