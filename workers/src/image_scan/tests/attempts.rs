//! Attempts at a scan: counted, ended, and without effect once another worker has it.

use super::*;
use eventstore::work::Attempt;
use std::path::PathBuf;
use tokio::sync::Notify;

/// Asks for consent, says that it was asked, and answers when it is told to.
#[derive(Default)]
pub(super) struct Slow {
    asked: Notify,
    pub(super) answers: Notify,
}

#[async_trait]
impl ImageSearch for Slow {
    fn name(&self) -> &'static str {
        "tineye"
    }

    fn configured(&self) -> bool {
        true
    }

    async fn find_copies(
        &self,
        _: Bytes,
        consent: &dyn Consent,
    ) -> Result<CopiesFound, NotSearched> {
        if !consent.holds().await {
            return Err(NotSearched::NotAllowed);
        }
        self.asked.notify_one();
        self.answers.notified().await;
        Ok(found(&["https://a.example/1"], 0))
    }
}

/// A worker that waits for its engine, without the renewals that its queue would make.
pub(super) async fn waiting() -> (Story, Arc<Slow>, Lease, tokio::task::JoinHandle<Attempt>) {
    let engine = Arc::new(Slow::default());
    let story = Story::with(1, engine.clone()).await;
    let (lease, event) = (story.lease().await, story.started().await);
    let (worker, its) = (story.worker.clone(), lease.clone());
    let working = tokio::spawn(async move { worker.attend(event, its).await });
    engine.asked.notified().await;
    (story, engine, lease, working)
}

#[tokio::test]
async fn what_a_worker_finds_after_it_was_taken_over_is_not_recorded() {
    let (story, engine, lease, working) = waiting().await;
    tokio::time::sleep(lease::LEASE + Duration::from_millis(100)).await;
    let next = story.lease().await;
    assert_eq!((lease.attempt(), next.attempt()), (1, 2));
    let before = story.log().await.len();
    engine.answers.notify_one();
    assert_eq!(working.await.unwrap(), Attempt::TryAgain);
    assert_eq!(story.log().await.len(), before, "not one more event");
    // The one that has it records what it finds, and the scan ends.
    engine.answers.notify_one();
    let event = story.started().await;
    assert_eq!(story.worker.attend(event, next).await, Attempt::Done);
    assert_eq!(story.count("ProviderQueried").await, 1);
    assert_eq!(story.count("MatchFound").await, 1);
    assert_eq!(story.endings().await, [(UnitOutcome::Done, vec![])]);
}

#[tokio::test]
async fn a_member_who_was_erased_meanwhile_gets_no_finding_any_more() {
    let (story, engine, _, working) = waiting().await;
    let database = story.worker.store.database();
    eventstore::erasure::purge(database, story.owner)
        .await
        .unwrap();
    let before = story.log().await.len();
    engine.answers.notify_one();
    assert_eq!(working.await.unwrap(), Attempt::TryAgain);
    assert_eq!(story.log().await.len(), before, "not one more event");
}

/// Where a picture's working copy lies.
fn working_copy(folder: PathBuf) -> PathBuf {
    let inside = |folder: PathBuf| {
        let mut files = std::fs::read_dir(folder).unwrap();
        files.next().unwrap().unwrap().path()
    };
    inside(inside(folder)).join("working")
}

#[tokio::test]
async fn a_picture_that_cannot_be_read_is_tried_three_times_and_then_the_scan_goes_on() {
    // SCN-8, PIP-1
    let story = Story::of(1, vec![]).await;
    let working = working_copy(story.folder.path().join("objects"));
    std::fs::write(&working, b"no longer what was sealed").unwrap();
    for seconds in [1.0, 2.0] {
        let Ended::Waits(wait) = story.is_attended().await else {
            panic!("it was not put back");
        };
        let waits = wait.as_secs_f64();
        assert!((seconds * 0.9..=seconds * 1.1).contains(&waits), "{waits}");
        tokio::time::sleep(wait).await;
    }
    assert!(story.endings().await.is_empty());
    assert_eq!(story.is_attended().await, Ended::Over);
    let unreadable = UnitOutcome::Failed(FailureCode::ImageUnreadable);
    assert_eq!(story.endings().await, [(unreadable, vec![])]);
}

#[tokio::test]
async fn a_forgotten_scan_whose_attempts_are_used_up_ends_as_timed_out() {
    // SCN-7: a final state, and not one that looks as if it had searched
    let story = Story::of(1, vec![]).await;
    for _ in 1..ATTEMPTS {
        let wait = story.lease().await.failed().await.unwrap();
        look(&story.worker, Duration::ZERO).await;
        assert_eq!(
            story.count("ScanBegun").await,
            0,
            "it waits for its next attempt"
        );
        tokio::time::sleep(wait).await;
    }
    let event = story.started().await;
    story
        .lease()
        .await
        .park(&event, "it does not work")
        .await
        .unwrap();
    look(&story.worker, Duration::ZERO).await;
    let given_up = UnitOutcome::Failed(FailureCode::ScanTimedOut);
    assert_eq!(story.endings().await, [(given_up, vec![])]);
    assert_eq!(story.count("ScanFailed").await, 1);
    assert_eq!(story.count("ProviderQueried").await, 0);
}

#[tokio::test]
async fn a_scan_that_somebody_works_on_is_not_taken_up_as_forgotten() {
    let story = Story::of(1, vec![]).await;
    let lease = story.lease().await;
    look(&story.worker, Duration::ZERO).await;
    assert_eq!(story.count("ScanBegun").await, 0);
    lease.done().await.unwrap();
    look(&story.worker, Duration::ZERO).await;
    assert_eq!(story.count("ScanCompleted").await, 1);
}
