//! Where subject keys are kept: wrapped in the database, opened for at most a minute in memory.

use super::opened::Opened;
use super::{KeyError, KeyWrap, SubjectKey};
use crate::whole::whole;
use domain::ids::{ImageId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Keys that are wrapped anew in one transaction.
const REWRAPPED_AT_ONCE: i64 = 500;

/// A subject's key, or the certainty that it was destroyed.
#[derive(Debug, Clone)]
pub enum Key {
    /// It opens her values.
    Present(SubjectKey),
    /// It was destroyed: her values are gone.
    Erased,
}

/// Hands out subject keys, and those of pictures.
#[derive(Debug, Clone)]
pub struct Vault {
    pub(super) pool: PgPool,
    master: Arc<dyn KeyWrap>,
    pub(super) opened: Arc<Mutex<Opened>>,
}

impl Vault {
    /// A vault over this database, whose keys this master key wraps.
    #[must_use]
    pub fn new(pool: PgPool, master: impl KeyWrap) -> Self {
        Self {
            pool,
            master: Arc::new(master),
            opened: Arc::default(),
        }
    }

    /// The same vault, which keeps an opened key in memory for so long only; a minute at most.
    #[must_use]
    pub fn keeping_for(self, lifetime: Duration) -> Self {
        self.opened().keep_for(lifetime);
        self
    }

    /// How many keys a database of keys holds that some master key wraps; a destroyed key is none.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn wrapped_in(pool: &PgPool) -> Result<i64, KeyError> {
        let count = "SELECT count(*) FROM keys.subject_keys WHERE wrapped IS NOT NULL";
        Ok(sqlx::query_scalar(count).fetch_one(pool).await?)
    }

    /// Whether every key in the database was wrapped by this master key: asked at the start, so that a lost key
    /// file is told then and not at the first value that does not open.
    ///
    /// # Errors
    /// [`KeyError::OtherMaster`] where it was not; else unreachable.
    pub async fn check(&self) -> Result<(), KeyError> {
        let other: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM keys.subject_keys WHERE master <> ALL ($1) AND wrapped IS NOT NULL)",
        )
        .bind(self.master.ids())
        .fetch_one(&self.pool)
        .await?;
        if other {
            return Err(KeyError::OtherMaster);
        }
        Ok(())
    }

    /// The key of a subject that something was sealed for.
    ///
    /// # Errors
    /// [`KeyError::Missing`] where no key was ever made; else unreachable, or a row that does not open.
    pub async fn key(&self, subject: UserId) -> Result<Key, KeyError> {
        let (kept, term) = {
            let opened = self.opened();
            (opened.get(subject, Instant::now()), opened.term())
        };
        if let Some(key) = kept {
            return Ok(Key::Present(key));
        }
        let row = sqlx::query("SELECT wrapped, master FROM keys.subject_keys WHERE subject = $1")
            .bind(subject.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(KeyError::Missing(subject))?;
        let key = self.unwrap(subject, &row).await?;
        if let Key::Present(key) = &key {
            self.opened().keep(term, [(subject, key)], Instant::now());
        }
        Ok(key)
    }

    /// The keys of many subjects in one question, as far as they can be had. Whoever is left out is asked for with
    /// [`Vault::key`], which says why.
    pub(crate) async fn keys(&self, subjects: HashSet<UserId>) -> HashMap<UserId, Key> {
        let mut keys = HashMap::with_capacity(subjects.len());
        let mut others = Vec::new();
        let term = {
            let (opened, now) = (self.opened(), Instant::now());
            for subject in subjects {
                match opened.get(subject, now) {
                    Some(key) => drop(keys.insert(subject, Key::Present(key))),
                    None => others.push(subject.0),
                }
            }
            opened.term()
        };
        if others.len() < 2 {
            return keys;
        }
        let asked =
            "SELECT wrapped, master, subject FROM keys.subject_keys WHERE subject = ANY ($1)";
        let rows = sqlx::query(asked).bind(&others).fetch_all(&self.pool).await;
        for row in rows.unwrap_or_default() {
            let subject = row.try_get("subject").map(UserId);
            if let Ok(subject) = subject
                && let Ok(key) = self.unwrap(subject, &row).await
            {
                keys.insert(subject, key);
            }
        }
        let present = keys.iter().filter_map(|(subject, key)| match key {
            Key::Present(key) => Some((*subject, key)),
            Key::Erased => None,
        });
        self.opened().keep(term, present, Instant::now());
        keys
    }

    /// The key of a row with `wrapped` and `master`.
    async fn unwrap(&self, subject: UserId, row: &PgRow) -> Result<Key, KeyError> {
        let Some(wrapped) = row.try_get::<Option<Vec<u8>>, _>("wrapped")? else {
            return Ok(Key::Erased);
        };
        let master: String = row.try_get("master")?;
        let place = place(subject);
        let plain = self.master.unwrap(&wrapped, &master, &place).await?;
        Ok(Key::Present(SubjectKey::from_bytes(&plain)?))
    }

    /// The key to seal something new with; made where the subject has none yet.
    ///
    /// # Errors
    /// [`KeyError::Erased`] for an erased subject; else as [`Vault::key`].
    pub async fn key_to_seal(&self, subject: UserId) -> Result<SubjectKey, KeyError> {
        match self.key(subject).await {
            Ok(Key::Present(key)) => Ok(key),
            Ok(Key::Erased) => Err(KeyError::Erased(subject)),
            Err(KeyError::Missing(_)) => self.create(subject).await,
            Err(other) => Err(other),
        }
    }

    async fn create(&self, subject: UserId) -> Result<SubjectKey, KeyError> {
        let made = SubjectKey::generate();
        let (master, wrapped) = self.master.wrap(made.bytes(), &place(subject)).await?;
        let pool = self.pool.clone();
        whole(async move {
            let mut tx = pool.begin().await?;
            sqlx::query(
                "INSERT INTO keys.subject_keys (subject, wrapped, master) VALUES ($1, $2, $3)
                 ON CONFLICT (subject) DO NOTHING",
            )
            .bind(subject.0)
            .bind(&wrapped)
            .bind(master)
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await?;
        // Read back: of two that made a key at once, both use the one that stayed.
        match self.key(subject).await? {
            Key::Present(key) => Ok(key),
            Key::Erased => Err(KeyError::Erased(subject)),
        }
    }

    /// Keys for one purpose that every process of this installation makes alike, the one to make something with first.
    pub(crate) fn derived(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.master.derived(purpose)
    }

    /// Which master keys wrap how many keys, the one that wraps now first.
    ///
    /// # Errors
    /// [`KeyError::Unreachable`].
    pub async fn masters(&self) -> Result<Vec<(String, i64)>, KeyError> {
        let used: HashMap<String, i64> = sqlx::query_as(
            "SELECT master, count(*) FROM keys.subject_keys WHERE wrapped IS NOT NULL GROUP BY master",
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .collect();
        let count = |id: String| (id.clone(), used.get(&id).copied().unwrap_or_default());
        Ok(self.master.ids().into_iter().map(count).collect())
    }

    /// Wraps every key anew that another master key than today's wrapped; how many there were. No event changes.
    /// A stop in the middle leaves some done and some not, and both open.
    ///
    /// # Errors
    /// [`KeyError`]; what was done stays done.
    pub async fn rewrap(&self, mut told: impl FnMut(u64)) -> Result<u64, KeyError> {
        let mut done = 0;
        loop {
            let today = self.master.ids().into_iter().next().unwrap_or_default();
            let mut tx = self.pool.begin().await?;
            let rows = sqlx::query(
                "SELECT subject, wrapped, master FROM keys.subject_keys
                  WHERE master <> $1 AND wrapped IS NOT NULL LIMIT $2 FOR UPDATE SKIP LOCKED",
            )
            .bind(&today)
            .bind(REWRAPPED_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            if rows.is_empty() {
                return Ok(done);
            }
            for row in &rows {
                let subject = UserId(row.try_get("subject")?);
                let (wrapped, was): (Vec<u8>, String) =
                    (row.try_get("wrapped")?, row.try_get("master")?);
                let plain = self.master.unwrap(&wrapped, &was, &place(subject)).await?;
                let (master, wrapped) = self.master.wrap(&plain, &place(subject)).await?;
                sqlx::query(
                    "UPDATE keys.subject_keys SET wrapped = $2, master = $3 WHERE subject = $1",
                )
                .bind(subject.0)
                .bind(wrapped)
                .bind(master)
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            done += rows.len() as u64;
            told(done);
        }
    }

    /// Forgets an opened key: it is read again, or found destroyed.
    pub fn forget(&self, subject: UserId) {
        self.opened().forget(subject);
    }

    /// The same of a picture's.
    pub fn forget_picture(&self, image: ImageId) {
        self.opened().forget_picture(image);
    }

    pub(super) fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds a wrapped key to its subject, so that rows cannot be swapped.
fn place(subject: UserId) -> String {
    format!("subject-key/{subject}")
}
