//! An e-mail address: normalised, found by a keyed hash, kept only sealed (LIM-7).

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::edge;
use crate::keys::Keys;

/// LIM-7: the longest address, in characters.
const CHARACTERS_MAX: usize = 255;
/// RFC 5321 4.5.3.1.1: the longest part before the `@`.
const LOCAL_MAX: usize = 64;
/// RFC 1035 2.3.4: the longest part between two dots of a host name.
const LABEL_MAX: usize = 63;
const NONCE_BYTES: usize = 24;

/// A well-formed address in lower case without surrounding blanks. Deliberately without `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

/// What is wrong with something that should have been an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressFault {
    TooLong,
    Malformed,
}

impl Address {
    /// Normalises and checks. One account per mailbox matters more than the letter of RFC 5321,
    /// by which the part before the `@` could tell capitals apart.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressFault> {
        let text = text.trim().to_lowercase();
        if text.chars().count() > CHARACTERS_MAX {
            return Err(AddressFault::TooLong);
        }
        let (local, host) = text.rsplit_once('@').ok_or(AddressFault::Malformed)?;
        if is_local(local) && is_host(host) {
            Ok(Self(text))
        } else {
            Err(AddressFault::Malformed)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// HMAC-SHA256: equal addresses meet, and without the key nobody can try addresses out.
    pub(crate) fn index(&self, keys: &Keys) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new((&*keys.email_index).into());
        mac.update(self.0.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// 24 bytes of nonce, then the XChaCha20-Poly1305 text, bound to the account so that a row
    /// copied to another account does not open.
    pub(crate) fn seal(&self, keys: &Keys, account: Uuid) -> Option<Vec<u8>> {
        let nonce = edge::fresh_bytes::<NONCE_BYTES>();
        let payload = Payload {
            msg: self.0.as_bytes(),
            aad: account.as_bytes(),
        };
        let sealed = keys
            .email_seal
            .encrypt(XNonce::from_slice(&nonce), payload)
            .ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// `None` when the bytes were not sealed with these keys for this account.
    pub(crate) fn open(sealed: &[u8], keys: &Keys, account: Uuid) -> Option<Self> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload {
            msg: sealed,
            aad: account.as_bytes(),
        };
        let open = keys
            .email_seal
            .decrypt(XNonce::from_slice(nonce), payload)
            .ok()?;
        String::from_utf8(open).ok().map(Self)
    }
}

fn is_local(local: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    local.len() <= LOCAL_MAX
        && local.split('.').all(|atom| !atom.is_empty())
        && local.chars().all(allowed)
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.contains('.') && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    fn address(text: &str) -> Address {
        Address::parse(text).ok().unwrap()
    }

    #[test]
    fn capitals_and_blanks_make_no_second_account() {
        let keys = keys::for_tests();
        let one = address(" Ana@Example.Test ");
        assert_eq!(one.as_str(), "ana@example.test");
        assert_eq!(one.index(&keys), address("ana@example.test").index(&keys));
        assert_ne!(one.index(&keys), one.index(&keys::for_tests()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let bad = [
            "",
            "ana",
            "@example.test",
            "ana@",
            "ana@host",
            "a b@example.test",
            "a..b@example.test",
            ".a@example.test",
            "a@-x.test",
            "a@x..test",
            "a@b@c.test\u{0}",
            "ana@exämple.test",
        ];
        for text in bad {
            assert_eq!(
                Address::parse(text).err(),
                Some(AddressFault::Malformed),
                "{text:?}"
            );
        }
        let long = format!("a@{}.test", "b.".repeat(130));
        assert_eq!(Address::parse(&long).err(), Some(AddressFault::TooLong));
    }

    #[test]
    fn a_sealed_address_opens_only_for_its_account_and_keys() {
        let (keys, account) = (keys::for_tests(), edge::fresh_id());
        let ana = address("ana@example.test");
        let mut sealed = ana.seal(&keys, account).unwrap();
        assert!(!sealed.windows(3).any(|part| part == b"ana"));
        assert!(Address::open(&sealed, &keys, account) == Some(ana));
        assert!(Address::open(&sealed, &keys, edge::fresh_id()).is_none());
        assert!(Address::open(&sealed, &keys::for_tests(), account).is_none());
        assert!(Address::open(&sealed[..10], &keys, account).is_none());
        sealed[30] ^= 1;
        assert!(Address::open(&sealed, &keys, account).is_none());
    }
}
