//! After a restore of the keys: what was purged stays purged (IMG-6).

use crate::restored::{Erased, Ground, READING};
use domain::ids::ImageId;
use domain::image::{ArchiveImage, ImageCommand, KEPT_DAYS, Library, PurgeImage, UploadImage};
use eventstore::edge::{fresh_id, now};
use eventstore::{MasterKey, Store, Vault, Why};
use sqlx::PgPool;
use tokio::runtime::Runtime;

impl Erased<'_> {
    /// A picture of hers that was purged, and then the database of keys as it was before: the salt, which is told.
    fn lost_a_picture(&self) -> Picture<'_> {
        let (owner, image_id, now) = (self.who, ImageId(fresh_id()), now());
        let upload = UploadImage {
            owner,
            image_id,
            sha256: "ab".repeat(32),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 1,
            width: 1,
            height: 1,
            fingerprint: None,
            embedding: None,
            near_copy_of: None,
            uploaded_at: now,
        };
        let archive = ArchiveImage {
            owner,
            image_id,
            archived_at: now - chrono::TimeDelta::days(KEPT_DAYS),
        };
        let purge = PurgeImage {
            owner,
            image_id,
            purged_at: now,
        };
        let Ground { events, keys, .. } = self.ground;
        let master = MasterKey::read(&self.ground.data().join("keys/master.key")).unwrap();
        let salt = self.ground.runtime.block_on(async {
            let store = Store::open(events.clone(), Vault::new(keys.clone(), master));
            for command in [
                ImageCommand::Upload(Box::new(upload)),
                ImageCommand::Archive(archive),
                ImageCommand::Purge(purge),
            ] {
                let why = Why::member(owner, fresh_id(), fresh_id());
                let done = store.execute::<Library>(owner.0, command, why).await;
                done.unwrap();
            }
            let asked = "SELECT salt FROM keys.picture_keys WHERE image_id = $1";
            let salt = sqlx::query_scalar(asked).bind(image_id.0);
            salt.fetch_one(keys).await.unwrap()
        });
        Picture {
            keys,
            runtime: &self.ground.runtime,
            image_id,
            salt,
        }
    }
}

/// A purged picture, and its salt in an older backup of the database of keys.
struct Picture<'g> {
    keys: &'g PgPool,
    runtime: &'g Runtime,
    image_id: ImageId,
    salt: Vec<u8>,
}

impl Picture<'_> {
    fn is_restored(&self) {
        let restoring =
            "UPDATE keys.picture_keys SET salt = $2, destroyed_at = NULL WHERE image_id = $1";
        let restoring = sqlx::query(restoring)
            .bind(self.image_id.0)
            .bind(&self.salt);
        self.runtime.block_on(restoring.execute(self.keys)).unwrap();
        assert!(self.has_a_key());
    }

    fn has_a_key(&self) -> bool {
        let asked = "SELECT salt IS NOT NULL FROM keys.picture_keys WHERE image_id = $1";
        let asked = sqlx::query_scalar(asked).bind(self.image_id.0);
        self.runtime.block_on(asked.fetch_one(self.keys)).unwrap()
    }
}

#[test]
fn with_an_older_backup_of_the_keys_the_key_of_a_purged_picture_is_destroyed_before_anything_is_read()
 {
    // IMG-6
    let ground = Ground::fresh();
    let ana = ground.member();
    let picture = ana.lost_a_picture();
    let (words, code) = ground.run(&["audit", "replay"], &ground.data());
    assert_ne!(code, 0, "{words}");
    assert!(words.contains("purged pictures have a key (1)"), "{words}");
    assert!(picture.has_a_key(), "it only looks");
    for (part, at) in READING {
        picture.is_restored();
        ground.reads_with(part, at);
        assert!(!picture.has_a_key(), "{at}\n{}", ground.log());
    }
    picture.is_restored();
    drop(ground.serves());
    assert!(!picture.has_a_key(), "the API\n{}", ground.log());
    assert!(ana.has_a_key(), "nobody else's");
    let (words, code) = ground.run(&["audit", "replay"], &ground.data());
    assert_eq!(code, 0, "{words}");
}

#[test]
fn no_part_starts_where_the_keys_of_purged_pictures_cannot_be_destroyed() {
    // IMG-6
    let ground = Ground::fresh();
    let ana = ground.member();
    let picture = ana.lost_a_picture();
    let away = "ALTER TABLE keys.picture_keys RENAME TO away";
    let away = sqlx::query(away).execute(picture.keys);
    ground.runtime.block_on(away).unwrap();
    for part in [
        &["relay"][..],
        &["projections"],
        &["workers"],
        &["api", "--port", "0"],
        &["up", "--port", "0"],
    ] {
        let (words, code) = ground.run(part, &ground.data());
        assert_ne!(code, 0, "{part:?}: {words}");
        let why = "nothing is read before purged pictures have no key";
        assert!(words.contains(why), "{part:?}: {words}");
    }
}
