//! The rows behind the keys of pictures: one for each, made once, useless elsewhere, and gone from the file when they are
//! to be (IMG-6).

use crate::picture_keys::{Seen, goes, opened, salts, takes_in, upload};
use crate::support::{Record, by};
use domain::ids::{ImageId, UserId};
use domain::image::Library;
use eventstore::edge::fresh_id;
use eventstore::{MasterKey, ReadFault, Store, Vault, migrate, put_away};
use sqlx::{Executor, PgPool};
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_make_a_pictures_key_at_once_both_use_the_one_that_stays() {
    let record = Record::fresh().await;
    let (ana, image) = (UserId(fresh_id()), ImageId(fresh_id()));
    record.store.vault().key_to_seal(ana).await.unwrap();
    let mut makers = JoinSet::new();
    for _ in 0..8 {
        // On streams of their own, so that each of them is written.
        let (store, stream) = (record.beside(), fresh_id());
        makers.spawn(async move {
            let why = by(ana, fresh_id());
            let done = store.execute::<Library>(stream, upload(ana, image), why);
            done.await.unwrap();
        });
    }
    makers.join_all().await;
    assert_eq!(salts(&record.pool, ana).await, (1, 1));
    let all = opened(&record, &record.vault()).await.unwrap();
    assert_eq!(all, Seen::from([(image, (16, 0))]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salt_that_was_answered_for_is_there_though_its_connection_had_a_transaction_open() {
    // As where somebody was dropped in the middle of beginning one.
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let one = migrate::pool_of(1).connect(&record.url).await.unwrap();
    let master = MasterKey::read(&record.folder.path().join("master.key")).unwrap();
    let store = Store::open(record.pool.clone(), Vault::new(one.clone(), master));
    // First her own key, then that of a picture of hers.
    store.vault().key_to_seal(ana).await.unwrap();
    let mut connection = one.acquire().await.unwrap();
    connection.execute("BEGIN").await.unwrap();
    drop(connection);
    let image = takes_in(&store, ana).await;
    one.close().await;
    let all = opened(&record, &record.vault()).await.unwrap();
    assert_eq!(all, Seen::from([(image, (2, 0))]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salt_moved_to_another_picture_opens_nothing() {
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let (one, other) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, ana).await,
    );
    sqlx::query(
        "UPDATE keys.picture_keys SET salt = (SELECT salt FROM keys.picture_keys WHERE image_id = $2) WHERE image_id = $1",
    )
    .bind(one.0)
    .bind(other.0)
    .execute(&record.pool)
    .await
    .unwrap();
    let fault = opened(&record, &record.vault()).await.unwrap_err();
    assert!(
        matches!(fault, ReadFault::Unreadable { position: 1, .. }),
        "{fault}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_a_salt_or_says_when_it_was_destroyed() {
    let record = Record::fresh().await;
    takes_in(&record.store, fresh_id().into()).await;
    for half in [
        "UPDATE keys.picture_keys SET salt = NULL",
        "UPDATE keys.picture_keys SET destroyed_at = now()",
        "UPDATE keys.picture_keys SET salt = '\\x00'",
    ] {
        assert!(sqlx::query(half).execute(&record.pool).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_the_master_key_changes_no_salt_and_all_pictures_open() {
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let image = takes_in(&record.store, ana).await;
    let path = record.folder.path().join("master.key");
    let before = std::fs::read_to_string(&path).unwrap();
    let other = record.folder.path().join("other.key");
    MasterKey::read_or_create(&other).unwrap();
    let fresh = std::fs::read_to_string(&other).unwrap();
    std::fs::write(&path, format!("{fresh}\n{before}")).unwrap();
    assert_eq!(record.vault().rewrap(|_| {}).await.unwrap(), 1);
    std::fs::write(&path, fresh).unwrap();
    let all = opened(&record, &record.vault()).await.unwrap();
    assert_eq!(all, Seen::from([(image, (2, 0))]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_page_by_page_which_pictures_were_purged() {
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    let mut all = Vec::new();
    for owner in [ana, eva, ana] {
        takes_in(&record.store, owner).await;
        let image = takes_in(&record.store, owner).await;
        goes(&record.store, owner, image).await;
        all.push((owner, image));
    }
    all.sort_by_key(|(_, image)| *image);
    let told = async |after: String| put_away::purged(&record.pool, &after).await.unwrap();
    let page = told(String::new()).await.unwrap();
    assert_eq!(page.pictures, all);
    let rest = told(all[0].1.to_string()).await.unwrap();
    assert_eq!(rest.pictures, all[1..]);
    assert_eq!(told(page.last).await, None);
    let images: Vec<ImageId> = all.iter().map(|(_, image)| *image).collect();
    let vault = record.vault();
    assert_eq!(vault.pictures_with_a_key(&images).await.unwrap(), 3);
    assert_eq!(vault.destroy_pictures(&all).await.unwrap(), 3);
    assert_eq!(vault.pictures_with_a_key(&images).await.unwrap(), 0);
    // The log may name one twice, as where two streams do.
    let nobodys = [(ana, ImageId(Uuid::nil())), (eva, ImageId(Uuid::nil()))];
    assert_eq!(
        vault.destroy_pictures(&nobodys).await.unwrap(),
        1,
        "and can never be made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_salt_leaves_the_file_when_the_table_is_written_anew() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let (gone, stays) = (
        takes_in(&record.store, ana).await,
        takes_in(&record.store, ana).await,
    );
    let salt = async |image: ImageId| -> Vec<u8> {
        let asked = "SELECT salt FROM keys.picture_keys WHERE image_id = $1";
        let salt = sqlx::query_scalar(asked).bind(image.0);
        salt.fetch_one(&record.pool).await.unwrap()
    };
    let (of_gone, of_stays) = (salt(gone).await, salt(stays).await);
    let stands = async |salt: &[u8]| -> bool {
        sqlx::query("CHECKPOINT")
            .execute(&record.pool)
            .await
            .unwrap();
        let asked = "SELECT position($1 IN pg_read_binary_file(pg_relation_filepath('keys.picture_keys'))) > 0";
        let found = sqlx::query_scalar(asked).bind(salt);
        found.fetch_one(&record.pool).await.unwrap()
    };
    let vault = record.store.vault();
    vault.destroy_pictures(&[(ana, gone)]).await.unwrap();
    assert!(stands(&of_gone).await && stands(&of_stays).await);
    // Whoever looked at the table before, as the server's own statistics do, has the old row carried along (decision 0027).
    for _ in 0..50 {
        assert!(vault.overwrite_picture_keys().await.unwrap());
        if !stands(&of_gone).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let another = takes_in(&record.store, ana).await;
        vault.destroy_pictures(&[(ana, another)]).await.unwrap();
    }
    assert!(!stands(&of_gone).await && stands(&of_stays).await);
}

/// The file in which the table lies now; another one once it was written anew.
async fn file(pool: &PgPool) -> String {
    let asked = "SELECT pg_relation_filepath('keys.picture_keys')";
    sqlx::query_scalar(asked).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_reads_for_long_is_written_anew_later_and_nobody_waits_for_it() {
    // IMG-6
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    let gone = takes_in(&record.store, ana).await;
    let vault = record.store.vault();
    vault.destroy_pictures(&[(ana, gone)]).await.unwrap();
    let first = file(&record.pool).await;
    // As a backup does.
    let mut reading = record.pool.begin().await.unwrap();
    let read = sqlx::query("LOCK TABLE keys.picture_keys IN ACCESS SHARE MODE");
    read.execute(&mut *reading).await.unwrap();
    assert!(!vault.overwrite_picture_keys().await.unwrap(), "later");
    takes_in(&record.store, ana).await;
    reading.commit().await.unwrap();
    assert_eq!(file(&record.pool).await, first);
    // Whoever comes next does it, though nothing was destroyed since; and then there is no more to do.
    assert!(record.vault().overwrite_picture_keys().await.unwrap());
    let second = file(&record.pool).await;
    assert_ne!(second, first);
    assert!(vault.overwrite_picture_keys().await.unwrap());
    assert_eq!(file(&record.pool).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_does_not_write_the_table_of_all_pictures_anew() {
    // AUD-4: her salts are noise without her key
    let record = Record::fresh().await;
    let ana = UserId(fresh_id());
    takes_in(&record.store, ana).await;
    let before = file(&record.pool).await;
    record.store.vault().destroy(ana).await.unwrap();
    assert!(record.vault().overwrite_picture_keys().await.unwrap());
    assert_eq!(file(&record.pool).await, before);
}
