//! Texts that may reach her: calm, plain, whole (GEN-2, ALR-5).

use chrono::DateTime;
use domain::Share;
use domain::alert::{Alert, AlertCommand, AlertEvent, MatchFacts, RaiseAlert};
use domain::ids::AlertId;
use domain::image::ImageRefusal;
use domain::matches::{MatchType, NotAPage, Tier};
use domain::plan::{Category, ItemCode};
use domain::platform::Platform;
use domain::scan::{FailureCode, ScanRefusal};
use domain::user::UserRefusal;
use proptest::prelude::*;

use crate::{answer, id};

/// A severity word is a sorting key, never a headline (GEN-2).
const SEVERITIES: [&str; 6] = ["info", "low", "medium", "high", "critical", "severity"];
/// No threat language and no blame (GEN-2; EXAMPLES, section 14).
const ALARMING: [&str; 12] = [
    "danger",
    "threat",
    "attack",
    "attacker",
    "victim",
    "warning",
    "urgent",
    "immediately",
    "stolen",
    "fault",
    "forbidden",
    "illegal",
];
/// No jargon (GEN-2).
const JARGON: [&str; 12] = [
    "api",
    "http",
    "https",
    "www",
    "hash",
    "vector",
    "cosine",
    "uuid",
    "null",
    "error",
    "provider",
    "aggregate",
];

const CODES: [FailureCode; 6] = [
    FailureCode::ImageUnreadable,
    FailureCode::AllProvidersFailed,
    FailureCode::ProviderAuth,
    FailureCode::ProviderNotConfigured,
    FailureCode::QuotaExhausted,
    FailureCode::ScanTimedOut,
];
const ITEMS: [ItemCode; 2] = [ItemCode::CompleteAssessment, ItemCode::ReviewAlerts];
const TYPES: [MatchType; 3] = [MatchType::Exact, MatchType::Similar, MatchType::Modified];
const TIERS: [Tier; 4] = [Tier::Low, Tier::Medium, Tier::MediumHigh, Tier::High];
const PLATFORMS: [Option<Platform>; 10] = [
    None,
    Some(Platform::Instagram),
    Some(Platform::Tiktok),
    Some(Platform::Facebook),
    Some(Platform::Twitter),
    Some(Platform::Linkedin),
    Some(Platform::Youtube),
    Some(Platform::Reddit),
    Some(Platform::Pinterest),
    Some(Platform::Tumblr),
];

/// What every text promises, whatever it is.
fn is_calm(text: &str) {
    assert!(!text.is_empty() && text == text.trim(), "{text:?} is whole");
    for raised in [
        "!", "://", "www.", ".com", ".test", "{", "}", "  ", "_", "??",
    ] {
        assert!(!text.contains(raised), "{text:?} holds {raised:?}");
    }
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    for word in words {
        let bad = SEVERITIES.iter().chain(&ALARMING).chain(&JARGON);
        assert!(
            !bad.into_iter().any(|bad| *bad == word),
            "{text:?} says {word:?}"
        );
    }
    assert!(
        !text
            .split(|c: char| !c.is_alphabetic())
            .any(|w| w.len() > 2 && w.chars().all(char::is_uppercase)),
        "{text:?} shouts"
    );
}

fn is_a_title(text: &str) {
    is_calm(text);
    assert!(text.starts_with(char::is_uppercase), "{text:?}");
    assert!(
        text.ends_with(|c: char| c.is_alphanumeric() || c == ')'),
        "{text:?}"
    );
    assert!(text.chars().count() <= 80, "{text:?} fits in a line");
}

fn is_a_description(text: &str) {
    is_calm(text);
    for sentence in text.split_inclusive(". ") {
        assert!(sentence.starts_with(char::is_uppercase), "{sentence:?}");
    }
    assert!(text.ends_with('.'), "{text:?}");
}

/// Refusals are parts of a sentence: the answer puts them into one.
fn is_a_reason(text: &str) {
    is_calm(text);
    assert!(text.starts_with(char::is_lowercase), "{text:?}");
    assert!(text.ends_with(char::is_alphanumeric), "{text:?}");
}

fn told(
    platform: Option<Platform>,
    match_type: MatchType,
    tier: Tier,
    similarity: Share,
) -> (String, String) {
    let ask = RaiseAlert {
        owner: id(1),
        alert_id: AlertId::of_cause("match:2"),
        about: MatchFacts {
            match_id: id(2),
            image_id: id(3),
            scan_id: id(4),
            page: "https://gallery.example.test/p/17".to_owned().into(),
            platform,
            similarity,
            match_type,
            tier,
            is_mock: false,
        },
        raised_at: DateTime::UNIX_EPOCH,
    };
    let events = answer::<Alert>(&[], AlertCommand::Raise(Box::new(ask))).unwrap();
    let [
        AlertEvent::AlertRaised {
            title, description, ..
        },
    ] = events.as_slice()
    else {
        panic!("one alert: {events:?}")
    };
    (
        title.known().unwrap().clone(),
        description.known().unwrap().clone(),
    )
}

#[test]
fn every_alert_is_told_calmly_and_names_the_platform_where_there_is_one() {
    // ALR-5, GEN-2
    for (platform, match_type) in PLATFORMS.iter().flat_map(|p| TYPES.map(|t| (*p, t))) {
        for tier in TIERS {
            let (title, description) = told(platform, match_type, tier, Share::percent(97));
            is_a_title(&title);
            is_a_description(&description);
            assert!(!description.contains("gallery") && !title.contains("gallery"));
            let named = platform.map(|p| format!(" on {}", p.display_name()));
            assert_eq!(title.contains(" on "), named.is_some(), "{title}");
            if let Some(named) = named {
                assert!(
                    title.ends_with(&named) && description.contains(&named),
                    "{title}"
                );
            }
        }
    }
}

#[test]
fn titles_follow_the_patterns_of_the_rules() {
    // ALR-5
    let table = [
        (MatchType::Exact, "Your photo was found"),
        (MatchType::Similar, "A picture close to yours was found"),
        (
            MatchType::Modified,
            "A changed copy of your photo was found",
        ),
    ];
    for (match_type, pattern) in table {
        let (bare, _) = told(None, match_type, Tier::High, Share::ONE);
        assert_eq!(bare, pattern);
        let (on, _) = told(Some(Platform::Youtube), match_type, Tier::High, Share::ONE);
        assert_eq!(on, format!("{pattern} on YouTube"));
    }
}

#[test]
fn three_kinds_of_copies_are_told_in_three_ways() {
    let texts = TYPES.map(|kind| told(None, kind, Tier::High, Share::ONE));
    let titles: std::collections::BTreeSet<&str> = texts.iter().map(|t| t.0.as_str()).collect();
    let descriptions: std::collections::BTreeSet<&str> =
        texts.iter().map(|t| t.1.as_str()).collect();
    assert_eq!((titles.len(), descriptions.len()), (3, 3));
}

#[test]
fn every_item_of_a_plan_is_worded_calmly() {
    for item in ITEMS {
        match item {
            ItemCode::CompleteAssessment | ItemCode::ReviewAlerts => is_a_title(item.title()),
        }
        is_a_description(item.description());
        match item.category() {
            Category::MonitoringSetup => assert_eq!(item.category().label(), "Monitoring Setup"),
        }
    }
}

#[test]
fn every_failed_scan_says_what_is_so_and_never_that_all_is_well() {
    // GEN-3: not searched is not clear
    for code in CODES {
        is_a_description(code.sentence());
        let sentence = code.sentence().to_lowercase();
        for comfort in [
            "clear",
            "safe",
            "protected",
            "no match",
            "nothing was found",
        ] {
            assert!(!sentence.contains(comfort), "{sentence}");
        }
        assert!(!code.sentence().contains(code.code()), "{sentence}");
        let says_what_next = match code {
            FailureCode::ImageUnreadable
            | FailureCode::AllProvidersFailed
            | FailureCode::QuotaExhausted
            | FailureCode::ScanTimedOut => sentence.contains("please"),
            // Nothing that she could do: it is on us.
            FailureCode::ProviderAuth | FailureCode::ProviderNotConfigured => {
                !sentence.contains("please") && sentence.contains("we ")
            }
        };
        assert!(says_what_next, "{sentence}");
    }
}

#[test]
fn every_refusal_reads_as_a_reason() {
    for refusal in [
        ImageRefusal::AlreadyProtected { image_id: id(7) },
        ImageRefusal::LibraryFull { max: 50 },
        ImageRefusal::Unknown,
        ImageRefusal::NotArchived,
        ImageRefusal::NotDue,
    ] {
        is_a_reason(&refusal.to_string());
    }
    for refusal in [
        ScanRefusal::AlreadyRunning { scan_id: id(7) },
        ScanRefusal::NotFinished { remaining: 1 },
    ] {
        is_a_reason(&refusal.to_string());
    }
    for refusal in [UserRefusal::Unknown, UserRefusal::Erased] {
        is_a_reason(&refusal.to_string());
    }
    is_a_reason(&NotAPage.to_string());
    is_a_reason(&domain::share::NotAShare.to_string());
}

#[test]
fn no_refusal_tells_an_id() {
    // An id is for programs; the answer carries it beside the words
    let ids = [
        ImageRefusal::AlreadyProtected { image_id: id(7) }.to_string(),
        ScanRefusal::AlreadyRunning { scan_id: id(7) }.to_string(),
    ];
    for text in ids {
        assert!(!text.contains("00000000"), "{text}");
    }
}

proptest! {
    #[test]
    fn an_alert_says_how_sure_vara_is(
        number in 0u16..=10_000,
        kind in prop::sample::select(&TYPES[..]),
    ) {
        // ALR-5: percent, rounded
        let (_, description) = told(None, kind, Tier::High, Share::try_from(number).unwrap());
        let percent = (u32::from(number) + 50) / 100;
        let said = format!(" by {percent} percent.");
        prop_assert!(description.contains(&said), "{description}");
    }
}
