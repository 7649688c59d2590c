//! A record of one's own for each test, and the words in which the tests speak of it.

use chrono::{DateTime, Utc};
use domain::Share;
use domain::ids::{ImageId, MatchId, UserId};
use domain::image::{ImageCommand, Library, UploadImage};
use domain::matches::{Disposition, Match, MatchCommand, MatchRefusal, MatchType};
use domain::matches::{PageAddress, RecordMatch, Tier, Verdict};
use domain::user::{ChangeConsent, Purpose, RegisterUser, User, UserCommand, UserRefusal};
use embedded::testing::{self, TestNats};
use eventstore::edge::{fresh_id, now};
use eventstore::{ExecuteError, Log, MasterKey, Receipt, Store, Vault, Why, migrate};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Generous: the machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A log with its keys, as one process sees it.
pub struct Record {
    pub url: String,
    pub pool: PgPool,
    pub store: Store,
    pub folder: TempDir,
}

impl Record {
    pub async fn fresh() -> Self {
        Self::open(database().await).await
    }

    /// In an empty database of somebody else's server.
    pub async fn at(url: &str) -> Self {
        let url = url.to_owned();
        let made = tokio::task::spawn_blocking(move || {
            migrated(&url);
            url
        });
        Self::open(made.await.unwrap()).await
    }

    async fn open(url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pool = migrate::connect(&url, 12).await.unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let store = Store::open(pool.clone(), Vault::new(pool.clone(), master));
        Self {
            url,
            pool,
            store,
            folder,
        }
    }

    /// A database without anything in it, for something to be restored into.
    pub async fn empty() -> Empty {
        let made = tokio::task::spawn_blocking(|| testing::database("empty", |_| {}));
        Empty {
            url: made.await.unwrap(),
        }
    }

    /// What another process would open: a lane of its own, and no key in memory yet.
    pub fn beside(&self) -> Store {
        Store::open(self.pool.clone(), self.vault())
    }

    /// A vault that has opened no key yet.
    pub fn vault(&self) -> Vault {
        let master = MasterKey::read(&self.folder.path().join("master.key")).unwrap();
        Vault::new(self.pool.clone(), master)
    }

    /// The same record on another server.
    pub async fn moved_to(&self, url: &str) -> Store {
        let pool = migrate::connect(url, 4).await.unwrap();
        let master = MasterKey::read(&self.folder.path().join("master.key")).unwrap();
        Store::open(pool.clone(), Vault::new(pool, master))
    }

    pub fn log(&self) -> Log {
        Log::new(self.pool.clone())
    }

    /// So many events, on as many streams of one member.
    pub async fn holds(&self, events: u32) -> UserId {
        let owner = fresh_id().into();
        for _ in 0..events {
            sees(&self.store, owner, fresh_id().into(), fresh_id())
                .await
                .unwrap();
        }
        owner
    }

    /// A member takes a picture in, with this digest.
    pub async fn uploads(&self, owner: UserId, sha256: &str) -> ImageId {
        let image_id = ImageId(fresh_id());
        let upload = ImageCommand::Upload(Box::new(UploadImage {
            sha256: sha256.to_owned(),
            ..an_upload(owner, image_id)
        }));
        let why = by(owner, fresh_id());
        let uploaded = self.store.execute::<Library>(owner.0, upload, why);
        uploaded.await.unwrap();
        image_id
    }

    /// A key is destroyed by somebody who tells nobody.
    pub async fn destroys_in_silence(&self, subject: UserId) {
        sqlx::query(
            "UPDATE keys.subject_keys SET wrapped = NULL, erased_at = now() WHERE subject = $1",
        )
        .bind(subject.0)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// What somebody does who owns the database and means harm.
    pub async fn tampered(&self, change: &str) {
        for statement in [
            "ALTER TABLE events DISABLE TRIGGER USER",
            change,
            "ALTER TABLE events ENABLE TRIGGER USER",
        ] {
            sqlx::query(statement).execute(&self.pool).await.unwrap();
        }
    }

    /// Positions 1 to n without a gap, each stream 1 to m without a gap, a command's events together; n.
    pub async fn is_whole(&self) -> i64 {
        let (events, newest): (i64, i64) =
            sqlx::query_as("SELECT count(*), coalesce(max(position), 0) FROM events")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        assert_eq!(events, newest, "a gap between positions");
        let faults: Vec<String> = sqlx::query_scalar(
            "SELECT 'sequence at ' || position FROM
               (SELECT position, sequence, row_number() OVER
                  (PARTITION BY aggregate_type, aggregate_id ORDER BY position) AS place FROM events) s
              WHERE sequence <> place
             UNION ALL
             SELECT 'command ' || command_id FROM events WHERE command_id IS NOT NULL GROUP BY command_id
             HAVING max(position) - min(position) + 1 <> count(*)
                 OR count(DISTINCT (aggregate_type, aggregate_id)) <> 1",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        events
    }

    /// The positions that a command led to.
    pub async fn of_command(&self, command: Uuid) -> Vec<i64> {
        sqlx::query_scalar("SELECT position FROM events WHERE command_id = $1 ORDER BY position")
            .bind(command)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

/// An empty database; it goes when the value goes.
pub struct Empty {
    pub url: String,
}

impl Drop for Empty {
    fn drop(&mut self) {
        dropped(&self.url);
    }
}

/// A database that stays costs the next test process the time to delete it from the disk.
impl Drop for Record {
    fn drop(&mut self) {
        dropped(&self.url);
    }
}

fn dropped(url: &str) {
    let url = url.to_owned();
    let dropping = std::thread::spawn(move || {
        small_runtime().block_on(async {
            let (server, name) = url.rsplit_once('/').unwrap();
            let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
            let mut asked = PgConnection::connect(&format!("{server}/postgres")).await?;
            asked.execute(drop.as_str()).await
        })
    });
    let dropped = dropping.join();
    assert!(matches!(dropped, Ok(Ok(_))) || std::thread::panicking());
}

fn small_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

async fn database() -> String {
    let made = tokio::task::spawn_blocking(|| testing::database("record", migrated));
    made.await.unwrap()
}

fn migrated(url: &str) {
    small_runtime().block_on(async {
        let pool = migrate::connect(url, 1).await.unwrap();
        migrate::run(&pool).await.unwrap();
        migrate::run_keys(&pool, &pool).await.unwrap();
        pool.close().await;
    });
}

pub async fn nats() -> Arc<TestNats> {
    let started = tokio::task::spawn_blocking(testing::nats);
    Arc::new(started.await.unwrap())
}

/// Does something to a server that blocks for a moment.
pub async fn with(nats: &Arc<TestNats>, act: impl FnOnce(&TestNats) + Send + 'static) {
    let nats = Arc::clone(nats);
    tokio::task::spawn_blocking(move || act(&nats))
        .await
        .unwrap();
}

pub fn at() -> DateTime<Utc> {
    now()
}

pub fn a_match(owner: UserId, id: MatchId, page: &str) -> RecordMatch {
    RecordMatch {
        owner,
        match_id: id,
        image_id: Uuid::from_u128(3).into(),
        scan_id: fresh_id().into(),
        page: PageAddress::parse(page).unwrap(),
        picture: None,
        engine: "tineye".to_owned(),
        similarity: Share::percent(97),
        verdict: Verdict {
            match_type: MatchType::Exact,
            tier: Tier::High,
            disposition: Disposition::Alert,
        },
        is_mock: false,
        detected_at: at(),
    }
}

/// A picture that is nobody else's, without hash and vector.
pub fn an_upload(owner: UserId, image_id: ImageId) -> UploadImage {
    UploadImage {
        owner,
        image_id,
        sha256: image_id.0.simple().to_string().repeat(2),
        content_type: "image/jpeg".to_owned(),
        size_bytes: 1,
        width: 1,
        height: 1,
        fingerprint: None,
        embedding: None,
        near_copy_of: None,
        uploaded_at: at(),
    }
}

pub fn by(owner: UserId, command: Uuid) -> Why {
    Why::member(owner, fresh_id(), command)
}

/// A fresh scan sees a page: one event, whatever was there before.
pub async fn sees(
    store: &Store,
    owner: UserId,
    page: MatchId,
    command: Uuid,
) -> Result<Receipt, ExecuteError<MatchRefusal>> {
    let ask = a_match(owner, page, &format!("https://gallery.example.test/{page}"));
    let record = MatchCommand::Record(Box::new(ask));
    store
        .execute::<Match>(page.0, record, by(owner, command))
        .await
}

/// She comes into being: three events, once.
pub async fn joins(
    store: &Store,
    member: UserId,
    email: &str,
    command: Uuid,
) -> Result<Receipt, ExecuteError<UserRefusal>> {
    let register = UserCommand::Register(RegisterUser {
        user_id: member,
        email: email.to_owned().into(),
        registered_at: at(),
    });
    store
        .execute::<User>(member.0, register, by(member, command))
        .await
}

/// She agrees to a purpose, or no longer.
pub async fn says(
    store: &Store,
    member: UserId,
    purpose: Purpose,
    granted: bool,
    command: Uuid,
) -> Result<Receipt, ExecuteError<UserRefusal>> {
    let change = UserCommand::ChangeConsent(ChangeConsent {
        user_id: member,
        purpose,
        granted,
        text_version: domain::user::TextVersion::parse("settings-1").unwrap(),
        at: at(),
    });
    store
        .execute::<User>(member.0, change, by(member, command))
        .await
}

/// Waits until something is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
