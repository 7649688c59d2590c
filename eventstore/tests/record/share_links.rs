//! A link serves one picture ten times while its scan runs, on every instance, and tells nobody why it does not.

use crate::support::{Record, by, joins};
use domain::ids::{ImageId, ScanId, UserId};
use domain::scan::{
    BeginScan, CompleteScan, FinishImage, ScanCommand, ScanKind, ScanSlot, StartScan, Tally,
    UnitOutcome,
};
use domain::user::{ChangeConsent, Purpose, TextVersion, User, UserCommand};
use eventstore::edge::{fresh_id, now};
use eventstore::objects::{Form, Objects};
use eventstore::share_links::{FETCHES_MAX, LIFE, LIVES, ShareLinks, Shared, Token, Visitor};
use eventstore::{Role, Store};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const PICTURE: &[u8] = b"a working copy";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));

/// A member with one picture, and a scan of it.
struct Hers {
    record: Record,
    shared: Shared,
}

impl Hers {
    /// The scan is PENDING.
    async fn accepted() -> Self {
        let record = Record::fresh().await;
        let owner: UserId = fresh_id().into();
        let image = record.uploads(owner, &"0a".repeat(32)).await;
        joins(&record.store, owner, "ana@example.test", fresh_id())
            .await
            .unwrap();
        let scan = ScanId(fresh_id());
        let shared = Shared { owner, image, scan };
        let hers = Self { record, shared };
        hers.says(true).await;
        let objects = hers.objects(hers.record.vault());
        objects
            .put(owner, image, Form::Working, PICTURE)
            .await
            .unwrap();
        let start = StartScan {
            owner,
            scan_id: scan,
            kind: ScanKind::ImageScan,
            target: None,
            images: vec![image],
            started_at: now(),
        };
        hers.tells(ScanCommand::Start(start)).await;
        hers
    }

    async fn says(&self, granted: bool) {
        let owner = self.shared.owner;
        let change = UserCommand::ChangeConsent(ChangeConsent {
            user_id: owner,
            purpose: Purpose::WebImageSearch,
            granted,
            text_version: TextVersion::parse("web-1").unwrap(),
            at: now(),
        });
        let why = by(owner, fresh_id());
        let told = self.record.store.execute::<User>(owner.0, change, why);
        told.await.unwrap();
    }

    /// The scan is RUNNING.
    async fn under_scan() -> Self {
        let hers = Self::accepted().await;
        hers.begins().await;
        hers
    }

    async fn begins(&self) {
        let (scan_id, begun_at) = (self.shared.scan, now());
        let begin = BeginScan { scan_id, begun_at };
        self.tells(ScanCommand::Begin(begin)).await;
    }

    async fn ends(&self) {
        let finish = FinishImage {
            scan_id: self.shared.scan,
            image_id: self.shared.image,
            outcome: UnitOutcome::Done,
            tally: Tally::default(),
            warnings: vec![],
            scanned_at: now(),
        };
        self.tells(ScanCommand::FinishImage(finish)).await;
        let (scan_id, completed_at) = (self.shared.scan, now());
        let complete = CompleteScan {
            scan_id,
            completed_at,
        };
        self.tells(ScanCommand::Complete(complete)).await;
    }

    async fn tells(&self, command: ScanCommand) {
        let owner = self.shared.owner;
        let slot = ScanSlot::id(owner, ScanKind::ImageScan);
        let store = &self.record.store;
        let told = store.execute::<ScanSlot>(slot, command, by(owner, fresh_id()));
        told.await.unwrap();
    }

    fn objects(&self, vault: eventstore::Vault) -> Objects {
        Objects::open(&self.record.folder.path().join("objects"), vault).unwrap()
    }

    /// As one process sees the links: connections, keys and memory of its own.
    fn instance(&self) -> ShareLinks {
        let store = self.record.beside();
        let objects = self.objects(store.vault().clone());
        ShareLinks::new(store, objects)
    }

    async fn instance_elsewhere(&self) -> ShareLinks {
        let pool = eventstore::role::connect_as(Role::Writer, &self.record.url, 8);
        let store = Store::open(pool.await.unwrap(), self.record.vault());
        let objects = self.objects(store.vault().clone());
        ShareLinks::new(store, objects)
    }

    async fn is_later(&self, by: &str) {
        sqlx::query(&format!(
            "UPDATE share_links SET made_at = made_at - interval '{by}', expires_at = expires_at - interval '{by}'"
        ))
        .execute(&self.record.pool)
        .await
        .unwrap();
    }
}

fn engine() -> Visitor {
    Visitor::new(Some(ADDRESS), Some("lens/1.0"))
}

async fn serves(links: &ShareLinks, token: &Token) -> bool {
    let fetched = links.fetch(&token.text(), engine()).await.unwrap();
    assert!(fetched.as_deref().is_none_or(|bytes| bytes == PICTURE));
    fetched.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_fetches_at_once_on_two_instances_ten_are_served_and_recorded() {
    // SHR-2, SHR-3, SHR-5
    let hers = Hers::under_scan().await;
    let instances = [hers.instance(), hers.instance_elsewhere().await];
    let token = instances[0].make(hers.shared, LIFE).await.unwrap();
    let fetches = (0..100).map(|n: usize| {
        let (links, token) = (instances[n % 2].clone(), token.clone());
        tokio::spawn(async move { serves(&links, &token).await })
    });
    let served = futures::future::join_all(fetches.collect::<Vec<_>>()).await;
    let served = served
        .into_iter()
        .filter(|served| *served.as_ref().unwrap());
    assert_eq!(served.count(), 10);
    assert!(!serves(&instances[1], &token).await);
    let (owner, image) = (hers.shared.owner, hers.shared.image);
    let recorded = instances[1].fetches(owner, image).await.unwrap();
    assert_eq!(recorded.len(), usize::try_from(FETCHES_MAX).unwrap());
    for fetch in recorded {
        assert_eq!((fetch.scan, &fetch.visitor), (hers.shared.scan, &engine()));
        assert!(fetch.at <= now() + Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_survives_a_restart_and_only_its_hash_was_kept() {
    // SHR-2
    let hers = Hers::under_scan().await;
    let token = hers.instance().make(hers.shared, LIFE).await.unwrap();
    let after_a_restart = hers.instance_elsewhere().await;
    assert!(serves(&after_a_restart, &token).await);
    let rows: String = sqlx::query_scalar(
        "SELECT string_agg(r, ' ') FROM (SELECT l::text AS r FROM share_links l
         UNION ALL SELECT f::text || encode(f.visitor, 'escape') FROM share_fetches f) all_of_it",
    )
    .fetch_one(&hers.record.pool)
    .await
    .unwrap();
    for told in [&token.text(), "93.184.216.34", "lens"] {
        assert!(!rows.contains(told), "{told}: {rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_serves_only_while_its_scan_runs() {
    // SHR-3
    let hers = Hers::accepted().await;
    let links = hers.instance();
    let token = links.make(hers.shared, LIFE).await.unwrap();
    assert!(!serves(&links, &token).await, "PENDING");
    hers.begins().await;
    assert!(serves(&links, &token).await, "RUNNING");
    let other = Shared {
        scan: fresh_id().into(),
        ..hers.shared
    };
    let of_another_scan = links.make(other, LIFE).await.unwrap();
    assert!(!serves(&links, &of_another_scan).await);
    hers.ends().await;
    assert!(!serves(&links, &token).await, "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_picture_that_is_not_active_serves_nothing() {
    // SHR-3
    let hers = Hers::under_scan().await;
    let links = hers.instance();
    let other: ImageId = fresh_id().into();
    let objects = hers.objects(hers.record.vault());
    let put = objects.put(hers.shared.owner, other, Form::Working, PICTURE);
    put.await.unwrap();
    let shared = Shared {
        image: other,
        ..hers.shared
    };
    let token = links.make(shared, LIFE).await.unwrap();
    assert!(
        !serves(&links, &token).await,
        "its bytes are there, the log does not know it"
    );
    // A picture of hers whose bytes are gone.
    let token = links.make(hers.shared, LIFE).await.unwrap();
    objects.discard(hers.shared.image).await;
    assert!(!serves(&links, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    // SHR-5
    let hers = Hers::under_scan().await;
    let links = hers.instance();
    let token = links.make(hers.shared, LIFE).await.unwrap();
    let text = token.text();
    let unknown = "0f".repeat(32);
    for wrong in [
        "",
        "x",
        &text[1..],
        &text.to_uppercase(),
        &unknown,
        "' OR true --",
    ] {
        let told = links.fetch(wrong, engine()).await.unwrap();
        assert_eq!(told, None, "{wrong}");
    }
    hers.is_later("179 seconds").await;
    assert!(serves(&links, &token).await, "it lives 180 s");
    assert_eq!(links.purge().await.unwrap(), 0);
    hers.is_later("2 seconds").await;
    assert!(!serves(&links, &token).await, "expired");
    assert_eq!(links.purge().await.unwrap(), 1);
    let kept = links.fetches(hers.shared.owner, hers.shared.image).await;
    assert_eq!(kept.unwrap().len(), 1, "what was fetched stays recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_outside_of_what_is_allowed_is_clamped() {
    // SHR-1: 120 to 300 s
    let hers = Hers::under_scan().await;
    let links = hers.instance();
    for (asked, seconds) in [
        (Duration::ZERO, 120.0),
        (LIVES.0, 120.0),
        (LIFE, 180.0),
        (LIVES.1, 300.0),
        (Duration::MAX, 300.0),
    ] {
        links.make(hers.shared, asked).await.unwrap();
        let lives: f64 = sqlx::query_scalar(
            "DELETE FROM share_links RETURNING extract(epoch FROM expires_at - made_at)::float8",
        )
        .fetch_one(&hers.record.pool)
        .await
        .unwrap();
        assert_eq!(lives, seconds, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_member_has_no_links_and_nothing_is_known_of_who_fetched() {
    // AUD-4
    let hers = Hers::under_scan().await;
    let owner = hers.shared.owner;
    let links = hers.instance();
    let token = links.make(hers.shared, LIFE).await.unwrap();
    assert!(serves(&links, &token).await);
    hers.record.store.vault().destroy(owner).await.unwrap();
    // As a process that never held her key sees it, before the rows are gone.
    assert!(!serves(&hers.instance_elsewhere().await, &token).await);
    let gone = eventstore::erasure::purge(&hers.record.pool, owner);
    let gone = gone.await.unwrap();
    for row in [("share_links", 1), ("share_fetches", 1)] {
        assert!(gone.contains(&row), "{gone:?}");
    }
    assert!(!serves(&hers.instance_elsewhere().await, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_serves_nothing_from_the_moment_she_takes_back_her_consent() {
    // CON-1, section 4: asked again before each outside call, and each fetch is one
    let hers = Hers::under_scan().await;
    let links = hers.instance();
    let token = links.make(hers.shared, LIFE).await.unwrap();
    assert!(serves(&links, &token).await);
    hers.says(false).await;
    assert!(!serves(&links, &token).await);
    hers.says(true).await;
    assert!(serves(&links, &token).await);
}
