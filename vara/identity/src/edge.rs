//! Where this service reads the clock and draws ids and chance; nowhere else.
//!
//! It cannot use `eventstore::edge`: it stands for an outside service and knows nothing of ours.

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

/// The present time, to the microsecond, which is what the database keeps.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of a stand-in for an outside service"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// A fresh random id.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of a stand-in for an outside service"
)]
pub(crate) fn fresh_id() -> Uuid {
    Uuid::new_v4()
}

/// Random bytes of the operating system, fit for keys.
pub(crate) fn fresh_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
