//! The worker on a real log, with an engine that does as it is told.

mod attempts;
mod put_away;

use super::watchdog::look;
use super::{ImageScan, QUEUE};
use crate::providers::{Consent, CopiesFound, FoundCopy, ImageSearch, NotSearched, ProviderError};
use async_trait::async_trait;
use bytes::Bytes;
use domain::Event;
use domain::Share;
use domain::ids::{ImageId, ScanId, UserId};
use domain::image::{ImageCommand, Library, UploadImage};
use domain::matches::MatchEvent;
use domain::scan::{
    FailureCode, ProviderFault, ScanCommand, ScanEvent, ScanKind, ScanSlot, StartScan, UnitOutcome,
    Warning,
};
use domain::user::{Purpose, RegisterUser, User, UserCommand};
use eventstore::lease::{self, ATTEMPTS, Lease, Taken};
use eventstore::objects::{Form, Objects};
use eventstore::work::{self, Ended};
use eventstore::{Log, MasterKey, Opened, Recorded, Store, Vault, Why, edge, heartbeat, migrate};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Answers with these, in turn; empty means "nothing found".
struct Engine(Mutex<Vec<Result<CopiesFound, ProviderError>>>);

#[async_trait]
impl ImageSearch for Engine {
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
        let next = self.0.lock().unwrap().pop();
        Ok(next.unwrap_or_else(|| Ok(found(&[], 0)))?)
    }
}

fn found(pages: &[&str], left_out: usize) -> CopiesFound {
    let copy = |page: &&str| FoundCopy {
        score: Share::percent(97),
        query_share: None,
        page: (*page).to_owned(),
        picture: None,
        stock: false,
    };
    CopiesFound {
        copies: pages.iter().map(copy).collect(),
        truncated: false,
        left_out,
    }
}

/// A member with a scan that nobody took up yet.
struct Story {
    worker: ImageScan,
    owner: UserId,
    scan: ScanId,
    images: Vec<ImageId>,
    folder: tempfile::TempDir,
}

impl Story {
    async fn of(images: usize, answers: Vec<Result<CopiesFound, ProviderError>>) -> Self {
        Self::with(images, Arc::new(Engine(Mutex::new(answers)))).await
    }

    async fn with(images: usize, engine: Arc<dyn ImageSearch>) -> Self {
        let url = tokio::task::spawn_blocking(|| embedded::testing::database("workers", prepared))
            .await
            .unwrap();
        let pool = migrate::connect(&url, 4).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let objects = Objects::open(&folder.path().join("objects"), vault.clone()).unwrap();
        let story = Self {
            worker: ImageScan {
                store: Store::open(pool, vault),
                objects,
                engine,
                is_mock: true,
            },
            owner: edge::fresh_id().into(),
            scan: edge::fresh_id().into(),
            images: (0..images).map(|_| edge::fresh_id().into()).collect(),
            folder,
        };
        story.begins().await;
        story
    }

    fn why(&self) -> Why {
        Why::member(self.owner, edge::fresh_id(), edge::fresh_id())
    }

    async fn begins(&self) {
        let register = RegisterUser {
            user_id: self.owner,
            email: "ana@example.test".to_owned().into(),
            registered_at: edge::now(),
        };
        let register = UserCommand::Register(register);
        let store = &self.worker.store;
        store
            .execute::<User>(self.owner.0, register, self.why())
            .await
            .unwrap();
        for image in &self.images {
            let put = self
                .worker
                .objects
                .put(self.owner, *image, Form::Working, b"jpeg");
            put.await.unwrap();
            self.gives(*image).await;
        }
        let start = ScanCommand::Start(StartScan {
            owner: self.owner,
            scan_id: self.scan,
            kind: ScanKind::ImageScan,
            target: None,
            images: self.images.clone(),
            started_at: edge::now(),
        });
        let slot = ScanSlot::id(self.owner, ScanKind::ImageScan);
        store
            .execute::<ScanSlot>(slot, start, self.why())
            .await
            .unwrap();
    }

    async fn gives(&self, image_id: ImageId) {
        let upload = ImageCommand::Upload(Box::new(UploadImage {
            owner: self.owner,
            image_id,
            sha256: image_id.0.simple().to_string().repeat(2),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 4,
            width: 32,
            height: 32,
            fingerprint: None,
            embedding: None,
            near_copy_of: None,
            uploaded_at: edge::now(),
        }));
        let store = &self.worker.store;
        let done = store.execute::<Library>(self.owner.0, upload, self.why());
        done.await.unwrap();
    }

    async fn log(&self) -> Vec<Recorded> {
        let log = Log::new(self.worker.store.database().clone());
        log.read_after(0, 1_000).await.unwrap()
    }

    async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for event in self.log().await {
            let Opened { event, .. } = event.open(self.worker.store.vault()).await.unwrap();
            events.push(event);
        }
        events
    }

    async fn started(&self) -> Recorded {
        let log = self.log().await;
        let started = log.into_iter().find(|e| e.event_type == "ScanStarted");
        started.unwrap()
    }

    async fn lease(&self) -> Lease {
        let (database, unit) = (self.worker.store.database(), self.started().await.event_id);
        match lease::take(database, QUEUE.name, unit, ATTEMPTS).await {
            Ok(Taken::Lease(lease)) => lease,
            other => panic!("it cannot be worked on: {other:?}"),
        }
    }

    /// One attempt, as its queue makes it.
    async fn is_attended(&self) -> Ended {
        let attend = |event, lease| {
            let worker = self.worker.clone();
            async move { worker.attend(event, lease).await }
        };
        let (lease, event) = (self.lease().await, self.started().await);
        work::attempt(lease, &event, &attend, || std::future::ready(())).await
    }

    /// How each picture ended, in order.
    async fn endings(&self) -> Vec<(UnitOutcome, Vec<Warning>)> {
        let ending = |event| match event {
            Event::Scan(ScanEvent::ImageScanned {
                outcome, warnings, ..
            }) => Some((outcome, warnings)),
            Event::Scan(_)
            | Event::User(_)
            | Event::Image(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::Plan(_)
            | Event::HashCase(_) => None,
        };
        self.events().await.into_iter().filter_map(ending).collect()
    }

    async fn count(&self, event_type: &str) -> usize {
        let log = self.log().await;
        log.iter().filter(|e| e.event_type == event_type).count()
    }
}

pub(crate) fn prepared(url: &str) {
    let url = url.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let pool = migrate::connect(&url, 1).await.unwrap();
            migrate::run(&pool).await.unwrap();
            migrate::run_keys(&pool, &pool).await.unwrap();
            pool.close().await;
        });
    })
    .join()
    .unwrap();
}

#[tokio::test]
async fn every_page_is_recorded_and_the_scan_ends() {
    let pages = ["https://a.example/1", "https://b.example/2"];
    let story = Story::of(1, vec![Ok(found(&pages, 0))]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    assert_eq!(story.count("MatchFound").await, 2);
    assert_eq!(story.endings().await, [(UnitOutcome::Done, vec![])]);
    assert_eq!(story.count("ScanCompleted").await, 1);
}

#[tokio::test]
async fn work_that_is_handed_out_twice_is_done_once() {
    // SCN-8
    let pages = ["https://a.example/1"];
    let story = Story::of(2, vec![Ok(found(&pages, 0)), Ok(found(&pages, 0))]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    let before = story.log().await.len();
    assert_eq!(story.is_attended().await, Ended::Over);
    assert_eq!(story.log().await.len(), before, "not one more event");
}

#[tokio::test]
async fn a_broken_address_is_left_out_alone_and_a_page_named_twice_counts_once() {
    // PIP-11, MAT-1
    let pages = [
        "https://a.example/1",
        "",
        "https://A.example:443/1#top",
        "ftp://a.example/",
    ];
    let story = Story::of(1, vec![Ok(found(&pages, 0))]).await;
    story.is_attended().await;
    assert_eq!(story.count("MatchFound").await, 1);
    let marked = |event: &Event| {
        matches!(
            event,
            Event::Match(MatchEvent::MatchFound { is_mock: true, .. })
        )
    };
    assert!(story.events().await.iter().any(marked), "GEN-4");
}

#[tokio::test]
async fn an_engine_that_fails_is_a_fact_and_the_scan_is_failed() {
    // GEN-3, SCN-9
    let fault = ProviderError::lasting(ProviderFault::QuotaExhausted, "402");
    let story = Story::of(1, vec![Err(fault)]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    let failed = UnitOutcome::Failed(FailureCode::QuotaExhausted);
    let warning = Warning::ProviderFailed("tineye".to_owned());
    assert_eq!(story.endings().await, [(failed, vec![warning])]);
    assert_eq!(story.count("ProviderFailed").await, 1);
    assert_eq!(story.count("ScanFailed").await, 1);
    assert_eq!(story.count("ScanCompleted").await, 0);
}

#[tokio::test]
async fn results_that_could_not_be_read_make_the_search_incomplete() {
    let story = Story::of(1, vec![Ok(found(&["https://a.example/1"], 3))]).await;
    story.is_attended().await;
    let warning = Warning::ProviderFailed("tineye".to_owned());
    assert_eq!(
        story.endings().await,
        [(UnitOutcome::Partial, vec![warning])]
    );
}

#[tokio::test]
async fn a_picture_whose_bytes_are_gone_fails_and_the_others_are_searched() {
    // PIP-1, SCN-9
    let story = Story::of(2, vec![]).await;
    story.worker.objects.discard(story.images[0]).await;
    assert_eq!(story.is_attended().await, Ended::Over);
    let gone = UnitOutcome::Failed(FailureCode::ImageUnreadable);
    assert_eq!(
        story.endings().await,
        [(gone, vec![]), (UnitOutcome::Done, vec![])]
    );
    assert_eq!(story.count("ScanCompleted").await, 1);
}

#[tokio::test]
async fn a_withdrawal_after_the_trigger_is_respected() {
    // CON-1
    let story = Story::of(1, vec![]).await;
    let withdraw = UserCommand::ChangeConsent(domain::user::ChangeConsent {
        user_id: story.owner,
        purpose: Purpose::WebImageSearch,
        granted: false,
        text_version: domain::user::TextVersion::parse("settings-1").unwrap(),
        at: edge::now(),
    });
    let store = &story.worker.store;
    store
        .execute::<User>(story.owner.0, withdraw, story.why())
        .await
        .unwrap();
    assert_eq!(story.is_attended().await, Ended::Over);
    let warning = Warning::ConsentMissing(Purpose::WebImageSearch);
    assert_eq!(
        story.endings().await,
        [(UnitOutcome::Skipped, vec![warning])]
    );
    assert_eq!(story.count("ProviderQueried").await, 0, "nothing left");
}

#[tokio::test]
async fn a_worker_that_says_nothing_counts_as_gone() {
    // Contract, section 12: SCAN_UNAVAILABLE
    let story = Story::of(0, vec![]).await;
    let database = story.worker.store.database();
    let lives = |within| heartbeat::lives(database, QUEUE.name, Duration::from_millis(within));
    assert!(!lives(60_000).await.unwrap(), "never heard of");
    heartbeat::beat(database, QUEUE.name).await.unwrap();
    assert!(lives(60_000).await.unwrap());
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(!lives(1).await.unwrap());
}

#[tokio::test]
async fn a_scan_whose_message_the_bus_lost_is_taken_up() {
    // SCN-6, SCN-7: no bus at all in this test
    let story = Story::of(1, vec![Ok(found(&["https://a.example/1"], 0))]).await;
    look(&story.worker, Duration::from_secs(900)).await;
    assert_eq!(story.count("ScanBegun").await, 0, "not forgotten yet");
    look(&story.worker, Duration::ZERO).await;
    assert_eq!(story.count("MatchFound").await, 1);
    assert_eq!(story.count("ScanCompleted").await, 1);
    let before = story.log().await.len();
    look(&story.worker, Duration::ZERO).await;
    assert_eq!(
        story.log().await.len(),
        before,
        "what is over is left alone"
    );
}
