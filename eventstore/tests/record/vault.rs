//! Keys: one for each subject, whoever makes it; useless under another master key or another name.

use crate::support::Record;
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::{Key, KeyError, MasterKey, Vault};
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use uuid::Uuid;

async fn of_another_master(record: &Record) -> Vault {
    let other = MasterKey::read_or_create(&record.folder.path().join("other.key")).unwrap();
    Vault::new(record.pool.clone(), other)
}

#[tokio::test(flavor = "multi_thread")]
async fn vaults_that_make_one_subjects_key_at_once_share_one_key() {
    let record = Record::fresh().await;
    let subject = UserId(fresh_id());
    let mut makers = JoinSet::new();
    for _ in 0..16 {
        let vault = record.vault();
        makers.spawn(async move {
            let key = vault.key_to_seal(subject).await.unwrap();
            key.name("probe", &["same"]).unwrap()
        });
    }
    let names: BTreeSet<Uuid> = makers.join_all().await.into_iter().collect();
    assert_eq!(names.len(), 1);
    let Key::Present(stayed) = record.vault().key(subject).await.unwrap() else {
        panic!("the key is there")
    };
    assert!(names.contains(&stayed.name("probe", &["same"]).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_master_key_opens_nothing_and_says_so_at_the_start() {
    let record = Record::fresh().await;
    let subject = UserId(fresh_id());
    record.store.vault().key_to_seal(subject).await.unwrap();
    let wrong = of_another_master(&record).await;
    assert!(matches!(wrong.key(subject).await, Err(KeyError::Wrapped)));
    assert!(matches!(
        wrong.key_to_seal(subject).await,
        Err(KeyError::Wrapped)
    ));
    assert!(matches!(wrong.check().await, Err(KeyError::OtherMaster)));
    record.vault().check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapped_key_moved_to_another_subject_does_not_open() {
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    for subject in [ana, eva] {
        record.store.vault().key_to_seal(subject).await.unwrap();
    }
    sqlx::query(
        "UPDATE keys.subject_keys SET wrapped = (SELECT wrapped FROM keys.subject_keys WHERE subject = $2)
          WHERE subject = $1",
    )
    .bind(ana.0)
    .bind(eva.0)
    .execute(&record.pool)
    .await
    .unwrap();
    let vault = record.vault();
    assert!(matches!(vault.key(ana).await, Err(KeyError::Wrapped)));
    assert!(matches!(vault.key(eva).await, Ok(Key::Present(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn never_made_and_destroyed_are_two_answers_and_neither_makes_a_new_key() {
    let record = Record::fresh().await;
    let subject = UserId(fresh_id());
    let vault = record.vault();
    assert!(matches!(
        vault.key(subject).await,
        Err(KeyError::Missing(who)) if who == subject
    ));
    record.store.vault().key_to_seal(subject).await.unwrap();
    sqlx::query("UPDATE keys.subject_keys SET wrapped = NULL, erased_at = now()")
        .execute(&record.pool)
        .await
        .unwrap();
    assert!(matches!(vault.key(subject).await, Ok(Key::Erased)));
    assert!(matches!(
        vault.key_to_seal(subject).await,
        Err(KeyError::Erased(who)) if who == subject
    ));
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM keys.subject_keys WHERE wrapped IS NOT NULL")
            .fetch_one(&record.pool)
            .await
            .unwrap();
    assert_eq!(kept, 0);
    // An erased subject's row says nothing about the master key.
    of_another_master(&record).await.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_row_is_either_whole_or_destroyed() {
    let record = Record::fresh().await;
    record
        .store
        .vault()
        .key_to_seal(fresh_id().into())
        .await
        .unwrap();
    for half in [
        "UPDATE keys.subject_keys SET wrapped = NULL",
        "UPDATE keys.subject_keys SET erased_at = now()",
    ] {
        assert!(sqlx::query(half).execute(&record.pool).await.is_err());
    }
}
