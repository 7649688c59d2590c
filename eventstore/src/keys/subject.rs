//! One subject's key: seals and opens her values, and names things in a way only she can be found by.

use super::KeyError;
use chacha20poly1305::aead::{Aead, KeyInit, OsRng, Payload, rand_core::RngCore};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Bytes of an XChaCha20 nonce, standing before each ciphertext.
const NONCE: usize = 24;

/// 256 bits that belong to one subject. Never printed; wiped from memory when dropped.
#[derive(Clone)]
pub struct SubjectKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey(withheld)")
    }
}

impl SubjectKey {
    /// A fresh random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        OsRng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Seals bytes (XChaCha20-Poly1305, random nonce), bound to a place: what is sealed at one place does not
    /// open at another.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] for inputs beyond what the cipher takes (256 GiB).
    pub fn seal(&self, plain: &[u8], place: &str) -> Result<Vec<u8>, KeyError> {
        encrypt(&self.0, plain, place)
    }

    /// Opens what [`SubjectKey::seal`] sealed at the same place.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] for another key, another place, or changed bytes.
    pub fn open(&self, sealed: &[u8], place: &str) -> Result<Vec<u8>, KeyError> {
        decrypt(&self.0, sealed, place)
    }

    /// A key for one purpose, made of this one and a salt (HKDF-SHA256, RFC 5869): what it seals goes with this key.
    ///
    /// # Errors
    /// [`KeyError::Sealed`], which does not happen for the length used here.
    pub(crate) fn derived(
        &self,
        salt: &[u8],
        purpose: &str,
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut derived = Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(Some(salt), self.0.as_slice())
            .expand(purpose.as_bytes(), derived.as_mut_slice())
            .map_err(|_| KeyError::Sealed)?;
        Ok(derived)
    }

    /// An id computed from parts under this key: the same for the same parts, and meaningless to whoever
    /// lacks the key, so that an erased person's ids confirm no guess about her.
    ///
    /// # Errors
    /// [`KeyError::Sealed`], which does not happen for the lengths used here.
    pub fn name(&self, kind: &str, parts: &[&str]) -> Result<Uuid, KeyError> {
        let mut derived = Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(
                format!("vara name {kind}").as_bytes(),
                derived.as_mut_slice(),
            )
            .map_err(|_| KeyError::Sealed)?;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(derived.as_slice())
            .map_err(|_| KeyError::Sealed)?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let mut id = [0_u8; 16];
        id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Ok(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    /// The bytes, for a master key to wrap.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// From bytes that a master key unwrapped.
    pub(super) fn from_bytes(plain: &[u8]) -> Result<Self, KeyError> {
        let bytes = <[u8; 32]>::try_from(plain).map_err(|_| KeyError::Wrapped)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

pub(super) fn encrypt(key: &[u8; 32], plain: &[u8], place: &str) -> Result<Vec<u8>, KeyError> {
    let mut nonce = [0_u8; NONCE];
    OsRng.fill_bytes(&mut nonce);
    let payload = Payload {
        msg: plain,
        aad: place.as_bytes(),
    };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| KeyError::Sealed)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

pub(super) fn decrypt(key: &[u8; 32], sealed: &[u8], place: &str) -> Result<Vec<u8>, KeyError> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(KeyError::Sealed)?;
    let payload = Payload {
        msg: sealed,
        aad: place.as_bytes(),
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| KeyError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_at_its_place_only() {
        let key = SubjectKey::generate();
        let sealed = key.seal(b"ana@example.test", "user/1/email").unwrap();
        assert_eq!(
            key.open(&sealed, "user/1/email").unwrap(),
            b"ana@example.test"
        );
        assert!(key.open(&sealed, "user/2/email").is_err());
        assert!(
            SubjectKey::generate()
                .open(&sealed, "user/1/email")
                .is_err()
        );
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let key = SubjectKey::generate();
        let sealed = key.seal(b"page", "p").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&changed, "p").is_err(), "byte {at}");
        }
        assert!(key.open(&sealed[..10], "p").is_err());
    }

    #[test]
    fn a_name_depends_on_the_key_and_on_where_one_part_ends() {
        let key = SubjectKey::generate();
        assert_eq!(
            key.name("match", &["a", "bc"]).unwrap(),
            key.name("match", &["a", "bc"]).unwrap()
        );
        assert_ne!(
            key.name("match", &["a", "bc"]).unwrap(),
            key.name("match", &["ab", "c"]).unwrap()
        );
        assert_ne!(
            key.name("match", &["a"]).unwrap(),
            SubjectKey::generate().name("match", &["a"]).unwrap()
        );
    }
}
