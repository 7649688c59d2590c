//! Her face on a real log, with a finder that does as it is told.

mod ana;
mod late;
mod obstacles;

use super::{Agreement, forget, look};
use crate::providers::{Consent, Face, FaceEmbedder, NotSearched, ProviderError};
use ana::Ana;
use async_trait::async_trait;
use bytes::Bytes;
use domain::Share;
use domain::ids::ErasureId;
use domain::image::FaceSeen;
use domain::scan::ProviderFault;
use domain::user::{EraseSubject, User, UserCommand};
use eventstore::edge;
use eventstore::work::Attempt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MODEL: &str = "told@1";

type Answer = Result<Vec<Face>, ProviderError>;

/// Answers alike every time, but never about one picture; may do something before it does, as she may meanwhile.
struct Finder {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    cannot: Option<Vec<u8>>,
    /// How often it does not answer after that one.
    down_for: usize,
    down: AtomicUsize,
    meanwhile: Option<Meanwhile>,
}

type Meanwhile = Box<dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Finder")
    }
}

#[async_trait]
impl FaceEmbedder for Finder {
    fn model(&self) -> &str {
        MODEL
    }

    fn is_available(&self) -> bool {
        self.down.load(Ordering::SeqCst) == 0
    }

    async fn faces(&self, jpeg: Bytes, consent: &dyn Consent) -> Result<Vec<Face>, NotSearched> {
        if !consent.holds().await {
            return Err(NotSearched::NotAllowed);
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        if !self.is_available() {
            self.down.fetch_sub(1, Ordering::SeqCst);
            return Err(fails().into());
        }
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile().await;
        }
        if self.cannot.as_ref().is_some_and(|cannot| *cannot == jpeg) {
            self.down.store(self.down_for, Ordering::SeqCst);
            return Err(fails().into());
        }
        Ok(self.answer.lock().unwrap().clone()?)
    }
}

impl Finder {
    fn of(answer: Answer) -> Self {
        Self {
            answer: Mutex::new(answer),
            asked: AtomicUsize::new(0),
            cannot: None,
            down_for: 0,
            down: AtomicUsize::new(0),
            meanwhile: None,
        }
    }
}

fn finder(answer: Answer) -> Arc<Finder> {
    Arc::new(Finder::of(answer))
}

/// An error in the model, of a server that says it is well.
fn fails() -> ProviderError {
    ProviderError::lasting(ProviderFault::ProviderError, "answered 400")
}

fn face(percent: u16, side: u32) -> Face {
    let mut vector = vec![0.0; 512];
    vector[side as usize] = 1.0;
    let seen = FaceSeen {
        confidence: Share::percent(percent),
        width: side,
        height: side,
    };
    Face { seen, vector }
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_her_consent_nobody_looks_for_her_face() {
    // PIP-4, section 4: off until granted
    let ana = Ana::joins().await;
    let image = ana.uploads().await;
    let finder = finder(Ok(vec![face(99, 100)]));
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert_eq!(finder.asked.load(Ordering::SeqCst), 0);
    assert_eq!(ana.vector(image).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_she_agrees_the_vector_of_her_face_alone_is_kept() {
    // PIP-4: the one seen with most confidence
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    let finder = finder(Ok(vec![face(70, 120), face(95, 100), face(80, 150)]));
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert_eq!(ana.vector(image).await, Some(face(95, 100).vector));
    assert_eq!(ana.rows().await, 1);
    // The same event again asks nobody.
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert_eq!(finder.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_as_no_face_leaves_no_row() {
    // PIP-4: below 0.50, below 5 % of the shorter side (24 of 480), the whole picture with confidence 0
    let ana = Ana::joins().await;
    ana.says(true).await;
    for faces in [
        vec![],
        vec![face(49, 100)],
        vec![face(99, 23)],
        vec![face(0, 480)],
    ] {
        ana.uploads().await;
        assert_eq!(ana.is_looked_at(&finder(Ok(faces))).await, Attempt::Done);
    }
    assert_eq!(ana.rows().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_has_all_her_pictures_looked_at_and_a_withdrawal_forgets_them_all() {
    // CON-3
    let ana = Ana::joins().await;
    for _ in 0..3 {
        ana.uploads().await;
    }
    let finder = finder(Ok(vec![face(90, 80)]));
    let looking = tokio::spawn(look(ana.search.clone(), finder.clone(), ana.feed().await));
    ana.says(true).await;
    until("all are looked at", || async { ana.rows().await == 3 }).await;
    ana.says(false).await;
    until("all are forgotten", || async { ana.rows().await == 0 }).await;
    ana.uploads().await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        (ana.rows().await, finder.asked.load(Ordering::SeqCst)),
        (0, 3)
    );
    looking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_forgets_also_where_no_model_is_there_any_more() {
    // CON-3
    let ana = Ana::joins().await;
    let image = ana.uploads().await;
    ana.says(true).await;
    let kept = ana
        .search
        .faces
        .put(ana.id, image, MODEL, &[0.5; 512])
        .await;
    assert!(kept.unwrap());
    let forgetting = tokio::spawn(forget(ana.search.clone(), ana.feed().await));
    ana.says(false).await;
    until("it is forgotten", || async { ana.rows().await == 0 }).await;
    forgetting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_withdraws_while_the_model_works_is_not_kept() {
    // CON-1, CON-3
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    let withdrawing = ana.clone();
    let finder = Finder {
        meanwhile: Some(Box::new(move || {
            let ana = withdrawing.clone();
            Box::pin(async move { ana.says(false).await })
        })),
        ..Finder::of(Ok(vec![face(99, 100)]))
    };
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert_eq!(finder.asked.load(Ordering::SeqCst), 1);
    assert_eq!(ana.vector(image).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_away_is_no_picture_without_a_face() {
    // GEN-3
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    let finder = finder(Err(ProviderError::passing(ProviderFault::Network, "away")));
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::TryAgain);
    *finder.answer.lock().unwrap() = Ok(vec![face(99, 100)]);
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert!(ana.vector(image).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_member_has_no_face_here_whatever_comes_late() {
    // AUD-4
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    ana.search
        .faces
        .put(ana.id, image, MODEL, &[0.5; 512])
        .await
        .unwrap();
    let erase = EraseSubject {
        user_id: ana.id,
        erasure_id: ErasureId(edge::fresh_id()),
        erased_at: edge::now(),
    };
    ana.does::<User>(UserCommand::Erase(erase)).await;
    let vault = ana.search.store.vault().clone();
    vault.destroy(ana.id).await.unwrap();
    assert_eq!(
        ana.vector(image).await,
        None,
        "sealed under a key that is gone"
    );
    let purged = eventstore::erasure::purge(ana.search.store.database(), ana.id)
        .await
        .unwrap();
    assert!(purged.contains(&("face_vectors", 1)), "{purged:?}");
    assert!(
        ana.search
            .faces
            .put(ana.id, image, MODEL, &[0.5; 512])
            .await
            .is_err()
    );
    let consent = Agreement {
        store: &ana.search.store,
        owner: ana.id,
        image,
    };
    assert!(!consent.holds().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_and_no_row_holds_a_face_that_can_be_read() {
    // biometric: never in an event, sealed at rest
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    let before = ana.log().await.len();
    let marked = Face {
        vector: vec![0.044_194_174; 512],
        ..face(99, 100)
    };
    assert_eq!(
        ana.is_looked_at(&finder(Ok(vec![marked.clone()]))).await,
        Attempt::Done
    );
    assert_eq!(ana.log().await.len(), before, "no fact tells of it");
    assert_eq!(ana.vector(image).await, Some(marked.vector));
    // Under another picture's name it does not open.
    let other = ana.uploads().await;
    ana.search.faces.forget(ana.id, other).await.unwrap();
    assert_eq!(ana.rows().await, 1);
    assert_eq!(ana.search.faces.forget(ana.id, image).await.unwrap(), 1);
    assert_eq!(ana.vector(image).await, None);
}
