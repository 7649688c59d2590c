//! How far a reader has come: never backwards, one owner at a time.

use crate::support::Record;
use eventstore::checkpoint;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_begins_at_zero_and_never_moves_backwards() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    assert_eq!(checkpoint::read(&pool, "reader").await.unwrap(), 0);
    for (asked, stands) in [(5, 5), (3, 5), (5, 5), (6, 6)] {
        checkpoint::advance(&pool, "reader", asked).await.unwrap();
        assert_eq!(checkpoint::read(&pool, "reader").await.unwrap(), stands);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_the_second_waits_and_finds_what_the_first_did() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    let mut first = pool.begin().await.unwrap();
    assert_eq!(checkpoint::hold(&mut first, "reader").await.unwrap(), 0);
    let second = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            checkpoint::hold(&mut tx, "reader").await.unwrap()
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished());
    checkpoint::move_to(&mut first, "reader", 7).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_of_several_readers_is_zero_while_one_has_not_begun() {
    let record = Record::fresh().await;
    let pool = record.pool.clone();
    checkpoint::advance(&pool, "a", 5).await.unwrap();
    checkpoint::advance(&pool, "b", 9).await.unwrap();
    for (names, least) in [
        (&["a", "b"][..], 5),
        (&["b"], 9),
        (&["a", "b", "c"], 0),
        (&[], 0),
    ] {
        assert_eq!(checkpoint::least(&pool, names).await.unwrap(), least);
    }
}
