//! A picture at rest, sealed chunk by chunk: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance", 2015) over ChaCha20-Poly1305 (RFC 8439).
//!
//! Head, then chunks: `magic | salt | chunk | chunk | last chunk`. The key is made of the owner's key, the salt, and the
//! place, so an object opens nowhere else. Each nonce holds the chunk's number and whether it is the last one: what is cut
//! short, put in another order or mixed with another object does not open.

use crate::keys::{KeyError, SubjectKey};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::stream::{NewStream, Nonce, StreamBE32, StreamPrimitive};
use chacha20poly1305::aead::{KeyInit, OsRng, Payload, rand_core::RngCore};

/// The first bytes of an object in chunks. What was sealed in one piece begins with a random nonce.
pub(super) const MAGIC: [u8; 16] = *b"vara object v2\r\n";
const SALT: usize = 32;
/// Bytes before the first chunk.
pub(super) const HEAD: usize = MAGIC.len() + SALT;
/// Bytes of a picture in one chunk; the last one may be shorter.
pub(super) const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
/// Bytes of a sealed chunk.
pub(super) const SEALED: usize = CHUNK + TAG;

/// Seals or opens the chunks of one object, in their order.
pub(super) struct Chunks {
    stream: StreamBE32<ChaCha20Poly1305>,
    head: [u8; HEAD],
    next: u32,
}

impl Chunks {
    /// For a fresh object.
    pub fn fresh(key: &SubjectKey, place: &str) -> Result<Self, KeyError> {
        let mut head = [0; HEAD];
        head[..MAGIC.len()].copy_from_slice(&MAGIC);
        OsRng.fill_bytes(&mut head[MAGIC.len()..]);
        Self::of(head, key, place)
    }

    /// For an object with this head.
    pub fn of(head: [u8; HEAD], key: &SubjectKey, place: &str) -> Result<Self, KeyError> {
        let purpose = format!("vara object v2 {place}");
        let key = key.derived(&head[MAGIC.len()..], &purpose)?;
        let cipher = ChaCha20Poly1305::new(key.as_slice().into());
        // The key is this object's alone, so the part of the nonce that tells objects apart may be the same for all.
        let nonce = Nonce::<ChaCha20Poly1305, StreamBE32<ChaCha20Poly1305>>::default();
        Ok(Self {
            stream: StreamBE32::from_aead(cipher, &nonce),
            head,
            next: 0,
        })
    }

    /// What stands before the chunks.
    pub const fn head(&self) -> &[u8; HEAD] {
        &self.head
    }

    /// Seals the next chunk.
    pub fn seal(&mut self, chunk: &[u8], is_last: bool) -> Result<Vec<u8>, KeyError> {
        let at = self.turn()?;
        let payload = Payload {
            msg: chunk,
            aad: &self.head,
        };
        let sealed = self.stream.encrypt(at, is_last, payload);
        sealed.map_err(|_| KeyError::Sealed)
    }

    /// Opens the next chunk.
    pub fn open(&mut self, sealed: &[u8], is_last: bool) -> Result<Vec<u8>, KeyError> {
        let at = self.turn()?;
        let payload = Payload {
            msg: sealed,
            aad: &self.head,
        };
        let opened = self.stream.decrypt(at, is_last, payload);
        opened.map_err(|_| KeyError::Sealed)
    }

    fn turn(&mut self) -> Result<u32, KeyError> {
        let at = self.next;
        self.next = at.checked_add(1).ok_or(KeyError::Sealed)?;
        Ok(at)
    }
}

/// Bytes of the picture in an object of this size; none where no object has that size.
pub(super) fn opened_length(size: u64) -> Option<u64> {
    let (sealed, tag) = (SEALED as u64, TAG as u64);
    let body = size.checked_sub(HEAD as u64)?;
    let chunks = body.div_ceil(sealed);
    let last = body - chunks.checked_sub(1)? * sealed;
    (last >= tag).then(|| body - chunks * tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(key: &SubjectKey, place: &str, chunks: &[&[u8]]) -> ([u8; HEAD], Vec<Vec<u8>>) {
        let mut to = Chunks::fresh(key, place).unwrap();
        let sealed = chunks.iter().enumerate();
        let sealed = sealed.map(|(n, chunk)| to.seal(chunk, n + 1 == chunks.len()).unwrap());
        let sealed = sealed.collect();
        (*to.head(), sealed)
    }

    /// Opens chunks as a reader does that meets them in this order, the last of them last.
    fn opened(
        key: &SubjectKey,
        place: &str,
        head: [u8; HEAD],
        chunks: &[Vec<u8>],
    ) -> Result<Vec<u8>, KeyError> {
        let mut from = Chunks::of(head, key, place)?;
        let mut all = Vec::new();
        for (n, chunk) in chunks.iter().enumerate() {
            all.extend(from.open(chunk, n + 1 == chunks.len())?);
        }
        Ok(all)
    }

    #[test]
    fn chunks_open_in_their_order_only_and_all_of_them() {
        let key = SubjectKey::generate();
        let (head, chunks) = sealed(&key, "p", &[b"one", b"two", b"three"]);
        assert_eq!(opened(&key, "p", head, &chunks).unwrap(), b"onetwothree");
        let [one, two, three] = <[Vec<u8>; 3]>::try_from(chunks).unwrap();
        let wrong: [&[&Vec<u8>]; 7] = [
            &[&one],
            &[&one, &two],
            &[&two, &one, &three],
            &[&one, &three],
            &[&three],
            &[&one, &two, &two, &three],
            &[&one, &two, &three, &three],
        ];
        for order in wrong {
            let chunks: Vec<Vec<u8>> = order.iter().copied().cloned().collect();
            assert!(opened(&key, "p", head, &chunks).is_err());
        }
    }

    #[test]
    fn a_chunk_of_another_object_key_or_place_does_not_open() {
        let (key, other) = (SubjectKey::generate(), SubjectKey::generate());
        let (head, chunks) = sealed(&key, "p", &[b"one", b"two"]);
        let (other_head, others) = sealed(&key, "p", &[b"one", b"two"]);
        let mixed = [chunks[0].clone(), others[1].clone()];
        assert!(opened(&key, "p", head, &mixed).is_err());
        assert!(opened(&key, "p", other_head, &chunks).is_err());
        assert!(opened(&key, "q", head, &chunks).is_err());
        assert!(opened(&other, "p", head, &chunks).is_err());
        assert_ne!(chunks, others, "the same bytes never look the same twice");
    }

    proptest! {
        #[test]
        fn every_changed_byte_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let key = SubjectKey::generate();
            let (head, chunks) = sealed(&key, "p", &[b"her", b"picture"]);
            let mut all = [head.as_slice(), &chunks.concat()].concat();
            let at = at.index(all.len());
            all[at] ^= 1 << bit;
            let (head, body) = all.split_at(HEAD);
            let (first, last) = body.split_at(chunks[0].len());
            let chunks = [first.to_vec(), last.to_vec()];
            // The magic is looked at before: here it counts as part of what is sealed.
            prop_assert!(opened(&key, "p", head.try_into().unwrap(), &chunks).is_err());
        }

        #[test]
        fn the_length_is_known_before_anything_is_opened(length in 0u64..1_000_000) {
            let chunks = length.div_ceil(CHUNK as u64).max(1);
            let size = HEAD as u64 + length + chunks * TAG as u64;
            prop_assert_eq!(opened_length(size), Some(length));
        }
    }

    #[test]
    fn no_object_is_shorter_than_its_head_and_one_tag() {
        let whole = (HEAD + TAG) as u64;
        for size in [0, 1, HEAD as u64, whole - 1, whole + SEALED as u64 - 1] {
            assert_eq!(opened_length(size), None, "{size}");
        }
        // One byte into a second chunk is no chunk.
        assert_eq!(opened_length((HEAD + SEALED + 1) as u64), None);
        assert_eq!(opened_length(whole), Some(0));
    }
}
