//! Pictures in a bucket that speaks S3: a stand-in on this machine that proves every signature (AWS Signature Version 4).

mod s3;

use crate::support::Record;
use chrono::TimeDelta;
use domain::ids::{ImageId, UserId};
use eventstore::edge::{fresh_id, now};
use eventstore::objects::{Bucket, Form, ObjectFault, Objects, Place};
use s3::S3;

struct Remote {
    record: Record,
    s3: S3,
    objects: Objects,
    owner: UserId,
}

impl Remote {
    async fn fresh() -> Self {
        let (record, s3) = (Record::fresh().await, S3::start().await);
        let objects = Objects::at(Place::Bucket(bucket(&s3, s3::SECRET)), record.vault());
        Self {
            objects: objects.unwrap(),
            owner: fresh_id().into(),
            record,
            s3,
        }
    }

    async fn put(&self, image: ImageId, bytes: &[u8]) -> Result<(), ObjectFault> {
        self.objects
            .put(self.owner, image, Form::Display, bytes)
            .await
    }

    async fn get(&self, image: ImageId) -> Result<Vec<u8>, ObjectFault> {
        self.objects.get(self.owner, image, Form::Display).await
    }
}

fn bucket(s3: &S3, secret: &str) -> Bucket {
    drop(rustls::crypto::ring::default_provider().install_default());
    Bucket {
        endpoint: format!("{}/storage/v1/s3", s3.url).parse().unwrap(),
        name: "pictures".to_owned(),
        region: s3::REGION.to_owned(),
        key: s3::KEY.to_owned(),
        secret: secret.to_owned().into(),
        prefix: "vara/".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_lies_sealed_in_a_bucket_and_comes_back_whether_it_is_one_part_or_several() {
    let remote = Remote::fresh().await;
    for length in [0, 1, 70_000, 6 * 1024 * 1024] {
        let (image, bytes) = (ImageId(fresh_id()), b"canary!".repeat(length / 7 + 1));
        remote.put(image, &bytes).await.unwrap();
        assert!(remote.get(image).await.unwrap() == bytes, "{length}");
    }
    let stored = remote.s3.objects();
    assert_eq!(stored.len(), 4);
    for (name, bytes) in stored {
        assert!(name.starts_with("/storage/v1/s3/pictures/vara/"), "{name}");
        assert!(!name.contains(&remote.owner.to_string()));
        assert!(!bytes.windows(7).any(|window| window == b"canary!"));
    }
    assert_eq!(remote.s3.parts(), 2, "six mebibytes are sent in parts");
    assert_eq!(remote.s3.unsigned(), 0, "every call was signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_gone_from_the_bucket_and_counted() {
    let remote = Remote::fresh().await;
    let (gone, stays) = (ImageId(fresh_id()), ImageId(fresh_id()));
    for form in Form::ALL {
        let put = remote.objects.put(remote.owner, gone, form, b"picture");
        put.await.unwrap();
    }
    remote.put(stays, b"picture").await.unwrap();
    assert_eq!(remote.objects.erase(gone).await.unwrap(), 4);
    assert_eq!(remote.objects.erase(gone).await.unwrap(), 0);
    assert!(matches!(remote.get(gone).await, Err(ObjectFault::Missing)));
    assert_eq!(remote.get(stays).await.unwrap(), b"picture");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_says_it_deleted_and_did_not_is_noticed() {
    let remote = Remote::fresh().await;
    let image = ImageId(fresh_id());
    remote.put(image, b"picture").await.unwrap();
    remote.s3.keeps_what_it_deletes();
    let erased = remote.objects.erase(image).await;
    assert!(matches!(erased, Err(ObjectFault::StillThere)), "{erased:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_is_made_again_and_one_that_fails_for_good_stores_nothing() {
    let remote = Remote::fresh().await;
    let image = ImageId(fresh_id());
    remote.s3.fails(2);
    remote.put(image, b"picture").await.unwrap();
    assert_eq!(remote.get(image).await.unwrap(), b"picture");
    let never = ImageId(fresh_id());
    remote.s3.fails(100);
    let put = remote.put(never, b"picture").await;
    assert!(matches!(put, Err(ObjectFault::Storage(_))), "{put:?}");
    let told = put.unwrap_err().to_string();
    assert!(
        !told.contains(s3::SECRET) && !told.contains("picture\""),
        "{told}"
    );
    remote.s3.fails(0);
    assert!(matches!(remote.get(never).await, Err(ObjectFault::Missing)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_a_fault_and_never_a_missing_picture() {
    let remote = Remote::fresh().await;
    let image = ImageId(fresh_id());
    remote.put(image, b"picture").await.unwrap();
    let wrong = bucket(&remote.s3, "another secret");
    let wrong = Objects::at(Place::Bucket(wrong), remote.record.vault()).unwrap();
    let read = wrong.get(remote.owner, image, Form::Display).await;
    assert!(matches!(read, Err(ObjectFault::Storage(_))), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_swept_like_a_folder() {
    // IMG-1
    let remote = Remote::fresh().await;
    let sha256 = fresh_id().simple().to_string().repeat(2);
    let kept = remote.record.uploads(remote.owner, &sha256).await;
    remote.put(kept, b"kept").await.unwrap();
    let orphan = ImageId(fresh_id());
    remote.put(orphan, b"nobody's").await.unwrap();
    let pool = &remote.record.pool;
    let swept = remote.objects.sweep(pool, now()).await.unwrap();
    assert_eq!(swept.orphans, 0);
    let tomorrow = now() + TimeDelta::hours(25);
    let swept = remote.objects.sweep(pool, tomorrow).await.unwrap();
    assert_eq!((swept.seen, swept.orphans), (3, 1), "the mark is seen too");
    assert_eq!(remote.get(kept).await.unwrap(), b"kept");
    assert!(matches!(
        remote.get(orphan).await,
        Err(ObjectFault::Missing)
    ));
}

#[test]
fn plain_http_is_spoken_with_this_machine_only() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (record, s3) = (Record::fresh().await, S3::start().await);
        let mut far = bucket(&s3, s3::SECRET);
        far.endpoint = "http://storage.example.test/s3".parse().unwrap();
        let far = Objects::at(Place::Bucket(far), record.vault()).unwrap();
        let owner = fresh_id().into();
        record.vault().key_to_seal(owner).await.unwrap();
        let put = far.put(owner, fresh_id().into(), Form::Display, b"x").await;
        assert!(matches!(put, Err(ObjectFault::Storage(_))), "{put:?}");
    });
}
