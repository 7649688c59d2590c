//! Addresses at which a picture can be looked at for a while without signing in (IMG-7).

use chrono::{DateTime, TimeDelta, Utc};
use eventstore::Vault;
use eventstore::view_link::{self, Shown, ViewLink};
use projections::images::ImageRow;
use std::sync::Arc;

/// How the world reaches this API, and how long it may look at a picture.
#[derive(Debug, Clone)]
pub struct Public {
    /// The address before `/api/v1`, without a slash at its end.
    pub address: String,
    /// Seconds that a link to a picture lives; clamped to 60 to 604,800 (IMG-7).
    pub link_seconds: i64,
}

/// Makes links.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    vault: Vault,
    address: Arc<str>,
    life: TimeDelta,
}

impl Links {
    pub(crate) fn new(vault: Vault, public: Public) -> Self {
        Self {
            vault,
            address: public.address.into(),
            life: view_link::life(public.link_seconds),
        }
    }

    /// When a link that is made at this time ends.
    pub(crate) fn until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.life
    }

    /// The address of a copy, good until then; none where there is no key to sign it with.
    pub(crate) fn to(&self, row: &ImageRow, shown: Shown, until: DateTime<Utc>) -> Option<String> {
        let link = ViewLink {
            image: row.image_id.into(),
            shown,
            moved_at: row.moved_at(),
            until,
        };
        let token = link.signed(&self.vault)?;
        Some(format!("{}/api/v1/views/{token}", self.address))
    }

    /// What a token says, where it is ours and still good.
    pub(crate) fn read(&self, token: &str, now: DateTime<Utc>) -> Option<ViewLink> {
        ViewLink::checked(token, &self.vault, now)
    }
}
