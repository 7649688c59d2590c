//! Reading an object piece by piece: what comes is opened chunk by chunk, and at most one chunk waits in memory.

use super::ObjectFault;
use super::chunks::{CHUNK, Chunks, HEAD, MAGIC, SEALED, opened_length};
use crate::keys::{KeyError, SubjectKey};
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, try_unfold};
use object_store::GetResult;

/// Most bytes of an object that was sealed in one piece: the largest copy, which exceeds LIM-1, with nonce and tag.
const WHOLE_MAX: u64 = 24 * 1024 * 1024 + 24 + 16;

/// A picture that is being read. Each piece was proved before it is handed out; a fault in the middle means that the whole
/// is not what was stored.
pub struct Reading {
    /// Its length in bytes.
    pub length: u64,
    pieces: BoxStream<'static, Result<Bytes, ObjectFault>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({} bytes)", self.length)
    }
}

impl Reading {
    /// The pieces, in order.
    #[must_use]
    pub fn pieces(self) -> BoxStream<'static, Result<Bytes, ObjectFault>> {
        self.pieces
    }

    /// All of it.
    ///
    /// # Errors
    /// [`ObjectFault`], where a piece is not what was stored.
    pub async fn whole(mut self) -> Result<Vec<u8>, ObjectFault> {
        // No more is ever stored, whatever a changed length says.
        let mut all = Vec::with_capacity(usize::try_from(self.length.min(WHOLE_MAX)).unwrap_or(0));
        while let Some(piece) = self.pieces.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    /// Opens what a store found.
    pub(super) async fn of(
        found: GetResult,
        key: &SubjectKey,
        place: &str,
    ) -> Result<Self, ObjectFault> {
        let size = found.meta.size;
        let mut coming = Coming {
            from: found.into_stream(),
            held: BytesMut::new(),
        };
        coming.hold(HEAD).await?;
        if !coming.held.starts_with(&MAGIC) {
            return in_one_piece(coming, size, key, place).await;
        }
        let head = coming.held.split_to(HEAD.min(coming.held.len()));
        let head = <[u8; HEAD]>::try_from(head.as_ref()).map_err(|_| KeyError::Sealed)?;
        let length = opened_length(size).ok_or(KeyError::Sealed)?;
        let chunks = Chunks::of(head, key, place)?;
        let pieces = try_unfold(Some((coming, chunks)), |rest| async move {
            match rest {
                Some((coming, chunks)) => next(coming, chunks).await,
                None => Ok(None),
            }
        });
        Ok(Self {
            length,
            pieces: pieces.boxed(),
        })
    }
}

type Rest = Option<(Coming, Chunks)>;

/// The next chunk, and what is left after it.
async fn next(
    mut coming: Coming,
    mut chunks: Chunks,
) -> Result<Option<(Bytes, Rest)>, ObjectFault> {
    // One byte more than a chunk tells that another one follows.
    coming.hold(SEALED + 1).await?;
    let is_last = coming.held.len() <= SEALED;
    let sealed = coming.held.split_to(coming.held.len().min(SEALED));
    let opened = chunks.open(&sealed, is_last)?;
    if !is_last && opened.len() != CHUNK {
        return Err(KeyError::Sealed.into());
    }
    let rest = (!is_last).then_some((coming, chunks));
    Ok(Some((opened.into(), rest)))
}

/// What was sealed before there were chunks: nonce, ciphertext and tag in one piece.
async fn in_one_piece(
    mut coming: Coming,
    size: u64,
    key: &SubjectKey,
    place: &str,
) -> Result<Reading, ObjectFault> {
    let size = usize::try_from(size.min(WHOLE_MAX + 1)).unwrap_or(usize::MAX);
    if size as u64 > WHOLE_MAX {
        return Err(KeyError::Sealed.into());
    }
    coming.hold(size).await?;
    let opened = Bytes::from(key.open(&coming.held, place)?);
    Ok(Reading {
        length: opened.len() as u64,
        pieces: futures::stream::iter([Ok(opened)]).boxed(),
    })
}

/// Bytes on their way from a store.
struct Coming {
    from: BoxStream<'static, object_store::Result<Bytes>>,
    held: BytesMut,
}

impl Coming {
    /// Waits until so many bytes are here, or all of them.
    async fn hold(&mut self, wanted: usize) -> Result<(), ObjectFault> {
        while self.held.len() < wanted {
            match self.from.next().await {
                Some(bytes) => self.held.extend_from_slice(&bytes?),
                None => break,
            }
        }
        Ok(())
    }
}
