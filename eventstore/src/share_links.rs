//! Links under which an engine fetches one picture while its scan runs (SHR-1 to SHR-5): made, counted, recorded.
//!
//! One statement counts a fetch and records it, so no picture leaves unrecorded and no link gives more than it may, on
//! however many instances it is asked at once. Whether picture and scan are still what they were is read in the log, at
//! each fetch: no read model is late there.

mod token;

pub use token::Token;

use crate::edge;
use crate::execute_error::ExecuteError;
use crate::keys::KeyError;
use crate::objects::{Form, ObjectFault, Objects};
use crate::store::Store;
use crate::whole::whole;
use chrono::{DateTime, Utc};
use domain::ids::{ImageId, ScanId, UserId};
use domain::image::{ImageRefusal, Library};
use domain::scan::{ScanKind, ScanRefusal, ScanSlot};
use domain::user::{Purpose, User, UserRefusal};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// How long a link lives where nothing is said (SHR-1).
pub const LIFE: Duration = Duration::from_secs(180);
/// The shortest and the longest life of a link; others are clamped (SHR-1).
pub const LIVES: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(300));
/// Fetches that a link serves (SHR-3).
pub const FETCHES_MAX: i16 = 10;
/// Characters of an agent's name that are kept.
const AGENT_LENGTH_MAX: usize = 256;
/// How often links that are over are deleted.
const PURGED_EVERY: Duration = Duration::from_secs(600);

/// Links of all members. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ShareLinks {
    store: Store,
    objects: Objects,
}

/// The one picture that a link serves, and the scan for which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Whose picture.
    pub owner: UserId,
    /// The picture.
    pub image: ImageId,
    /// The scan; when it is over so is the link.
    pub scan: ScanId,
}

/// Who fetches. Kept sealed under the key of her whose picture it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// Where from, where the connection tells it.
    pub address: Option<IpAddr>,
    /// What it calls itself, cut at 256 characters.
    pub agent: Option<String>,
}

/// A fetch as it was recorded (SHR-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// When.
    pub at: DateTime<Utc>,
    /// For which scan.
    pub scan: ScanId,
    /// By whom.
    pub visitor: Visitor,
}

/// Why a link could not be made, or not be asked. Never tells whether there is such a link.
#[derive(Debug, thiserror::Error)]
pub enum ShareFault {
    /// The database did not do what was asked.
    #[error("links are not reachable: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// Her library could not be read.
    #[error("a library could not be read: {0}")]
    Library(#[from] ExecuteError<ImageRefusal>),
    /// What she agreed to could not be read.
    #[error("a member could not be read: {0}")]
    Member(#[from] ExecuteError<UserRefusal>),
    /// Her scans could not be read.
    #[error("scans could not be read: {0}")]
    Scans(#[from] ExecuteError<ScanRefusal>),
    /// The picture could not be read.
    #[error(transparent)]
    Object(#[from] ObjectFault),
    /// Her key could not be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A recorded visitor does not read.
    #[error("a recorded visitor does not read")]
    Visitor(#[from] serde_json::Error),
}

impl Visitor {
    /// Whoever is at the other end.
    #[must_use]
    pub fn new(address: Option<IpAddr>, agent: Option<&str>) -> Self {
        let agent = agent.map(|agent| agent.chars().take(AGENT_LENGTH_MAX).collect());
        Self { address, agent }
    }
}

impl ShareLinks {
    /// Links to the pictures that lie there, while the log says that they may be fetched.
    #[must_use]
    pub const fn new(store: Store, objects: Objects) -> Self {
        Self { store, objects }
    }

    /// Makes a link to one picture for so long, clamped to what is allowed (SHR-1). It is durable when this returns and
    /// works on every instance.
    ///
    /// # Errors
    /// [`ShareFault`]; then there is no link.
    pub async fn make(&self, shared: Shared, life: Duration) -> Result<Token, ShareFault> {
        let life = life.clamp(LIVES.0, LIVES.1);
        let token = Token::fresh();
        let (pool, hash) = (self.store.database().clone(), token.hash());
        whole(async move {
            let mut tx = pool.begin().await?;
            sqlx::query(
                "INSERT INTO share_links (token_hash, subject, image_id, scan_id, made_at, expires_at, fetches_left)
                 SELECT $1, $2, $3, $4, now, now + make_interval(secs => $5), $6 FROM clock_timestamp() AS now",
            )
            .bind(hash.as_slice())
            .bind(shared.owner.0)
            .bind(shared.image.0)
            .bind(shared.scan.0)
            .bind(life.as_secs_f64())
            .bind(FETCHES_MAX)
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await?;
        Ok(token)
    }

    /// The picture under a link, its working copy without metadata (SHR-4), counted and recorded. Nothing for any link
    /// that is unknown, malformed, expired or used up, whose picture is not ACTIVE or whose scan does not run: nobody is
    /// told which (SHR-5).
    ///
    /// # Errors
    /// [`ShareFault`], which is no answer about the link.
    pub async fn fetch(
        &self,
        token: &str,
        visitor: Visitor,
    ) -> Result<Option<Vec<u8>>, ShareFault> {
        let Some(token) = Token::parse(token) else {
            return Ok(None);
        };
        let Some(shared) = self.find(&token).await? else {
            return Ok(None);
        };
        if !self.may_be_fetched(shared).await? {
            return Ok(None);
        }
        match self.count(&token, shared, visitor).await {
            Ok(true) => {}
            Ok(false) | Err(ShareFault::Key(KeyError::Erased(_))) => return Ok(None),
            Err(fault) => return Err(fault),
        }
        let picture = self.objects.find(shared.owner, shared.image, Form::Working);
        Ok(picture.await?)
    }

    async fn find(&self, token: &Token) -> Result<Option<Shared>, sqlx::Error> {
        let row: Option<(Uuid, Uuid, Uuid)> = sqlx::query_as(
            "SELECT subject, image_id, scan_id FROM share_links
              WHERE token_hash = $1 AND expires_at > clock_timestamp() AND fetches_left > 0",
        )
        .bind(token.hash().as_slice())
        .fetch_optional(self.store.database())
        .await?;
        Ok(row.map(|(owner, image, scan)| Shared {
            owner: owner.into(),
            image: image.into(),
            scan: scan.into(),
        }))
    }

    /// SHR-3: an ACTIVE picture, and a scan that is RUNNING; and she agrees to it at this moment (CON-1).
    async fn may_be_fetched(&self, shared: Shared) -> Result<bool, ShareFault> {
        let Shared { owner, image, scan } = shared;
        let slot = ScanSlot::id(owner, ScanKind::ImageScan);
        let scans: ScanSlot = self.store.load(slot).await?;
        if !scans.open(scan).is_some_and(|open| open.begun) {
            return Ok(false);
        }
        let library: Library = self.store.load(owner.0).await?;
        let member: User = self.store.load(owner.0).await?;
        Ok(library.holds(image) && member.agrees_to(Purpose::WebImageSearch))
    }

    /// Takes one fetch off a link and records it, or does neither. Whether the link gave it.
    async fn count(
        &self,
        token: &Token,
        shared: Shared,
        visitor: Visitor,
    ) -> Result<bool, ShareFault> {
        let fetch = edge::fresh_id();
        let key = self.store.vault().key_to_seal(shared.owner).await?;
        let sealed = key.seal(&serde_json::to_vec(&visitor)?, &place(fetch))?;
        let (pool, hash) = (self.store.database().clone(), token.hash());
        let counting = whole(async move {
            let mut tx = pool.begin().await?;
            // Whoever waits for the row looks at it anew when it is given: exactly as many pass as fetches are left.
            let given = sqlx::query(
                "WITH given AS (
                     UPDATE share_links SET fetches_left = fetches_left - 1
                      WHERE token_hash = $1 AND fetches_left > 0 AND expires_at > clock_timestamp()
                     RETURNING subject, image_id, scan_id)
                 INSERT INTO share_fetches (fetch_id, subject, image_id, scan_id, fetched_at, visitor)
                 SELECT $2, subject, image_id, scan_id, clock_timestamp(), $3 FROM given",
            )
            .bind(hash.as_slice())
            .bind(fetch)
            .bind(sealed)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(given.rows_affected() == 1)
        });
        Ok(counting.await?)
    }

    /// The newest fetches of a picture of hers, a hundred at most.
    ///
    /// # Errors
    /// [`ShareFault`].
    pub async fn fetches(&self, owner: UserId, image: ImageId) -> Result<Vec<Fetch>, ShareFault> {
        let rows: Vec<(Uuid, Uuid, DateTime<Utc>, Vec<u8>)> = sqlx::query_as(
            "SELECT fetch_id, scan_id, fetched_at, visitor FROM share_fetches
              WHERE subject = $1 AND image_id = $2 ORDER BY fetched_at DESC, fetch_id LIMIT 100",
        )
        .bind(owner.0)
        .bind(image.0)
        .fetch_all(self.store.database())
        .await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let key = self.store.vault().key_to_seal(owner).await?;
        let opened = rows.into_iter().map(|(fetch, scan, at, sealed)| {
            let visitor = serde_json::from_slice(&key.open(&sealed, &place(fetch))?)?;
            let scan = scan.into();
            Ok(Fetch { at, scan, visitor })
        });
        opened.collect()
    }

    /// Deletes links that are over; how many. What was fetched stays recorded.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn purge(&self) -> Result<u64, sqlx::Error> {
        let mut tx = self.store.database().begin().await?;
        let gone = sqlx::query("DELETE FROM share_links WHERE expires_at <= clock_timestamp()")
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(gone.rows_affected())
    }

    /// Purges now and then, until the process ends.
    pub async fn keep_purged(self) {
        loop {
            if let Err(fault) = self.purge().await {
                tracing::debug!(%fault, "links that are over are deleted later");
            }
            tokio::time::sleep(edge::backoff(0, PURGED_EVERY, PURGED_EVERY)).await;
        }
    }
}

/// Binds a sealed visitor to its fetch: rows cannot be swapped.
fn place(fetch: Uuid) -> String {
    format!("share-fetch/{fetch}")
}
