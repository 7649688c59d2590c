//! First answers: what a request with an `Idempotency-Key` was answered, so that the same request again gets the same.
//!
//! A row is written before the command runs, and names it: whatever breaks in between, the next try runs the same
//! command, which is in the log once. The answer that is written first is the one that everybody gets.

use crate::edge;
use crate::keys::{KeyError, SubjectKey, Vault};
use crate::whole::whole;
use chrono::{DateTime, Utc};
use domain::ids::{UserId, named};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// How long a first answer is given again, in hours (contract, section 1).
const KEPT_HOURS: i32 = 24;
/// How often answers that are older are deleted.
const PURGED_EVERY: Duration = Duration::from_secs(600);
/// Bytes of a content type that come before a body, as a number in front of both.
const LENGTH: usize = 2;

/// First answers of all members. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answers {
    pool: PgPool,
    vault: Vault,
}

/// A request that names itself.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who asks.
    pub subject: UserId,
    /// Method and path; the same key on another route is another request.
    pub route: String,
    /// The client's key, 1 to 128 characters; it is not written down.
    pub key: String,
    /// SHA-256 of what is asked.
    pub body: [u8; 32],
}

/// A request whose answer is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    subject: UserId,
    route: String,
    key: Uuid,
    at: DateTime<Utc>,
    /// The command to run for it: the same one at every try.
    pub command_id: Uuid,
    /// It was asked before, so its command may be in the log.
    pub again: bool,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 200 to 499.
    pub status: u16,
    /// The content type, where there is a body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What is known about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was answered yet.
    Open(Open),
    /// This was the answer.
    Answered(Answer),
    /// The key stands for a request that asked for something else.
    OtherBody,
}

/// Why an answer could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum AnswersFault {
    /// The database did not do what was asked.
    #[error("first answers are not reachable: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// The subject's key could not be had, or she was erased.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A row: when it was asked, what, and the answer.
type Row = (DateTime<Utc>, Uuid, Option<i16>, Option<Vec<u8>>);

impl Answers {
    /// Answers in this database, sealed under the keys of this vault.
    #[must_use]
    pub const fn new(pool: PgPool, vault: Vault) -> Self {
        Self { pool, vault }
    }

    /// What is known about a request; where it is new, it is written down now.
    ///
    /// # Errors
    /// [`AnswersFault`]; an erased subject has no answers.
    pub async fn ask(&self, asked: Asked) -> Result<Standing, AnswersFault> {
        let seal = self.vault.key_to_seal(asked.subject).await?;
        let key = seal.name("idempotency key", &[&asked.route, &asked.key])?;
        let body = seal.name("idempotency body", &[&hex::encode(asked.body)])?;
        let Asked { subject, route, .. } = asked;
        let (is_new, (at, first, status, answer)) =
            self.first(subject, route.clone(), key, body).await?;
        if first != body {
            return Ok(Standing::OtherBody);
        }
        let parts = [
            &subject.to_string(),
            &route,
            &key.to_string(),
            &at.timestamp_micros().to_string(),
        ];
        let open = Open {
            command_id: named("idempotent", &parts.map(String::as_str)),
            again: !is_new,
            subject,
            route,
            key,
            at,
        };
        match (status, answer) {
            (Some(status), Some(sealed)) => Ok(Standing::Answered(open.opened(
                u16::try_from(status).unwrap_or_default(),
                &sealed,
                &seal,
            )?)),
            (None, _) | (_, None) => Ok(Standing::Open(open)),
        }
    }

    /// The row of a request, made now where there is none or it is too old; whether it was made.
    ///
    /// In a task of its own: a transaction that is dropped half-way would poison its connection.
    async fn first(
        &self,
        subject: UserId,
        route: String,
        key: Uuid,
        body: Uuid,
    ) -> Result<(bool, Row), sqlx::Error> {
        let pool = self.pool.clone();
        let asking = whole(async move {
            let mut tx = pool.begin().await?;
            let made: Option<Row> = sqlx::query_as(
                "INSERT INTO idempotency_answers AS first (subject, route, key, body) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (subject, route, key) DO UPDATE
                 SET body = excluded.body, at = excluded.at, status = NULL, answer = NULL
                 WHERE first.at <= clock_timestamp() - make_interval(hours => $5)
                 RETURNING at, body, status, answer",
            )
            .bind(subject.0)
            .bind(&route)
            .bind(key)
            .bind(body)
            .bind(KEPT_HOURS)
            .fetch_optional(&mut *tx)
            .await?;
            let row = match made {
                Some(row) => (true, row),
                None => {
                    let first = sqlx::query_as(
                        "SELECT at, body, status, answer FROM idempotency_answers
                          WHERE subject = $1 AND route = $2 AND key = $3",
                    );
                    let first = first.bind(subject.0).bind(&route).bind(key);
                    (false, first.fetch_one(&mut *tx).await?)
                }
            };
            tx.commit().await?;
            Ok(row)
        });
        asking.await
    }

    /// Keeps the answer of a request, unless another one was kept before; the one that is kept.
    ///
    /// # Errors
    /// [`AnswersFault`]; then the next try runs the same command again.
    pub async fn keep(&self, open: &Open, answer: Answer) -> Result<Answer, AnswersFault> {
        let seal = self.vault.key_to_seal(open.subject).await?;
        let status = i16::try_from(answer.status).unwrap_or_default();
        let sealed = open.sealed(&answer, &seal)?;
        let (pool, row) = (self.pool.clone(), open.clone());
        let keeping = whole(async move {
            let mut tx = pool.begin().await?;
            let kept: Option<(Option<i16>, Option<Vec<u8>>)> = sqlx::query_as(
                "UPDATE idempotency_answers
                    SET status = coalesce(status, $5), answer = coalesce(answer, $6)
                  WHERE subject = $1 AND route = $2 AND key = $3 AND at = $4
                 RETURNING status, answer",
            )
            .bind(row.subject.0)
            .bind(&row.route)
            .bind(row.key)
            .bind(row.at)
            .bind(status)
            .bind(sealed)
            .fetch_optional(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(kept)
        });
        match keeping.await? {
            Some((Some(status), Some(sealed))) => {
                let status = u16::try_from(status).unwrap_or_default();
                Ok(open.opened(status, &sealed, &seal)?)
            }
            // Its day was over meanwhile, or she was erased: nobody will ask for it.
            Some(_) | None => Ok(answer),
        }
    }

    /// Deletes what nobody is given again; how many rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn purge(&self) -> Result<u64, sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query(
            "DELETE FROM idempotency_answers WHERE at <= clock_timestamp() - make_interval(hours => $1)",
        )
        .bind(KEPT_HOURS)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(gone.rows_affected())
    }

    /// Purges now and then, until the process ends.
    pub async fn keep_purged(self) {
        loop {
            if let Err(fault) = self.purge().await {
                tracing::debug!(%fault, "old answers are deleted later");
            }
            tokio::time::sleep(edge::backoff(0, PURGED_EVERY, PURGED_EVERY)).await;
        }
    }
}

impl Open {
    /// Binds a sealed answer to its request and its status: rows cannot be swapped.
    fn place(&self, status: u16) -> String {
        let (subject, route, key) = (self.subject, &self.route, self.key);
        format!("answer/{subject}/{route}/{key}/{status}")
    }

    fn sealed(&self, answer: &Answer, seal: &SubjectKey) -> Result<Vec<u8>, KeyError> {
        let kind = answer.content_type.as_bytes();
        let length = u16::try_from(kind.len()).map_err(|_| KeyError::Sealed)?;
        let plain = [&length.to_be_bytes(), kind, &answer.body].concat();
        seal.seal(&plain, &self.place(answer.status))
    }

    fn opened(&self, status: u16, sealed: &[u8], seal: &SubjectKey) -> Result<Answer, KeyError> {
        let plain = seal.open(sealed, &self.place(status))?;
        let (length, rest) = plain.split_at_checked(LENGTH).ok_or(KeyError::Sealed)?;
        let length = length
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (kind, body) = rest.split_at_checked(length).ok_or(KeyError::Sealed)?;
        Ok(Answer {
            status,
            content_type: String::from_utf8_lossy(kind).into_owned(),
            body: body.to_vec(),
        })
    }
}
