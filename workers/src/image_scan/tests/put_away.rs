//! A picture that is put away while it is searched for: the work on it stops at the next step (IMG-5).

use super::attempts::waiting;
use super::*;
use domain::image::ArchiveImage;
use eventstore::work::Attempt;

impl Story {
    async fn puts_away(&self, image_id: ImageId) {
        let archive = ImageCommand::Archive(ArchiveImage {
            owner: self.owner,
            image_id,
            archived_at: edge::now(),
        });
        let store = &self.worker.store;
        let done = store.execute::<Library>(self.owner.0, archive, self.why());
        done.await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_sent_for_a_picture_that_was_put_away_and_the_others_are_searched() {
    let story = Story::of(2, vec![Ok(found(&["https://a.example/1"], 0))]).await;
    story.puts_away(story.images[0]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    assert_eq!(
        story.endings().await,
        [(UnitOutcome::Skipped, vec![]), (UnitOutcome::Done, vec![])]
    );
    assert_eq!(story.count("ProviderQueried").await, 1);
    assert_eq!(story.count("ScanCompleted").await, 1);
}

#[tokio::test]
async fn a_scan_of_one_picture_that_was_put_away_says_that_there_was_none() {
    // GEN-3: it must not look like a search that found nothing
    let story = Story::of(1, vec![]).await;
    story.puts_away(story.images[0]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    assert_eq!(
        story.endings().await,
        [(UnitOutcome::Skipped, vec![Warning::NoImages])]
    );
    assert_eq!(story.count("ProviderQueried").await, 0);
}

#[tokio::test]
async fn what_an_engine_answers_after_the_picture_was_put_away_is_no_finding() {
    let (story, engine, _, working) = waiting().await;
    story.puts_away(story.images[0]).await;
    engine.answers.notify_one();
    assert_eq!(working.await.unwrap(), Attempt::Done);
    // That the picture was sent stays known.
    assert_eq!(story.count("ProviderQueried").await, 1);
    assert_eq!(story.count("MatchFound").await, 0);
    assert_eq!(
        story.endings().await,
        [(UnitOutcome::Skipped, vec![Warning::NoImages])]
    );
}
