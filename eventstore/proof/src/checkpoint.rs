//! What the log signs about its tree (C2SP tlog-checkpoint): its name, its size and its root, as a signed note.
//!
//! ```text
//! vara/7c2f
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — vara/7c2f Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```
//!
//! The first line, the origin, is also the name of the key. A note may carry further lines of witnesses who say that
//! they saw the tree grow and never change; they stay in the text and can be checked with [`VerifierKey::open_with`].

mod key;
mod witness;

pub use key::{SigningKey, VerifierKey};
pub use witness::WitnessKey;

use crate::tree::SIZE_MAX;
use signed_note::{Note, NoteError, Verifier, VerifierList};
use tlog_tiles::Hash;

/// Longest note that is read, in bytes.
const NOTE_BYTES_MAX: usize = crate::tiles::NOTE_BYTES_MAX as usize;

/// The tree at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Names the log, as `vara/<log id>`: neither spaces nor `+`.
    pub origin: String,
    /// How many leaves the tree had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// A checkpoint whose signature was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Names of the given witnesses who cosigned it.
    pub witnesses: Vec<String>,
}

/// Why a checkpoint or a key is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointFault {
    /// The text is no checkpoint.
    #[error("this is not a checkpoint: {0}")]
    Malformed(&'static str),
    /// Nobody whose key was given signed it.
    #[error("the checkpoint is not signed by the key {key}")]
    NotSigned {
        /// The key, as text.
        key: String,
    },
    /// A signature of a known key does not fit the text.
    #[error("the signature of {name} does not fit the checkpoint: it was changed after signing")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// The key is that of another log.
    #[error("the checkpoint is about the log {origin}, and the key belongs to {name}")]
    OtherOrigin {
        /// The log of the checkpoint.
        origin: String,
        /// The key's name.
        name: String,
    },
    /// The text is no key.
    #[error("this is not a key: {0}")]
    Key(&'static str),
    /// The file of the signing key can be neither read nor made.
    #[error("the signing key {path}: {reason}")]
    KeyFile {
        /// Where.
        path: String,
        /// What is wrong; never what it holds.
        reason: String,
    },
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self) -> Result<Vec<u8>, CheckpointFault> {
        // The crate would let a line break into the origin.
        if !signed_note::is_key_name_valid(&self.origin) {
            return Err(CheckpointFault::Malformed("its origin is not a name"));
        }
        let text = tlog_tiles::Checkpoint::new(&self.origin, self.size, self.root, "");
        let malformed = |_| CheckpointFault::Malformed("its lines cannot be written");
        Ok(text.map_err(malformed)?.to_bytes())
    }

    fn read(text: &[u8]) -> Result<Self, CheckpointFault> {
        let malformed = |_| CheckpointFault::Malformed("it needs an origin, a size and a root");
        let read = tlog_tiles::Checkpoint::from_bytes(text).map_err(malformed)?;
        if read.size() > SIZE_MAX {
            return Err(CheckpointFault::Malformed("its tree is impossibly large"));
        }
        Ok(Self {
            origin: read.origin().to_owned(),
            size: read.size(),
            root: *read.hash(),
        })
    }
}

impl VerifierKey {
    /// Checks the signature and reads the checkpoint.
    ///
    /// # Errors
    /// [`CheckpointFault`]: malformed, not signed by this key, changed after signing, or about another log.
    pub fn open(&self, note: &str) -> Result<Checkpoint, CheckpointFault> {
        Ok(self.open_with(note, &[])?.checkpoint)
    }

    /// As [`VerifierKey::open`]; checks the cosignatures of these witnesses as well, and says which of them cosigned.
    ///
    /// # Errors
    /// As [`VerifierKey::open`]; [`CheckpointFault::BadSignature`] also for a witness.
    pub fn open_with(
        &self,
        note: &str,
        witnesses: &[WitnessKey],
    ) -> Result<Opened, CheckpointFault> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(CheckpointFault::Malformed("it is too long"));
        }
        let signed = Note::from_bytes(note.as_bytes());
        let signed = signed.map_err(|_| CheckpointFault::Malformed("it is not a signed note"))?;
        let checkpoint = Checkpoint::read(signed.text())?;
        let mut known: Vec<Box<dyn Verifier>> = vec![Box::new(self.verifier.clone())];
        known.extend(
            witnesses
                .iter()
                .map(|w| Box::new(w.clone()) as Box<dyn Verifier>),
        );
        let verified = signed.verify(&VerifierList::new(known));
        let (verified, _unknown) = verified.map_err(|fault| self.refused(fault))?;
        let (ours, cosigned): (Vec<_>, Vec<_>) = verified
            .iter()
            .partition(|s| (s.name(), s.id()) == (self.verifier.name(), self.verifier.key_id()));
        if ours.is_empty() {
            return Err(self.not_signed());
        }
        if checkpoint.origin != self.name() {
            return Err(CheckpointFault::OtherOrigin {
                origin: checkpoint.origin,
                name: self.name().to_owned(),
            });
        }
        let witnesses = cosigned.iter().map(|s| s.name().to_owned()).collect();
        Ok(Opened {
            checkpoint,
            witnesses,
        })
    }

    fn not_signed(&self) -> CheckpointFault {
        CheckpointFault::NotSigned {
            key: self.to_string(),
        }
    }

    fn refused(&self, fault: NoteError) -> CheckpointFault {
        match fault {
            NoteError::InvalidSignature { name, .. } => CheckpointFault::BadSignature { name },
            NoteError::UnverifiedNote => self.not_signed(),
            NoteError::MalformedNote
            | NoteError::InvalidSigner
            | NoteError::MismatchedVerifier
            | NoteError::VerificationError(_)
            | NoteError::SignatureError(_) => {
                CheckpointFault::Malformed("its signatures cannot be told apart")
            }
        }
    }
}

impl SigningKey {
    /// Signs the tree at this moment; the same checkpoint gives the same text (RFC 8032). Whoever signs has made sure
    /// that the tree extends every one signed before ([`crate::Ledger::extends`]).
    ///
    /// # Errors
    /// [`CheckpointFault::Malformed`] for sizes that no log has.
    pub fn sign(&self, size: u64, root: Hash) -> Result<String, CheckpointFault> {
        if size > SIZE_MAX {
            return Err(CheckpointFault::Malformed("its tree is impossibly large"));
        }
        let checkpoint = Checkpoint {
            origin: self.verifier().name().to_owned(),
            size,
            root,
        };
        let malformed = |_| CheckpointFault::Malformed("it cannot be signed");
        let mut note = Note::new(&checkpoint.text()?, &[]).map_err(malformed)?;
        note.add_sigs(&[self.signer()]).map_err(malformed)?;
        let not_text = |_| CheckpointFault::Malformed("it is not UTF-8 text");
        String::from_utf8(note.to_bytes()).map_err(not_text)
    }
}
