//! Keys: one for each subject, whoever makes it; useless under another master key or another name.

use crate::support::{Record, until};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::{Key, KeyError, MasterKey, Vault};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
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

fn is_present(key: Result<Key, KeyError>) -> bool {
    matches!(key, Ok(Key::Present(_)))
}

async fn reads_as_erased(vault: &Vault, subject: UserId) {
    let within = Instant::now();
    until("the opened key is dropped", || async {
        matches!(vault.key(subject).await, Ok(Key::Erased))
    })
    .await;
    // Far from the minute after which it would have been dropped in any case.
    assert!(within.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opened_key_is_read_anew_when_its_time_is_over() {
    let record = Record::fresh().await;
    let subject = UserId(fresh_id());
    record.store.vault().key_to_seal(subject).await.unwrap();
    let short = record.vault().keeping_for(Duration::from_millis(300));
    let usual = record.vault();
    assert!(is_present(short.key(subject).await) && is_present(usual.key(subject).await));
    record.destroys_in_silence(subject).await;
    tokio::time::sleep(Duration::from_millis(301)).await;
    assert!(matches!(short.key(subject).await, Ok(Key::Erased)));
    // This one was told nothing and still has its minute: the first one did not read by chance.
    assert!(is_present(usual.key(subject).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_destroyed_by_one_process_is_dropped_by_the_others_at_once() {
    let record = Record::fresh().await;
    let (gone, stays) = (UserId(fresh_id()), UserId(fresh_id()));
    let (destroyer, following, deaf) = (record.vault(), record.vault(), record.vault());
    following.follow();
    for subject in [gone, stays] {
        destroyer.key_to_seal(subject).await.unwrap();
        for vault in [&following, &deaf] {
            assert!(is_present(vault.key(subject).await));
        }
    }
    destroyer.destroy(gone).await.unwrap();
    reads_as_erased(&following, gone).await;
    assert!(is_present(deaf.key(gone).await), "it has its minute");
    assert!(matches!(
        following.key_to_seal(gone).await,
        Err(KeyError::Erased(_))
    ));
    assert!(is_present(following.key(stays).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_destroyed_while_nobody_could_hear_it_is_dropped_when_listening_begins_again() {
    let record = Record::fresh().await;
    let subject = UserId(fresh_id());
    record.store.vault().key_to_seal(subject).await.unwrap();
    let following = record.vault();
    following.follow();
    let listening = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let listeners = || async {
        let count: i64 = sqlx::query_scalar(listening)
            .fetch_one(&record.pool)
            .await
            .unwrap();
        count
    };
    until("it listens", || async { listeners().await == 1 }).await;
    // Once it has dropped another one's key it certainly hears, and will not forget everything as it begins to.
    let other = UserId(fresh_id());
    record.store.vault().key_to_seal(other).await.unwrap();
    assert!(is_present(following.key(other).await));
    record.vault().destroy(other).await.unwrap();
    reads_as_erased(&following, other).await;
    assert!(is_present(following.key(subject).await));
    record.destroys_in_silence(subject).await;
    assert!(is_present(following.key(subject).await), "nobody said so");
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .execute(&record.pool)
    .await
    .unwrap();
    reads_as_erased(&following, subject).await;
    until("it listens again", || async { listeners().await == 1 }).await;
}
