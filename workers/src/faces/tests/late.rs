//! Who keeps a face or forgets one may come late, by as much as a process can stand still: the log decides then.

use super::super::look::Looks;
use super::{Agreement, Ana, Attempt, Consent, MODEL, edge, face, finder, forget, until};
use chrono::TimeDelta;
use domain::ids::ImageId;
use domain::image::{ArchiveImage, ImageCommand, Library, PurgeImage};

impl Ana {
    async fn keeps_late(&self, image: ImageId) -> bool {
        let faces = &self.search.faces;
        faces.put(self.id, image, MODEL, &[0.5; 512]).await.unwrap()
    }

    async fn puts_away(&self, image_id: ImageId) {
        self.does::<Library>(ImageCommand::Archive(ArchiveImage {
            owner: self.id,
            image_id,
            archived_at: edge::now() - TimeDelta::days(8),
        }))
        .await;
    }

    async fn purged(&self, image_id: ImageId) {
        self.does::<Library>(ImageCommand::Purge(PurgeImage {
            owner: self.id,
            image_id,
            purged_at: edge::now(),
        }))
        .await;
    }

    /// In how many of these a face is held.
    async fn held(&self, images: &[ImageId]) -> usize {
        let images: Vec<_> = images.iter().map(|image| image.0).collect();
        let seen = self.search.faces.seen_in(self.id, &images).await;
        seen.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_that_is_kept_after_everybody_read_the_withdrawal_is_not_kept() {
    // CON-3
    let ana = Ana::joins().await;
    let image = ana.uploads().await;
    assert!(!ana.keeps_late(image).await, "she never agreed");
    ana.says(true).await;
    assert!(ana.keeps_late(image).await);
    ana.says(false).await;
    assert_eq!(ana.search.faces.forget_withdrawn(ana.id).await.unwrap(), 1);
    assert!(!ana.keeps_late(image).await);
    assert_eq!(ana.held(&[image]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_withdrawal_takes_what_is_older_than_her_new_word_and_nothing_else() {
    // CON-3, PIP-4
    let ana = Ana::joins().await;
    let (old, new) = (ana.uploads().await, ana.uploads().await);
    ana.says(true).await;
    assert!(ana.keeps_late(old).await);
    ana.says(false).await;
    ana.says(true).await;
    assert!(ana.keeps_late(new).await);
    assert_eq!(ana.search.faces.forget_withdrawn(ana.id).await.unwrap(), 1);
    assert_eq!(ana.vector(old).await, None);
    assert!(ana.vector(new).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_picture_that_is_gone_its_face_goes_whoever_was_stopped_in_the_middle() {
    // IMG-6
    let ana = Ana::joins().await;
    let (gone, kept) = (ana.uploads().await, ana.uploads().await);
    ana.says(true).await;
    assert!(ana.keeps_late(gone).await && ana.keeps_late(kept).await);
    ana.puts_away(gone).await;
    // The fact, and then nothing of what should follow it.
    ana.purged(gone).await;
    let (vault, both) = (ana.search.store.vault(), [gone, kept]);
    let with_a_key = || vault.pictures_with_a_key(&both);
    assert_eq!(with_a_key().await.unwrap(), 2);
    let forgetting = tokio::spawn(forget(ana.search.clone(), ana.feed().await));
    until("its face and its key are gone", || async {
        ana.held(&[gone, kept]).await == 1 && with_a_key().await.unwrap() == 1
    })
    .await;
    forgetting.abort();
    assert!(!ana.keeps_late(gone).await);
    assert!(ana.vector(kept).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_face_is_looked_for_in_a_picture_that_she_put_away() {
    // IMG-5
    let ana = Ana::joins().await;
    let image = ana.uploads().await;
    let before = ana.last().await;
    ana.says(true).await;
    let consent = |image| Agreement {
        store: &ana.search.store,
        owner: ana.id,
        image,
    };
    assert!(consent(image).holds().await);
    ana.puts_away(image).await;
    assert!(!consent(image).holds().await);
    let finder = finder(Ok(vec![face(99, 100)]));
    let looks = Looks::default();
    let looked = ana.search.look_all(&*finder, before, &looks).await;
    assert_eq!(looked, Attempt::Done);
    assert_eq!(ana.held(&[image]).await, 0);
}
