//! A key for each picture: what the log holds of a purged one opens nowhere, and nothing else is lost (IMG-6).

use crate::support::{Record, an_upload, at, by, joins, until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{ArchiveImage, EmbedImage, Embedding, ImageCommand, ImageEvent};
use domain::image::{ImageRefusal, KEPT_DAYS, Library, PurgeImage, UploadImage, Vector};
use eventstore::edge::fresh_id;
use eventstore::unopened::{Keys, Unopened};
use eventstore::{ExecuteError, Key, ReadFault, Store, Vault};
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn sha256() -> String {
    fresh_id().simple().to_string().repeat(2)
}

pub fn embedding(model: &str) -> Embedding {
    Embedding {
        model: model.to_owned(),
        vector: Vector::try_new(&[0.5; 512]).unwrap(),
    }
}

pub fn upload(owner: UserId, image_id: ImageId) -> ImageCommand {
    ImageCommand::Upload(Box::new(UploadImage {
        embedding: Some(embedding("clip-1")),
        ..an_upload(owner, image_id)
    }))
}

pub async fn does(store: &Store, owner: UserId, ask: ImageCommand) {
    let done = store.execute::<Library>(owner.0, ask, by(owner, fresh_id()));
    done.await.unwrap();
}

pub async fn takes_in(store: &Store, owner: UserId) -> ImageId {
    let image = ImageId(fresh_id());
    does(store, owner, upload(owner, image)).await;
    image
}

/// Both facts, as after seven days, and the key.
async fn purges(store: &Store, owner: UserId, image_id: ImageId) {
    goes(store, owner, image_id).await;
    let destroyed = store.vault().destroy_pictures(&[(owner, image_id)]).await;
    assert_eq!(destroyed.unwrap(), 1);
}

/// The facts alone, as where the process is stopped behind them.
pub async fn goes(store: &Store, owner: UserId, image_id: ImageId) {
    let purged_at = at();
    let archived_at = purged_at - chrono::TimeDelta::days(KEPT_DAYS);
    let archive = ArchiveImage {
        owner,
        image_id,
        archived_at,
    };
    does(store, owner, ImageCommand::Archive(archive)).await;
    let purge = PurgeImage {
        owner,
        image_id,
        purged_at,
    };
    does(store, owner, ImageCommand::Purge(purge)).await;
}

/// For each picture of the log the values that open, and those that read as erased.
pub type Seen = BTreeMap<ImageId, (usize, usize)>;

fn seen(events: impl IntoIterator<Item = Event>) -> Seen {
    let values = events.into_iter().filter_map(|event| match event {
        Event::Image(ImageEvent::ImageUploaded {
            image_id, sha256, ..
        }) => Some((image_id, sha256.known().is_some())),
        Event::Image(ImageEvent::ImageEmbedded {
            image_id, vector, ..
        }) => Some((image_id, vector.known().is_some())),
        Event::Image(
            ImageEvent::ImageArchived { .. }
            | ImageEvent::ImageRestored { .. }
            | ImageEvent::ImagePurged { .. },
        )
        | Event::User(_)
        | Event::Scan(_)
        | Event::Match(_)
        | Event::Alert(_)
        | Event::Plan(_)
        | Event::HashCase(_) => None,
    });
    let mut seen = Seen::new();
    for (image, opens) in values {
        let (open, erased) = seen.entry(image).or_default();
        *open += usize::from(opens);
        *erased += usize::from(!opens);
    }
    seen
}

/// The whole log, event by event, as an auditor opens it; and at once, as projectors do. Both say the same.
pub async fn opened(record: &Record, vault: &Vault) -> Result<Seen, ReadFault> {
    let (log, mut events) = (record.log(), Vec::new());
    for event in log.read_after(0, 1_000).await? {
        events.push(event.open(vault).await?.event);
    }
    let seen_each = seen(events);
    assert_eq!(at_once(record, vault).await?, seen_each);
    Ok(seen_each)
}

async fn at_once(record: &Record, vault: &Vault) -> Result<Seen, ReadFault> {
    let batch = record.log().read_after(0, 1_000).await?;
    let batch: Vec<Unopened> = batch.into_iter().map(Unopened::from).collect();
    let (mut keys, mut events) = (Keys::of(vault, batch.iter()).await, Vec::new());
    for event in batch {
        let opened = event.open(&mut keys).await.map_err(|(_, fault)| fault)?;
        events.push(opened.event);
    }
    Ok(seen(events))
}

pub async fn salts(pool: &PgPool, owner: UserId) -> (i64, i64) {
    let counted = "SELECT count(salt), count(*) FROM keys.picture_keys WHERE owner = $1";
    let counted = sqlx::query_as(counted).bind(owner.0);
    counted.fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_holds_of_a_purged_picture_opens_nowhere_and_all_else_does() {
    // IMG-6: vectors and hash are erased
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    joins(&record.store, ana, "ana@example.test", fresh_id())
        .await
        .unwrap();
    let gone = takes_in(&record.store, ana).await;
    let (stays, others) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, eva).await,
    );
    let before = opened(&record, &record.vault()).await.unwrap();
    assert_eq!(
        before,
        Seen::from([(gone, (2, 0)), (stays, (2, 0)), (others, (2, 0))])
    );
    purges(&record.store, ana, gone).await;
    let after = Seen::from([(gone, (0, 2)), (stays, (2, 0)), (others, (2, 0))]);
    for vault in [record.store.vault().clone(), record.vault()] {
        assert_eq!(opened(&record, &vault).await.unwrap(), after);
    }
    record.is_whole().await;
    // Her library folds, and takes in more; the picture is not in it.
    for store in [record.store.clone(), record.beside()] {
        let library = store.load::<Library>(ana.0).await.unwrap();
        assert!(library.active().eq([stays]), "{library:?}");
    }
    takes_in(&record.beside(), ana).await;
    assert_eq!(salts(&record.pool, ana).await, (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_can_be_sealed_for_a_purged_picture() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let gone = takes_in(&record.store, ana).await;
    goes(&record.store, ana, gone).await;
    let vault = record.store.vault();
    assert_eq!(vault.destroy_pictures(&[(ana, gone)]).await.unwrap(), 1);
    assert_eq!(
        vault.destroy_pictures(&[(ana, gone)]).await.unwrap(),
        0,
        "once"
    );
    let embed = ImageCommand::Embed(Box::new(EmbedImage {
        owner: ana,
        image_id: gone,
        embedding: embedding("clip-2"),
        embedded_at: at(),
    }));
    let why = by(ana, fresh_id());
    let refused = record.store.execute::<Library>(ana.0, embed, why).await;
    assert!(matches!(
        refused,
        Err(ExecuteError::Refused(ImageRefusal::Unknown))
    ));
    // Also where somebody asks for the same picture anew, on another stream of hers.
    let again = record.beside();
    let asked = again.execute::<Library>(fresh_id(), upload(ana, gone), by(ana, fresh_id()));
    let told = asked.await.unwrap_err().to_string();
    assert!(told.contains("was purged"), "{told}");
    assert_eq!(salts(&record.pool, ana).await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_had_the_key_in_memory_forgets_it_as_it_is_destroyed() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let (gone, stays) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, ana).await,
    );
    let (following, deaf) = (record.vault(), record.vault());
    following.follow();
    let both = Seen::from([(gone, (2, 0)), (stays, (2, 0))]);
    for vault in [&following, &deaf] {
        assert_eq!(opened(&record, vault).await.unwrap(), both);
    }
    let begun = Instant::now();
    record
        .vault()
        .destroy_pictures(&[(ana, gone)])
        .await
        .unwrap();
    let left = Seen::from([(gone, (0, 2)), (stays, (2, 0))]);
    until("it is dropped", || async {
        // Not both ways: word may come between the two.
        at_once(&record, &following).await.unwrap() == left
    })
    .await;
    // Far from the minute after which it would have been dropped in any case; who hears nothing has that.
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(opened(&record, &deaf).await.unwrap(), both);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_takes_the_keys_of_her_pictures_too_and_nobody_elses() {
    // AUD-2, AUD-4
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    let (one, purged) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, ana).await,
    );
    let others = takes_in(&record.store, eva).await;
    purges(&record.store, ana, purged).await;
    record.store.vault().destroy(ana).await.unwrap();
    assert_eq!(salts(&record.pool, ana).await, (0, 0));
    assert_eq!(salts(&record.pool, eva).await, (1, 1));
    let left = Seen::from([(one, (0, 2)), (purged, (0, 2)), (others, (2, 0))]);
    assert_eq!(opened(&record, &record.vault()).await.unwrap(), left);
    // What was purged needs no line of its own any more.
    let again = record.vault().destroy_pictures(&[(ana, purged)]).await;
    assert_eq!(again.unwrap(), 0);
    assert_eq!(salts(&record.pool, ana).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_her_key_in_memory_as_she_is_erased_reads_erased_values_and_loses_no_key() {
    // AUD-2, AUD-4
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    let (one, other) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, ana).await,
    );
    let others = takes_in(&record.store, eva).await;
    // None of them follows, as behind a pooler; each has read her key and no salt of her pictures.
    let (deaf, reads, commands) = (record.vault(), record.vault(), record.beside());
    for vault in [&deaf, &reads, commands.vault()] {
        assert!(matches!(vault.key(ana).await.unwrap(), Key::Present(_)));
    }
    let batch = record.log().read_after(0, 1_000).await.unwrap();
    let batch: Vec<Unopened> = batch.into_iter().map(Unopened::from).collect();
    let mut keys = Keys::of(&deaf, batch.iter().take(0)).await;
    record.store.vault().destroy(ana).await.unwrap();
    let left = Seen::from([(one, (0, 2)), (other, (0, 2)), (others, (2, 0))]);
    let mut at_once = Vec::new();
    for event in batch {
        at_once.push(event.open(&mut keys).await.unwrap().event);
    }
    assert_eq!(seen(at_once), left);
    assert_eq!(opened(&record, &reads).await.unwrap(), left);
    let library = commands.load::<Library>(ana.0).await;
    assert!(library.is_ok(), "{library:?}");
}

/// As the release before wrote it: version 1, under its owner's key, and no key of the picture's.
async fn of_the_release_before(record: &Record, owner: UserId) -> ImageId {
    let image = record.uploads(owner, &sha256()).await;
    let events = record.log().read_after(0, 1_000).await.unwrap();
    let event = events.last().unwrap();
    let Key::Present(key) = record.store.vault().key(owner).await.unwrap() else {
        panic!("she has a key")
    };
    let place = format!(
        "image/{owner}/{}/ImageUploaded/ImageUploaded/sha256",
        event.event_id
    );
    let value = serde_json::to_vec(&sha256()).unwrap();
    let sealed = STANDARD_NO_PAD.encode(key.seal(&value, &place).unwrap());
    let mut payload = event.payload.clone();
    payload["ImageUploaded"]["sha256"]["$sealed"] = json!(format!("1.{sealed}"));
    record
        .tampered(&format!(
            "UPDATE events SET event_version = '1', payload = '{payload}'::json WHERE position = {}",
            event.position
        ))
        .await;
    sqlx::query("DELETE FROM keys.picture_keys WHERE image_id = $1")
        .bind(image.0)
        .execute(&record.pool)
        .await
        .unwrap();
    image
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_the_release_before_opens_under_her_own_key_also_beside_newer_values() {
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let old = of_the_release_before(&record, ana).await;
    let fresh = takes_in(&record.store, ana).await;
    let all = Seen::from([(old, (1, 0)), (fresh, (2, 0))]);
    assert_eq!(opened(&record, &record.vault()).await.unwrap(), all);
    // A vector that is made of it now stands under a key of its own, and goes with the picture; what was written before stays
    // readable until she is erased.
    let embed = ImageCommand::Embed(Box::new(EmbedImage {
        owner: ana,
        image_id: old,
        embedding: embedding("clip-1"),
        embedded_at: at(),
    }));
    does(&record.beside(), ana, embed).await;
    purges(&record.beside(), ana, old).await;
    let after = Seen::from([(old, (1, 1)), (fresh, (2, 0))]);
    assert_eq!(opened(&record, &record.vault()).await.unwrap(), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_of_a_picture_is_not_a_destroyed_one() {
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    takes_in(&record.store, ana).await;
    sqlx::query("DELETE FROM keys.picture_keys")
        .execute(&record.pool)
        .await
        .unwrap();
    let fault = opened(&record, &record.vault()).await.unwrap_err();
    assert!(
        matches!(&fault, ReadFault::Unreadable { position: 1, what } if what.contains("no key for picture")),
        "{fault}"
    );
    let refused = record.beside().load::<Library>(ana.0).await;
    assert!(matches!(refused, Err(ExecuteError::Broken(_))));
}
