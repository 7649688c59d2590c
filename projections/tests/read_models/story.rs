//! What happens to a member, said through the store as the program says it.

use crate::hash_cases;
use crate::models::all_shown;
use crate::support::World;
use chrono::{DateTime, Duration, Utc};
use cqrs_es::Aggregate;
use domain::Share;
use domain::alert::{Alert, AlertCommand, MatchFacts, RaiseAlert};
use domain::ids::{AlertId, ErasureId, ImageId, MatchId, ScanId, UserId};
use domain::matches::{Disposition, Match, MatchCommand, MatchType, PageAddress};
use domain::matches::{RecordMatch, Tier, Verdict};
use domain::plan::{AddPlanItem, Because, ItemCode, Plan, PlanCommand, Urgency};
use domain::scan::{Answer, BeginScan, CompleteScan, FailureCode, FinishImage, ProviderFault};
use domain::scan::{RecordAnswer, ScanCommand, ScanKind, ScanSlot, StartScan, Tally};
use domain::scan::{UnitOutcome, Warning};
use domain::user::{
    ChangeConsent, EraseSubject, Purpose, RegisterUser, TextVersion, User, UserCommand,
};
use eventstore::Why;
use eventstore::edge::fresh_id;
use uuid::Uuid;

/// A minute of the day on which everything happens.
pub fn minute(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + Duration::minutes(n)
}

/// A member and the log in which her story is written.
pub struct Member<'a> {
    world: &'a World,
    pub id: UserId,
}

impl<'a> Member<'a> {
    pub async fn joins(world: &'a World, email: &str) -> Self {
        let member = Self {
            world,
            id: fresh_id().into(),
        };
        let register = UserCommand::Register(RegisterUser {
            user_id: member.id,
            email: email.to_owned().into(),
            registered_at: minute(0),
        });
        member.does::<User>(member.id.0, register).await;
        member
    }

    pub async fn does<A>(&self, stream: Uuid, command: A::Command)
    where
        A: Aggregate<Services = ()> + 'static,
        A::Command: Clone + Send + Sync,
        A::Error: Send + 'static,
    {
        let why = Why::member(self.id, fresh_id(), fresh_id());
        let done = self.world.store.execute::<A>(stream, command, why).await;
        assert!(!done.unwrap().already_done);
    }

    /// Brings every read model up to the end of the log.
    pub async fn looks(&self) {
        let events = self.world.events().await;
        all_shown(&self.world.pool, self.world.store.vault(), &events).await;
    }

    /// Her account ends and her key is destroyed.
    pub async fn is_erased(&self) {
        self.is_to_be_erased().await;
        self.world.store.vault().destroy(self.id).await.unwrap();
    }

    /// Her account ends; her key is still there.
    pub async fn is_to_be_erased(&self) {
        let erase = UserCommand::Erase(EraseSubject {
            user_id: self.id,
            erasure_id: ErasureId(fresh_id()),
            erased_at: minute(500),
        });
        self.does::<User>(self.id.0, erase).await;
    }

    pub async fn says(&self, purpose: Purpose, granted: bool, at: i64) {
        let change = UserCommand::ChangeConsent(ChangeConsent {
            user_id: self.id,
            purpose,
            granted,
            text_version: TextVersion::parse(&format!("settings-{at}")).unwrap(),
            at: minute(at),
        });
        self.does::<User>(self.id.0, change).await;
    }

    async fn scan(&self, command: ScanCommand) {
        let slot = ScanSlot::id(self.id, ScanKind::ImageScan);
        self.does::<ScanSlot>(slot, command).await;
    }

    pub async fn starts_a_scan(&self, at: i64, images: &[ImageId]) -> ScanId {
        let scan = ScanId(fresh_id());
        self.scan(ScanCommand::Start(StartScan {
            owner: self.id,
            scan_id: scan,
            kind: ScanKind::ImageScan,
            target: (images.len() == 1).then(|| images[0]),
            images: images.to_vec(),
            started_at: minute(at),
        }))
        .await;
        scan
    }

    pub async fn scan_begins(&self, scan_id: ScanId, at: i64) {
        let begun_at = minute(at);
        self.scan(ScanCommand::Begin(BeginScan { scan_id, begun_at }))
            .await;
    }

    pub async fn engine_says(&self, scan: ScanId, image: ImageId, engine: &str, answer: Answer) {
        self.scan(ScanCommand::RecordAnswer(RecordAnswer {
            scan_id: scan,
            image_id: image,
            provider: engine.to_owned(),
            answer,
            asked_at: minute(1),
            ended_at: minute(2),
        }))
        .await;
    }

    pub async fn image_is_scanned(&self, scan: ScanId, image: ImageId, ended: Ended<'_>, at: i64) {
        self.scan(ScanCommand::FinishImage(FinishImage {
            scan_id: scan,
            image_id: image,
            outcome: ended.outcome,
            tally: ended.tally,
            warnings: ended.warnings.to_vec(),
            scanned_at: minute(at),
        }))
        .await;
    }

    pub async fn scan_ends(&self, scan_id: ScanId, at: i64) {
        let completed_at = minute(at);
        let complete = CompleteScan {
            scan_id,
            completed_at,
        };
        self.scan(ScanCommand::Complete(complete)).await;
    }

    pub async fn is_found(&self, id: MatchId, found: Found, at: i64) {
        let record = RecordMatch {
            owner: self.id,
            match_id: id,
            image_id: found.image,
            scan_id: found.scan,
            page: PageAddress::parse(found.page).unwrap(),
            picture: None,
            engine: "tineye".to_owned(),
            similarity: Share::percent(found.percent),
            verdict: Verdict {
                match_type: found.kind,
                tier: found.tier,
                disposition: found.disposition,
            },
            is_mock: false,
            detected_at: minute(at),
        };
        self.does::<Match>(id.0, MatchCommand::Record(Box::new(record)))
            .await;
    }

    pub async fn is_told(&self, id: MatchId, found: Found, at: i64) -> AlertId {
        let alert_id = AlertId::of_cause(&format!("match:{id}"));
        let page = PageAddress::parse(found.page).unwrap();
        let raise = AlertCommand::Raise(Box::new(RaiseAlert {
            owner: self.id,
            alert_id,
            about: MatchFacts {
                match_id: id,
                image_id: found.image,
                scan_id: found.scan,
                page: page.as_str().to_owned().into(),
                platform: page.platform(),
                similarity: Share::percent(found.percent),
                match_type: found.kind,
                tier: found.tier,
                is_mock: false,
            },
            raised_at: minute(at),
        }));
        self.does::<Alert>(alert_id.0, raise).await;
        alert_id
    }

    pub async fn has_to(&self, code: ItemCode, urgency: Urgency, because: Because, at: i64) {
        let add = PlanCommand::AddItem(AddPlanItem {
            owner: self.id,
            code,
            urgency,
            because,
            at: minute(at),
        });
        self.does::<Plan>(self.id.0, add).await;
    }
}

/// What a picture looks like, in numbers.
#[derive(Debug, Clone, Copy)]
pub struct Looks<'a> {
    pub pdq: Option<&'a str>,
    pub quality: u8,
    pub vector: Option<(&'a str, &'a [f32])>,
}

pub const PLAIN: Looks<'static> = Looks {
    pdq: None,
    quality: 0,
    vector: None,
};

/// How the work on a picture ended.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    pub outcome: UnitOutcome,
    pub tally: Tally,
    pub warnings: &'a [Warning],
}

impl Ended<'static> {
    pub fn with(outcome: UnitOutcome) -> Self {
        Self {
            outcome,
            tally: Tally::default(),
            warnings: &[],
        }
    }
}

/// A finding.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub image: ImageId,
    pub scan: ScanId,
    pub page: &'static str,
    pub percent: u16,
    pub kind: MatchType,
    pub tier: Tier,
    pub disposition: Disposition,
}

impl Found {
    /// The very picture on a page of X.
    pub const fn exact(image: ImageId, scan: ScanId) -> Self {
        Self {
            image,
            scan,
            page: "https://x.com/gallery/17",
            percent: 97,
            kind: MatchType::Exact,
            tier: Tier::High,
            disposition: Disposition::Alert,
        }
    }
}

/// Everything that can happen to a member, in an order in which it happens.
pub async fn a_whole_story(world: &World, email: &str) -> UserId {
    let member = Member::joins(world, email).await;
    member.says(Purpose::FaceSearch, true, 1).await;
    member.says(Purpose::BreachLookup, false, 2).await;
    member.says(Purpose::FaceSearch, false, 3).await;
    let mut axis = [0.0_f32; 512];
    axis[7] = 1.0;
    let pdq = "9d".repeat(32);
    let one = member.uploads(4, PLAIN).await;
    let clear = Looks {
        pdq: Some(&pdq),
        quality: 100,
        vector: Some(("clip-1", &axis)),
    };
    let two = member.uploads(5, clear).await;
    let joined = Because::Joined;
    let (first, second) = (Urgency::First, Urgency::Second);
    member
        .has_to(ItemCode::CompleteAssessment, first, joined, 5)
        .await;
    let scan = member.starts_a_scan(6, &[one, two]).await;
    member.scan_begins(scan, 7).await;
    let (answers, fault) = (Answer::Results(3), Answer::Fault(ProviderFault::Timeout));
    member.engine_says(scan, one, "tineye", answers).await;
    member.engine_says(scan, one, "other", fault).await;
    let page = MatchId(fresh_id());
    member.is_found(page, Found::exact(one, scan), 8).await;
    let weak = Found {
        tier: Tier::Low,
        disposition: Disposition::Review,
        percent: 30,
        page: "https://gallery.example.test/1",
        ..Found::exact(one, scan)
    };
    member.is_found(fresh_id().into(), weak, 8).await;
    let told = member.is_told(page, Found::exact(one, scan), 9).await;
    let partial = Ended {
        outcome: UnitOutcome::Partial,
        tally: Tally {
            matches_found: 2,
            flagged_for_review: 1,
            below_threshold: 4,
            ..Tally::default()
        },
        warnings: &[Warning::Truncated, Warning::NoImages],
    };
    member.image_is_scanned(scan, one, partial, 9).await;
    let because = Because::Alert(told);
    member
        .has_to(ItemCode::ReviewAlerts, second, because.clone(), 9)
        .await;
    let failed = Ended::with(UnitOutcome::Failed(FailureCode::QuotaExhausted));
    member.image_is_scanned(scan, two, failed.clone(), 10).await;
    member.scan_ends(scan, 11).await;
    member
        .has_to(ItemCode::ReviewAlerts, first, because, 11)
        .await;
    let again = member.starts_a_scan(20, &[one]).await;
    member.scan_begins(again, 21).await;
    let seen = Found {
        percent: 95,
        ..Found::exact(one, again)
    };
    member.is_found(page, seen, 22).await;
    member.image_is_scanned(again, one, failed, 23).await;
    member.scan_ends(again, 24).await;
    let open = member.starts_a_scan(30, &[two]).await;
    member.scan_begins(open, 31).await;
    let kept = hash_cases::registers(&member, &"7a".repeat(32), 40).await;
    hash_cases::registers(&member, &"5c".repeat(32), 41).await;
    hash_cases::withdraws(&member, kept, 42).await;
    member.id
}
