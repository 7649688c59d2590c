//! The keys: one ES256 pair for access tokens, one secret from which the others are derived.
//!
//! The key file is text: a PKCS#8 PEM block, then a line `identity-secret: ` with 64 hex digits.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{IdentityError, edge};

const SECRET_LINE: &str = "identity-secret: ";
const PEM_MAKES_NO_SENSE: IdentityError =
    IdentityError::KeyFileUnreadable("its PEM block is not a P-256 private key");

/// Everything that signs, seals or indexes. Deliberately without `Debug`.
pub(crate) struct Keys {
    pub(crate) signing: EncodingKey,
    pub(crate) verifying: DecodingKey,
    /// First 16 hex digits of SHA-256 over the uncompressed public point.
    pub(crate) kid: String,
    pub(crate) email_index: Zeroizing<[u8; 64]>,
    pub(crate) email_seal: XChaCha20Poly1305,
    pub(crate) rotation: Zeroizing<[u8; 64]>,
    mark: [u8; 32],
    public_x: String,
    public_y: String,
}

impl Keys {
    /// The public half as a JSON Web Key Set (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "x": self.public_x, "y": self.public_y,
            "kid": self.kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"],
        }]})
    }

    /// Tells these keys from others without giving anything of them away.
    pub(crate) fn mark(&self) -> [u8; 32] {
        self.mark
    }

    fn try_new(private: &SecretKey, secret: &[u8; 32]) -> Result<Self, IdentityError> {
        let pem = private
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| PEM_MAKES_NO_SENSE)?;
        let signing = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| PEM_MAKES_NO_SENSE)?;
        let point = private.public_key().to_encoded_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(PEM_MAKES_NO_SENSE);
        };
        let (public_x, public_y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let verifying = DecodingKey::from_ec_components(&public_x, &public_y)
            .map_err(|_| PEM_MAKES_NO_SENSE)?;
        let mut kid = hex::encode(Sha256::digest(point.as_bytes()));
        kid.truncate(16);
        let seal: Zeroizing<[u8; 32]> = derived(secret, "vara identity: e-mail seal, 1")?;
        Ok(Self {
            signing,
            verifying,
            kid,
            email_index: derived(secret, "vara identity: e-mail index, 1")?,
            email_seal: XChaCha20Poly1305::new((&*seal).into()),
            rotation: derived(secret, "vara identity: refresh rotation, 1")?,
            mark: *derived(secret, "vara identity: mark of the keys, 1")?,
            public_x,
            public_y,
        })
    }
}

/// Reads the key file, or makes it if there is none. Of two processes that start at once, the
/// one that comes second uses the file of the first.
pub(crate) fn open_or_create(path: &Path) -> Result<Keys, IdentityError> {
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            return Err(IdentityError::KeyFileOpenToOthers);
        }
        Ok(_) => {}
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(other) => return Err(IdentityError::KeyFile(other)),
    }
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(IdentityError::KeyFile)?;
    parse(&text)
}

fn parse(text: &str) -> Result<Keys, IdentityError> {
    let (pem, rest) = text
        .split_once(SECRET_LINE)
        .ok_or(IdentityError::KeyFileUnreadable(
            "the line with the secret is missing",
        ))?;
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(rest.trim(), &mut *secret)
        .map_err(|_| IdentityError::KeyFileUnreadable("its secret is not 64 hex digits"))?;
    let private = SecretKey::from_pkcs8_pem(pem.trim()).map_err(|_| PEM_MAKES_NO_SENSE)?;
    Keys::try_new(&private, &secret)
}

fn create(path: &Path) -> Result<(), IdentityError> {
    let private = SecretKey::random(&mut OsRng);
    let pem = private
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| PEM_MAKES_NO_SENSE)?;
    let secret = Zeroizing::new(hex::encode(*Zeroizing::new(edge::fresh_bytes::<32>())));
    let text = Zeroizing::new(format!("{}\n{SECRET_LINE}{}\n", pem.trim_end(), *secret));
    place(path, text.as_bytes()).map_err(IdentityError::KeyFile)
}

/// Writes beside the place and links into it: the link never replaces a file that is there, and
/// a half-written key file is never seen under the real name.
fn place(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("new-{}", edge::fresh_id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&beside)?;
    linked
}

fn derived<const N: usize>(
    secret: &[u8; 32],
    purpose: &str,
) -> Result<Zeroizing<[u8; N]>, IdentityError> {
    let mut key = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, secret)
        .expand(purpose.as_bytes(), &mut *key)
        .map_err(|_| IdentityError::KeyFileUnreadable("no keys can be derived from it"))?;
    Ok(key)
}

#[cfg(test)]
pub(crate) fn for_tests() -> Keys {
    Keys::try_new(&SecretKey::random(&mut OsRng), &edge::fresh_bytes()).expect("fresh keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_place() -> std::path::PathBuf {
        std::env::temp_dir()
            .join(format!("vara-keys-{}", edge::fresh_id()))
            .join("keys.pem")
    }

    #[test]
    fn the_second_start_finds_the_keys_of_the_first() {
        let path = a_place();
        let first = open_or_create(&path).unwrap();
        let second = open_or_create(&path).unwrap();
        assert_eq!((first.kid.len(), &first.kid), (16, &second.kid));
        assert_eq!(first.mark(), second.mark());
        assert_eq!(first.jwks(), second.jwks());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let path = a_place();
        open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = open_or_create(&path).err().unwrap();
        assert!(matches!(refused, IdentityError::KeyFileOpenToOthers));
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_not_replaced() {
        for damaged in ["", "identity-secret: 00\n", "nothing of ours"] {
            assert!(matches!(
                parse(damaged),
                Err(IdentityError::KeyFileUnreadable(_))
            ));
        }
    }

    #[test]
    fn the_published_key_set_holds_nothing_private() {
        let keys = for_tests().jwks();
        let key = keys["keys"][0].as_object().unwrap();
        assert!(!key.contains_key("d"));
        assert_eq!(key["alg"], "ES256");
    }
}
