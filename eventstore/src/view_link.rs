//! Links to look at a picture without signing in (IMG-7): one signature each, made and checked without asking anybody.
//!
//! `copy | end | state | picture | HMAC-SHA256` in base64url. The key is made of the master key, so every process of an
//! installation knows it, and after a rotation links of the key before are good for as long as that key is kept. A link says
//! when the picture was last put away or taken back: whoever serves it compares, so it ends for good when that changes.

use crate::keys::Vault;
use crate::objects::Form;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::ImageId;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// What the key is made for.
const PURPOSE: &str = "vara view links v1";
const TAG: usize = 32;
const SAID: usize = 1 + 8 + 8 + 16;

/// How long a link lives where nothing else is said, in seconds (IMG-7).
pub const LIFE_SECONDS: i64 = 3_600;
/// Shortest and longest life, in seconds; values outside are clamped (IMG-7).
const LIFE_RANGE: (i64, i64) = (60, 604_800);

/// A life within the allowed range.
#[must_use]
pub fn life(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds.clamp(LIFE_RANGE.0, LIFE_RANGE.1))
}

/// A copy that may be looked at: never the original, nor what engines are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// What she sees large.
    Display,
    /// What she sees small.
    Thumbnail,
}

impl Shown {
    /// The form in which it is stored.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Display => Form::Display,
            Self::Thumbnail => Form::Thumbnail,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Display => 1,
            Self::Thumbnail => 2,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Display),
            2 => Some(Self::Thumbnail),
            _ => None,
        }
    }
}

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewLink {
    /// The picture.
    pub image: ImageId,
    /// The copy.
    pub shown: Shown,
    /// When it was last put away or taken back; none where it never was. Milliseconds count.
    pub moved_at: Option<DateTime<Utc>>,
    /// Until when it is good.
    pub until: DateTime<Utc>,
}

impl ViewLink {
    /// As the last part of an address; none where there is no master key yet.
    #[must_use]
    pub fn signed(&self, vault: &Vault) -> Option<String> {
        let key = vault.derived(PURPOSE).into_iter().next()?;
        let said = self.said();
        let tag = mac(key.as_slice(), &said)?.finalize().into_bytes();
        Some(BASE64.encode([said.as_slice(), &tag].concat()))
    }

    /// What a link says, where it is ours and still good at this time.
    #[must_use]
    pub fn checked(token: &str, vault: &Vault, now: DateTime<Utc>) -> Option<Self> {
        let bytes = BASE64.decode(token).ok()?;
        let (said, tag) = bytes
            .split_at_checked(SAID)
            .filter(|(_, tag)| tag.len() == TAG)?;
        let keys = vault.derived(PURPOSE);
        // Compared in constant time, each key in turn.
        let is_ours = keys
            .iter()
            .any(|key| mac(key.as_slice(), said).is_some_and(|mac| mac.verify_slice(tag).is_ok()));
        let link = Self::read(said).filter(|_| is_ours)?;
        (now < link.until).then_some(link)
    }

    fn said(&self) -> [u8; SAID] {
        let mut said = [0; SAID];
        let state = self.moved_at.map_or(0, |at| at.timestamp_millis());
        said[0] = self.shown.code();
        said[1..9].copy_from_slice(&self.until.timestamp_millis().to_be_bytes());
        said[9..17].copy_from_slice(&state.to_be_bytes());
        said[17..].copy_from_slice(self.image.0.as_bytes());
        said
    }

    fn read(said: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(i64::from_be_bytes(said.get(at..at + 8)?.try_into().ok()?));
        let moved_at = match number(9)? {
            0 => None,
            millis => Some(DateTime::from_timestamp_millis(millis)?),
        };
        Some(Self {
            image: Uuid::from_slice(said.get(17..)?).ok()?.into(),
            shown: Shown::of(*said.first()?)?,
            moved_at,
            until: DateTime::from_timestamp_millis(number(1)?)?,
        })
    }
}

fn mac(key: &[u8], said: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?;
    mac.update(said);
    Some(mac)
}
