//! Pictures go seven days after they were put away, once, with their bytes, and not a picture sooner.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{ErasureId, ImageId, UserId};
use domain::image::{ArchiveImage, ImageCommand, Library, RestoreImage, UploadImage};
use domain::user::{EraseSubject, RegisterUser, User, UserCommand};
use eventstore::objects::{Form, ObjectFault, Objects};
use eventstore::{Log, MasterKey, Store, Vault, Why, edge, migrate};
use workers::purge::Purge;

/// Some salt, in SQL.
const SALT: &str = "decode(repeat('ab', 32), 'hex')";

struct House {
    purge: Purge,
    owner: UserId,
    _folder: tempfile::TempDir,
}

fn days(n: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(n)
}

impl House {
    async fn fresh() -> Self {
        let url = tokio::task::spawn_blocking(|| embedded::testing::database("purge", prepared))
            .await
            .unwrap();
        let pool = migrate::connect(&url, 4).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let objects = Objects::open(&folder.path().join("objects"), vault.clone()).unwrap();
        let house = Self {
            purge: Purge {
                store: Store::open(pool, vault),
                objects,
            },
            owner: edge::fresh_id().into(),
            _folder: folder,
        };
        house
            .does_as_member(UserCommand::Register(RegisterUser {
                user_id: house.owner,
                email: "ana@example.test".to_owned().into(),
                registered_at: days(0),
            }))
            .await;
        house
    }

    fn why(&self) -> Why {
        Why::member(self.owner, edge::fresh_id(), edge::fresh_id())
    }

    async fn does_as_member(&self, command: UserCommand) {
        let store = &self.purge.store;
        let done = store.execute::<User>(self.owner.0, command, self.why());
        done.await.unwrap();
    }

    async fn does(&self, command: ImageCommand) {
        let store = &self.purge.store;
        let done = store.execute::<Library>(self.owner.0, command, self.why());
        done.await.unwrap();
    }

    /// A picture with its bytes, put away on a day.
    async fn put_away(&self, day: i64) -> ImageId {
        let image_id = ImageId(edge::fresh_id());
        for form in Form::ALL {
            let put = self.purge.objects.put(self.owner, image_id, form, b"bytes");
            put.await.unwrap();
        }
        self.does(ImageCommand::Upload(Box::new(UploadImage {
            owner: self.owner,
            image_id,
            sha256: image_id.0.simple().to_string().repeat(2),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 5,
            width: 32,
            height: 32,
            fingerprint: None,
            embedding: None,
            near_copy_of: None,
            uploaded_at: days(0),
        })))
        .await;
        self.does(ImageCommand::Archive(ArchiveImage {
            owner: self.owner,
            image_id,
            archived_at: days(day),
        }))
        .await;
        image_id
    }

    async fn has_bytes(&self, image: ImageId) -> bool {
        let read = self.purge.objects.get(self.owner, image, Form::Working);
        match read.await {
            Ok(_) => true,
            Err(ObjectFault::Missing) => false,
            Err(fault) => panic!("{fault}"),
        }
    }

    /// Whether what the log holds of it can be opened.
    async fn has_a_key(&self, image: ImageId) -> bool {
        let vault = self.purge.store.vault();
        vault.pictures_with_a_key(&[image]).await.unwrap() == 1
    }

    /// What no program of ours does to the keys.
    async fn keys_are(&self, changed: &str) {
        let changing = sqlx::query(changed).execute(self.purge.store.database());
        changing.await.unwrap();
    }

    async fn purged(&self) -> usize {
        let log = Log::new(self.purge.store.database().clone());
        let events = log.read_after(0, 1_000).await.unwrap();
        let purged = events.iter().filter(|e| e.event_type == "ImagePurged");
        purged.count()
    }
}

fn prepared(url: &str) {
    let url = url.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let pool = migrate::connect(&url, 1).await.unwrap();
            migrate::run(&pool).await.unwrap();
            migrate::run_keys(&pool, &pool).await.unwrap();
            pool.close().await;
        });
    })
    .join()
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_away_goes_after_seven_days_with_bytes_and_key_and_nothing_else_does() {
    // IMG-6
    let house = House::fresh().await;
    let (old, young) = (house.put_away(1).await, house.put_away(2).await);
    let almost = days(8) - TimeDelta::milliseconds(1);
    assert_eq!(house.purge.all_due(almost).await.unwrap(), 0);
    assert!(house.has_bytes(old).await && house.has_a_key(old).await);
    assert_eq!(house.purge.all_due(days(8)).await.unwrap(), 1);
    assert!(!house.has_bytes(old).await && house.has_bytes(young).await);
    assert!(!house.has_a_key(old).await && house.has_a_key(young).await);
    assert_eq!(house.purge.all_due(days(8)).await.unwrap(), 0, "once");
    assert_eq!(house.purged().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_came_back_stays_until_seven_days_after_it_was_put_away_again() {
    let house = House::fresh().await;
    let image_id = house.put_away(1).await;
    let owner = house.owner;
    house
        .does(ImageCommand::Restore(RestoreImage {
            owner,
            image_id,
            restored_at: days(3),
        }))
        .await;
    assert_eq!(house.purge.all_due(days(30)).await.unwrap(), 0);
    house
        .does(ImageCommand::Archive(ArchiveImage {
            owner,
            image_id,
            archived_at: days(25),
        }))
        .await;
    assert_eq!(house.purge.all_due(days(31)).await.unwrap(), 0);
    assert!(house.has_bytes(image_id).await);
    assert_eq!(house.purge.all_due(days(32)).await.unwrap(), 1);
    assert!(!house.has_bytes(image_id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_them_at_once_purge_each_picture_once() {
    let house = House::fresh().await;
    for _ in 0..5 {
        house.put_away(1).await;
    }
    let (one, other) = (house.purge.clone(), house.purge.clone());
    let (one, other) = tokio::join!(one.all_due(days(9)), other.all_due(days(9)));
    assert!(one.unwrap() + other.unwrap() >= 5);
    assert_eq!(house.purged().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_else_destroyed_leaves_the_file_within_the_hour() {
    // IMG-6: also where no picture goes in that hour
    let house = House::fresh().await;
    let image = house.put_away(1).await;
    let vault = house.purge.store.vault();
    let picture = [(house.owner, image)];
    vault.destroy_pictures(&picture).await.unwrap();
    assert!(vault.may_hold_destroyed_salts().await.unwrap());
    assert_eq!(house.purge.all_due(days(2)).await.unwrap(), 0);
    assert!(!vault.may_hold_destroyed_salts().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_came_back_while_parts_run_is_destroyed_again_within_the_hour() {
    // IMG-6: as where a standby of the keys takes over that lacked a commit
    let house = House::fresh().await;
    let (gone, stays) = (house.put_away(1).await, house.put_away(5).await);
    assert_eq!(house.purge.all_due(days(8)).await.unwrap(), 1);
    house
        .keys_are(&format!(
            "UPDATE keys.picture_keys SET salt = {SALT}, destroyed_at = NULL WHERE image_id = '{gone}'"
        ))
        .await;
    assert!(house.has_a_key(gone).await);
    assert_eq!(house.purge.all_due(days(8)).await.unwrap(), 0);
    assert!(!house.has_a_key(gone).await && house.has_a_key(stays).await);
    let vault = house.purge.store.vault();
    assert!(!vault.may_hold_destroyed_salts().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_for_a_member_who_was_erased() {
    // AUD-4: her pictures went with her
    let house = House::fresh().await;
    house.put_away(1).await;
    house
        .does_as_member(UserCommand::Erase(EraseSubject {
            user_id: house.owner,
            erasure_id: ErasureId(edge::fresh_id()),
            erased_at: days(2),
        }))
        .await;
    let vault = house.purge.store.vault();
    assert_eq!(vault.destroy(house.owner).await.unwrap(), 1, "a picture");
    // By a process that has her key in memory for a minute more.
    let late = ImageId(edge::fresh_id());
    house
        .keys_are(&format!(
            "INSERT INTO keys.picture_keys (image_id, owner, salt) VALUES ('{late}', '{}', {SALT})",
            house.owner
        ))
        .await;
    assert_eq!(house.purge.all_due(days(30)).await.unwrap(), 0);
    assert_eq!(house.purged().await, 0);
    assert!(!house.has_a_key(late).await, "it opens nothing, and goes");
}
