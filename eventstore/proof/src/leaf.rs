//! `vara.leaf.v1`: the verifier's own encoding of one event.
//!
//! The writer has its own elsewhere, so that one mistake is not made twice. All integers are big-endian; `lp(x)` is
//! the length of the UTF-8 bytes of x as u32, then the bytes:
//!
//! ```text
//! "vara.leaf.v1\0" || u64 position || lp(noun) || lp(stream) || u64 sequence || lp(event_type) || lp(event_version)
//!   || i64 recorded_at, microseconds since the Unix epoch || 16 bytes event_id
//!   || (0x00 | 0x01 || 16 bytes command_id)
//!   || SHA-256(payload as stored) || SHA-256(metadata as stored)
//! ```
//!
//! The leaf's hash is SHA-256(0x00 || input) (RFC 6962, section 2.1). A payload is hashed as it is stored: as
//! ciphertext where it is personal, so that erasing somebody's key leaves every proof valid.

use crate::entry::Entry;
use sha2::{Digest, Sha256};

/// The hash of one leaf: SHA-256(0x00 || leaf input).
pub type LeafHash = tlog_tiles::Hash;

/// Separates these bytes from all others that may ever be hashed, and names the version.
const DOMAIN: &[u8] = b"vara.leaf.v1\0";

/// A field that a leaf cannot hold: its length must fit 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field of the event at position {position} is longer than 4 GiB")]
pub struct TooLong {
    /// Where the event stands.
    pub position: u64,
}

/// The bytes that the event's leaf commits to.
///
/// # Errors
/// [`TooLong`].
pub fn leaf_input(entry: &Entry) -> Result<Vec<u8>, TooLong> {
    let mut out = Vec::with_capacity(320);
    let position = entry.position;
    let text = |out: &mut Vec<u8>, text: &str| {
        let length = u32::try_from(text.len()).map_err(|_| TooLong { position })?;
        out.extend(length.to_be_bytes());
        out.extend(text.as_bytes());
        Ok(())
    };
    out.extend(DOMAIN);
    out.extend(entry.position.to_be_bytes());
    text(&mut out, &entry.noun)?;
    text(&mut out, &entry.stream)?;
    out.extend(entry.sequence.to_be_bytes());
    text(&mut out, &entry.event_type)?;
    text(&mut out, &entry.event_version)?;
    out.extend(entry.recorded_at_us.to_be_bytes());
    out.extend(entry.event_id.0);
    match entry.command_id {
        None => out.push(0x00),
        Some(id) => {
            out.push(0x01);
            out.extend(id.0);
        }
    }
    out.extend(Sha256::digest(entry.payload.as_bytes()));
    out.extend(Sha256::digest(entry.metadata.as_bytes()));
    Ok(out)
}

/// The hash of the event's leaf.
///
/// # Errors
/// [`TooLong`].
pub fn leaf_hash(entry: &Entry) -> Result<LeafHash, TooLong> {
    Ok(tlog_tiles::record_hash(&leaf_input(entry)?))
}
