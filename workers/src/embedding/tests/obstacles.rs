//! What is away is waited for, however long that takes; what fails of itself is left behind.

use super::{Attempt, Moody, Owned, Store, Tries, Vectors, run};
use eventstore::{Vault, migrate};
use pictures::Embedder as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

/// More tries than a picture has that fails of itself.
const LONG: usize = 12;

impl Owned {
    fn place(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// The same with a database that does not answer.
    async fn without_a_database(&self, worker: &Vectors) -> Vectors {
        let gone = migrate::connect(&self.url, 1).await.unwrap();
        gone.close().await;
        let vault = Vault::new(gone.clone(), self.master());
        Vectors {
            store: Store::open(gone, vault),
            ..worker.clone()
        }
    }

    async fn is_waited_for(&self, worker: &Vectors, tries: &Tries<Uuid>, times: usize) {
        for tried in 0..times {
            let attempt = worker.embed_all(self.uploads().await, tries).await;
            assert_eq!(attempt, Attempt::TryAgain, "{tried}");
        }
    }

    async fn is_done(&self, worker: &Vectors, tries: &Tries<Uuid>) {
        let attempt = worker.embed_all(self.uploads().await, tries).await;
        assert_eq!(attempt, Attempt::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_model_is_away_pictures_wait_and_nothing_is_invented() {
    // PIP-5, GEN-4
    let library = Owned::of(3).await;
    let embedder = Moody::new(None);
    embedder.away.store(true, Ordering::SeqCst);
    let worker = library.worker(&embedder);
    library
        .is_waited_for(&worker, &Tries::default(), LONG)
        .await;
    assert!(library.vectors(embedder.model()).await.is_empty());
    let running = tokio::spawn(run(worker, library.feed().await));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(library.reached(&embedder).await, 0);
    embedder.away.store(false, Ordering::SeqCst);
    library.all_have_one(&embedder).await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_for_long_and_says_it_is_well_costs_no_picture_its_vector() {
    // PIP-5, GEN-3: 500 while it loads its model
    let library = Owned::of(3).await;
    let embedder = Moody::new(None);
    embedder.failing.store(true, Ordering::SeqCst);
    let (worker, tries) = (library.worker(&embedder), Tries::default());
    library.is_waited_for(&worker, &tries, LONG).await;
    let asked = embedder.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 3 + LONG - 1, "hers once, then nobody's");
    embedder.failing.store(false, Ordering::SeqCst);
    library.is_done(&worker, &tries).await;
    assert_eq!(library.vectors(embedder.model()).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_the_model_cannot_manage_keeps_no_other_waiting() {
    let library = Owned::of(4).await;
    let embedder = Moody::new(Some(2));
    let (worker, tries) = (library.worker(&embedder), Tries::default());
    library.is_waited_for(&worker, &tries, 1).await;
    assert_eq!(library.vectors(embedder.model()).await.len(), 3);
    library.is_waited_for(&worker, &tries, 4).await;
    library.is_done(&worker, &tries).await;
    let vectors = library.vectors(embedder.model()).await;
    assert_eq!(vectors.len(), 3);
    assert!(!vectors.contains_key(&library.images[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_failing_model_nor_a_database_that_is_away_uses_up_the_tries_of_a_picture() {
    let mut library = Owned::of(0).await;
    library.takes_in(2).await;
    let embedder = Moody::new(Some(2));
    let (worker, tries) = (library.worker(&embedder), Tries::default());
    library.is_waited_for(&worker, &tries, 3).await;
    embedder.failing.store(true, Ordering::SeqCst);
    library.is_waited_for(&worker, &tries, LONG).await;
    embedder.failing.store(false, Ordering::SeqCst);
    let nowhere = library.without_a_database(&worker).await;
    library.is_waited_for(&nowhere, &tries, LONG).await;
    // Five with a working model, the first one not counted, as ever.
    library.is_waited_for(&worker, &tries, 2).await;
    library.is_done(&worker, &tries).await;
    assert!(library.vectors(embedder.model()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_mounted_is_waited_for() {
    // GEN-3, PIP-5
    let library = Owned::of(2).await;
    let (embedder, elsewhere) = (Moody::new(None), library.place().with_extension("away"));
    let (worker, tries) = (library.worker(&embedder), Tries::default());
    std::fs::rename(library.place(), &elsewhere).unwrap();
    library.is_waited_for(&worker, &tries, LONG).await;
    // An empty folder stands where it is mounted usually.
    std::fs::create_dir(library.place()).unwrap();
    library.is_waited_for(&worker, &tries, LONG).await;
    std::fs::remove_dir(library.place()).unwrap();
    std::fs::rename(&elsewhere, library.place()).unwrap();
    library.is_done(&worker, &tries).await;
    assert_eq!(library.vectors(embedder.model()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_bytes_alone_are_gone_keeps_nobody_waiting_and_is_passed_by_in_the_end() {
    // PIP-5
    let library = Owned::of(2).await;
    library.objects.discard(library.images[0]).await;
    let embedder = Moody::new(None);
    let (worker, tries) = (library.worker(&embedder), Tries::default());
    library.is_waited_for(&worker, &tries, 5).await;
    let vectors = library.vectors(embedder.model()).await;
    assert_eq!(vectors.into_keys().collect::<Vec<_>>(), [library.images[1]]);
    library.is_done(&worker, &tries).await;
}
