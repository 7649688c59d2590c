//! Cosignatures of witnesses (C2SP tlog-cosignature): Ed25519, with the time at which the witness saw the tree.
//!
//! Ours, because `signed_note` knows the log's own signature type alone. The signed text is two lines and the note:
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! ```

use super::CheckpointFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use signed_note::Verifier;
use std::str::FromStr;

/// Signature type of a timestamped Ed25519 cosignature (C2SP signed-note, "Signature types").
const COSIGNATURE: u8 = 0x04;

/// What checks a witness's lines: `<name>+<key id in hex>+<base64 of 0x04 and the public key>`.
#[derive(Debug, Clone)]
pub struct WitnessKey {
    name: String,
    id: u32,
    public: VerifyingKey,
}

impl FromStr for WitnessKey {
    type Err = CheckpointFault;

    fn from_str(text: &str) -> Result<Self, CheckpointFault> {
        let read = || {
            let mut parts = text.trim_end_matches('\n').splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
            let key = STANDARD.decode(key).ok()?;
            let (kind, public) = key.split_first()?;
            let expected = format!("{:08x}", signed_note::key_id(name, &key));
            let fits = signed_note::is_key_name_valid(name) && *kind == COSIGNATURE;
            (fits && id == expected).then_some(())?;
            Some(Self {
                name: name.to_owned(),
                id: signed_note::key_id(name, &key),
                public: VerifyingKey::from_bytes(public.try_into().ok()?).ok()?,
            })
        };
        read().ok_or(CheckpointFault::Key(
            "a witness needs a name, an id and an Ed25519 public key for cosignatures",
        ))
    }
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, note: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk::<8>() else {
            return false;
        };
        let time = u64::from_be_bytes(*time);
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        let signed = [format!("cosignature/v1\ntime {time}\n").as_bytes(), note].concat();
        // The time must not exceed 2^63 - 1.
        i64::try_from(time).is_ok() && self.public.verify_strict(&signed, &signature).is_ok()
    }
}
