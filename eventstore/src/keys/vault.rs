//! Where subject keys are kept: wrapped in the database, opened for at most a minute in memory.

use super::{KeyError, MasterKey, SubjectKey};
use domain::ids::UserId;
use sqlx::{PgPool, Row};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Longest time an opened key stays in memory (reliability 2.8).
const KEPT: Duration = Duration::from_secs(60);
/// Most opened keys in memory at once.
const KEPT_MAX: usize = 10_000;

/// A subject's key, or the certainty that it was destroyed.
#[derive(Debug, Clone)]
pub enum Key {
    /// It opens her values.
    Present(SubjectKey),
    /// It was destroyed: her values are gone.
    Erased,
}

/// Hands out subject keys.
#[derive(Debug, Clone)]
pub struct Vault {
    pool: PgPool,
    master: MasterKey,
    kept: Arc<Mutex<HashMap<UserId, (SubjectKey, Instant)>>>,
}

impl Vault {
    /// A vault over this database, whose keys this master key wraps.
    #[must_use]
    pub fn new(pool: PgPool, master: MasterKey) -> Self {
        Self {
            pool,
            master,
            kept: Arc::default(),
        }
    }

    /// Whether every key in the database was wrapped by this master key: asked at the start, so that a lost key
    /// file is told then and not at the first value that does not open.
    ///
    /// # Errors
    /// [`KeyError::OtherMaster`] where it was not; else unreachable.
    pub async fn check(&self) -> Result<(), KeyError> {
        let other: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM keys.subject_keys WHERE master <> $1 AND wrapped IS NOT NULL)",
        )
        .bind(self.master.id())
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
        if let Some(key) = self.kept(subject) {
            return Ok(Key::Present(key));
        }
        let row = sqlx::query("SELECT wrapped FROM keys.subject_keys WHERE subject = $1")
            .bind(subject.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(KeyError::Missing(subject))?;
        match row.try_get::<Option<Vec<u8>>, _>("wrapped")? {
            None => Ok(Key::Erased),
            Some(wrapped) => {
                let key = SubjectKey::unwrap_from(&wrapped, &self.master, &place(subject))?;
                self.keep(subject, &key);
                Ok(Key::Present(key))
            }
        }
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
        let wrapped = SubjectKey::generate().wrap(&self.master, &place(subject))?;
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO keys.subject_keys (subject, wrapped, master) VALUES ($1, $2, $3)
             ON CONFLICT (subject) DO NOTHING",
        )
        .bind(subject.0)
        .bind(&wrapped)
        .bind(self.master.id())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        // Read back: of two that made a key at once, both use the one that stayed.
        match self.key(subject).await? {
            Key::Present(key) => Ok(key),
            Key::Erased => Err(KeyError::Erased(subject)),
        }
    }

    fn kept(&self, subject: UserId) -> Option<SubjectKey> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&subject)
            .filter(|(_, since)| since.elapsed() < KEPT)
            .map(|(key, _)| key.clone())
    }

    fn keep(&self, subject: UserId, key: &SubjectKey) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, since)| since.elapsed() < KEPT);
        if kept.len() < KEPT_MAX {
            kept.insert(subject, (key.clone(), Instant::now()));
        }
    }
}

/// Binds a wrapped key to its subject, so that rows cannot be swapped.
fn place(subject: UserId) -> String {
    format!("subject-key/{subject}")
}
