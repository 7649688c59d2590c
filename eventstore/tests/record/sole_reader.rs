//! A reader that one process keeps at a time: what is wanted comes in slices, in order, until it is done.

use crate::subscription::{NOWHERE, feed};
use crate::support::{Record, until};
use eventstore::sole_reader::{self, Slices};
use eventstore::work::Attempt;
use eventstore::{Recorded, checkpoint};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

const NAME: &str = "sole test";

/// Every second event.
const EVEN: Slices = Slices {
    wanted: |event| event.position % 2 == 0,
    at_once: 3,
};

/// The slices that were worked on.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Vec<i64>>>>);

impl Notes {
    fn read(&self) -> Vec<Vec<i64>> {
        self.0.lock().unwrap().clone()
    }

    fn positions(&self) -> Vec<i64> {
        self.read().concat()
    }

    /// Reads on, and answers by this, which is told how often the slice was tried before.
    async fn following(
        &self,
        record: &Record,
        ended: impl Fn(&[i64], usize) -> Attempt + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        let notes = self.clone();
        let work = move |slice: Vec<Recorded>| {
            let positions: Vec<i64> = slice.iter().map(|event| event.position).collect();
            let mut notes = notes.0.lock().unwrap();
            let tried = notes.iter().filter(|slice| **slice == positions).count();
            let ended = ended(&positions, tried);
            notes.push(positions);
            std::future::ready(ended)
        };
        let feed = feed(record, NOWHERE).await;
        tokio::spawn(sole_reader::run(
            record.pool.clone(),
            NAME,
            feed,
            EVEN,
            work,
        ))
    }
}

async fn reaches(record: &Record, position: i64) {
    until("the reader has come so far", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() >= position
    })
    .await;
}

fn even(until: i64) -> Vec<i64> {
    (1..=until).filter(|position| position % 2 == 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_comes_once_in_order_in_slices_that_are_not_too_large() {
    let record = Record::fresh().await;
    record.holds(21).await;
    let notes = Notes::default();
    let reader = notes.following(&record, |_, _| Attempt::Done).await;
    reaches(&record, 21).await;
    record.holds(4).await;
    reaches(&record, 25).await;
    reader.abort();
    assert_eq!(notes.positions(), even(25));
    assert!(notes.read().iter().all(|slice| slice.len() <= 3));
    // Whoever comes later goes on after it.
    let later = Notes::default();
    record.holds(5).await;
    let reader = later.following(&record, |_, _| Attempt::Done).await;
    reaches(&record, 30).await;
    reader.abort();
    assert_eq!(later.positions(), [26, 28, 30]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_is_tried_until_it_is_done_and_what_is_given_up_is_left_behind() {
    let record = Record::fresh().await;
    record.holds(12).await;
    let notes = Notes::default();
    let stubborn = |slice: &[i64], tried: usize| match (slice.first(), tried) {
        (Some(2), 0 | 1) => Attempt::TryAgain,
        (Some(8), _) => Attempt::GiveUp("not this one".to_owned()),
        (_, _) => Attempt::Done,
    };
    let reader = notes.following(&record, stubborn).await;
    reaches(&record, 12).await;
    reader.abort();
    let first = vec![2, 4, 6];
    assert_eq!(
        notes.read(),
        [first.clone(), first.clone(), first, vec![8, 10, 12]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_process_keeps_the_reader_nothing_is_worked_on_here() {
    let record = Record::fresh().await;
    record.holds(4).await;
    let elsewhere = uuid::Uuid::from_u128(7);
    let mut lease = checkpoint::Lease::new(record.pool.clone(), NAME, elsewhere);
    assert_eq!(lease.renew().await.unwrap(), Some(1));
    let notes = Notes::default();
    let reader = notes.following(&record, |_, _| Attempt::Done).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(notes.read().is_empty());
    // It falls silent, so it is taken over.
    checkpoint::release(&record.pool, elsewhere).await.unwrap();
    reaches(&record, 4).await;
    reader.abort();
    assert_eq!(notes.positions(), [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_found_by_how_their_names_begin() {
    let record = Record::fresh().await;
    record.holds(2).await;
    for name in ["vectors a@1", "vectors b/p1", "vector", "faces a@1"] {
        checkpoint::advance(&record.pool, name, 0, 2).await.unwrap();
    }
    let readers = checkpoint::of_readers(&record.pool, "vectors ")
        .await
        .unwrap();
    assert_eq!(readers, [("a@1".to_owned(), 2), ("b/p1".to_owned(), 2)]);
}
