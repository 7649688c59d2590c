//! What follows for a member, and that nothing follows once she was erased.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use domain::Share;
use domain::ids::{ErasureId, MatchId, UserId};
use domain::matches::{
    Disposition, Match, MatchCommand, MatchType, PageAddress, RecordMatch, Tier, Verdict,
};
use domain::user::{EraseSubject, RegisterUser, User, UserCommand};
use eventstore::work::Attempt;
use eventstore::{Log, MasterKey, Opened, Store, Vault, Why, edge, migrate};
use workers::policies::react;

/// A member for whom a page was found, and nothing followed from it yet.
struct Found {
    store: Store,
    owner: UserId,
    _folder: tempfile::TempDir,
}

impl Found {
    async fn fresh() -> Self {
        let url = tokio::task::spawn_blocking(|| embedded::testing::database("policies", prepared));
        let pool = migrate::connect(&url.await.unwrap(), 4).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let found = Self {
            store: Store::open(pool, vault),
            owner: edge::fresh_id().into(),
            _folder: folder,
        };
        let register = RegisterUser {
            user_id: found.owner,
            email: "ana@example.test".to_owned().into(),
            registered_at: edge::now(),
        };
        found.says(UserCommand::Register(register)).await;
        found.page_is_found().await;
        found
    }

    fn why(&self) -> Why {
        Why::member(self.owner, edge::fresh_id(), edge::fresh_id())
    }

    async fn says(&self, command: UserCommand) {
        let said = self
            .store
            .execute::<User>(self.owner.0, command, self.why());
        said.await.unwrap();
    }

    async fn page_is_found(&self) {
        let match_id = MatchId(edge::fresh_id());
        let record = RecordMatch {
            owner: self.owner,
            match_id,
            image_id: edge::fresh_id().into(),
            scan_id: edge::fresh_id().into(),
            page: PageAddress::parse("https://a.example/1").unwrap(),
            picture: None,
            engine: "tineye".to_owned(),
            similarity: Share::percent(97),
            verdict: Verdict {
                match_type: MatchType::Exact,
                tier: Tier::High,
                disposition: Disposition::Alert,
            },
            is_mock: true,
            detected_at: edge::now(),
        };
        let command = MatchCommand::Record(Box::new(record));
        let recorded = self.store.execute::<Match>(match_id.0, command, self.why());
        recorded.await.unwrap();
    }

    async fn is_erased(&self) {
        let erase = EraseSubject {
            user_id: self.owner,
            erasure_id: ErasureId(edge::fresh_id()),
            erased_at: edge::now(),
        };
        self.says(UserCommand::Erase(erase)).await;
    }

    async fn finding(&self) -> Opened {
        let log = Log::new(self.store.database().clone());
        let events = log.read_after(0, 100).await.unwrap();
        let finding = events.into_iter().find(|e| e.event_type == "MatchFound");
        finding.unwrap().open(self.store.vault()).await.unwrap()
    }

    async fn events(&self) -> usize {
        let log = Log::new(self.store.database().clone());
        log.read_after(0, 100).await.unwrap().len()
    }
}

fn prepared(url: &str) {
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
async fn an_alert_follows_from_a_finding_once() {
    let found = Found::fresh().await;
    let before = found.events().await;
    for _ in 0..2 {
        let told = react(found.store.clone(), found.finding().await).await;
        assert_eq!(told, Attempt::Done);
        assert_eq!(found.events().await, before + 1);
    }
}

#[tokio::test]
async fn nothing_follows_for_a_member_who_was_erased_and_her_stream_is_not_parked() {
    // AUD-4: the finding stood in the log, and the policies had not come to it yet
    let found = Found::fresh().await;
    found.is_erased().await;
    found.store.vault().destroy(found.owner).await.unwrap();
    let before = found.events().await;
    let told = react(found.store.clone(), found.finding().await).await;
    assert_eq!(told, Attempt::Done);
    assert_eq!(found.events().await, before, "not one more event");
}

#[tokio::test]
async fn a_key_that_is_lost_without_an_erasure_is_told() {
    let found = Found::fresh().await;
    let finding = found.finding().await;
    found.store.vault().destroy(found.owner).await.unwrap();
    let told = react(found.store.clone(), finding).await;
    assert!(matches!(told, Attempt::GiveUp(_)), "{told:?}");
}
