//! The contract of the copy search, kept by the TinEye adapter over HTTP against the sandbox's real search.

#![cfg(test)]

use bytes::Bytes;
use domain::Share;
use domain::scan::ProviderFault;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use url::Url;
use workers::providers::{
    ApiKey, Consent, CopiesFound, ImageSearch as _, NotSearched, ProviderError, Retry, RetryPolicy,
    TinEye, TinEyeSettings,
};

/// Six attempts as in production, with waits that a test can afford.
const QUICK: RetryPolicy = RetryPolicy {
    attempts: 6,
    base: Duration::from_millis(1),
    most: Duration::from_millis(8),
    total: Duration::from_secs(60),
};

/// A sandbox of our own.
struct Engine {
    _folder: tempfile::TempDir,
    base: Url,
}

impl Engine {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let routes = sandbox::routes(folder.path().join("web")).unwrap();
        let listening = TcpListener::bind("127.0.0.1:0")
            .into_acceptor()
            .await
            .unwrap();
        let port = listening.local_addr()[0].as_socket_addr().unwrap().port();
        tokio::spawn(poem::Server::new_with_acceptor(listening).run(routes));
        let base = Url::parse(&format!("http://127.0.0.1:{port}/rest")).unwrap();
        Self {
            _folder: folder,
            base,
        }
    }

    fn settings(&self, key: &str) -> TinEyeSettings {
        TinEyeSettings {
            retry: QUICK,
            ..TinEyeSettings::new(self.base.clone(), ApiKey::new(key))
        }
    }

    fn adapter(&self, key: &str) -> TinEye {
        adapter(self.settings(key))
    }

    async fn fault(&self, key: &str) -> ProviderError {
        fault_of(&self.adapter(key)).await
    }
}

fn adapter(settings: TinEyeSettings) -> TinEye {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    TinEye::new(settings).unwrap()
}

/// Agrees so many times, and no longer.
struct AgreesTimes(AtomicU32);

#[async_trait::async_trait]
impl Consent for AgreesTimes {
    async fn holds(&self) -> bool {
        let left = |left: u32| left.checked_sub(1);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }
}

async fn search(adapter: &TinEye, picture: &'static [u8]) -> Result<CopiesFound, ProviderError> {
    let always = AgreesTimes(AtomicU32::new(u32::MAX));
    match adapter
        .find_copies(Bytes::from_static(picture), &always)
        .await
    {
        Ok(found) => Ok(found),
        Err(NotSearched::Failed(error)) => Err(error),
        Err(NotSearched::NotAllowed) => panic!("she agrees"),
    }
}

#[tokio::test]
async fn nothing_is_sent_any_more_once_she_withdraws() {
    // CON-1: asked again before every attempt, not once before the first
    let engine = Engine::start().await;
    let picture = || Bytes::from_static(sandbox::demo_picture());
    let never = AgreesTimes(AtomicU32::new(0));
    let refused = engine
        .adapter("sandbox")
        .find_copies(picture(), &never)
        .await;
    assert_eq!(refused, Err(NotSearched::NotAllowed));
    // This key stumbles at the first call and would find her picture at the second.
    let once = AgreesTimes(AtomicU32::new(1));
    let refused = engine.adapter("flaky").find_copies(picture(), &once).await;
    assert_eq!(refused, Err(NotSearched::NotAllowed));
}

async fn fault_of(adapter: &TinEye) -> ProviderError {
    search(adapter, sandbox::demo_picture()).await.unwrap_err()
}

#[tokio::test]
async fn every_page_with_a_copy_of_her_picture_is_found_the_strongest_first() {
    // PIP-7, MAT-11
    let engine = Engine::start().await;
    let adapter = engine.adapter("sandbox");
    assert_eq!((adapter.name(), adapter.configured()), ("tineye", true));
    let found = search(&adapter, sandbox::demo_picture()).await.unwrap();
    assert!(!found.truncated);
    assert!(
        found
            .copies
            .is_sorted_by(|one, next| one.score >= next.score)
    );
    let mut pages: Vec<&str> = found.copies.iter().map(|copy| copy.page.as_str()).collect();
    pages.sort_unstable();
    assert_eq!(
        pages,
        [
            "https://albums.example/12/7",
            "https://forum.example.org/threads/holiday?page=3",
            "https://gallery.example/profiles/4711",
            "https://postcards.test/offers/lake-evening",
            "https://thumbs.test/p/90210",
        ]
    );
    for copy in &found.copies {
        assert!(copy.score >= Share::percent(80), "{copy:?}");
        assert!(copy.query_share.unwrap() >= copy.score && !copy.stock);
        let picture = Url::parse(copy.picture.as_deref().unwrap()).unwrap();
        assert_eq!(
            picture.host_str(),
            Url::parse(&copy.page).unwrap().host_str()
        );
    }
}

#[tokio::test]
async fn a_picture_that_stands_nowhere_is_found_nowhere() {
    let engine = Engine::start().await;
    let hers = include_bytes!("pictures/stranger.jpg");
    let found = search(&engine.adapter("sandbox"), hers).await.unwrap();
    assert_eq!(
        found,
        CopiesFound {
            copies: vec![],
            left_out: 0,
            truncated: false
        }
    );
}

#[tokio::test]
async fn each_refusal_of_the_engine_keeps_its_own_name() {
    // PRV-4, PRV-5
    let engine = Engine::start().await;
    let begun = Instant::now();
    let lasting = [
        ("bad", ProviderFault::InvalidKey, "answered 401"),
        ("broke", ProviderFault::QuotaExhausted, "answered 402"),
        (
            "html:200",
            ProviderFault::ProviderError,
            "no JSON as agreed: Syntax",
        ),
        (
            "cut",
            ProviderFault::ProviderError,
            "no JSON as agreed: Eof",
        ),
        (
            "huge",
            ProviderFault::ProviderError,
            "body over 8388608 bytes",
        ),
    ];
    for (key, fault, detail) in lasting {
        let error = engine.fault(key).await;
        let seen = (error.fault, error.retry, error.detail.as_str());
        assert_eq!(seen, (fault, Retry::GiveUp, detail), "{key}");
    }
    let passing = Retry::TryAgain { after: None };
    let error = engine.fault("html").await;
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::ProviderError, passing)
    );
    let error = engine.fault("down").await;
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::Network, passing)
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_picture_that_the_engine_cannot_use_is_not_sent_twice() {
    let engine = Engine::start().await;
    let error = search(&engine.adapter("sandbox"), b"no picture")
        .await
        .unwrap_err();
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::InvalidImage, Retry::GiveUp)
    );
}

#[tokio::test]
async fn too_many_searches_wait_as_long_as_the_engine_asks() {
    let engine = Engine::start().await;
    // The total leaves no room for the second that the engine asks for.
    let total = Duration::from_secs(15);
    let settings = engine.settings("busy");
    let retry = RetryPolicy { total, ..QUICK };
    let error = fault_of(&adapter(TinEyeSettings {
        retry,
        ..settings.clone()
    }))
    .await;
    let after = Some(Duration::from_secs(1));
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::RateLimited, Retry::TryAgain { after })
    );
    let begun = Instant::now();
    let retry = RetryPolicy {
        attempts: 2,
        ..QUICK
    };
    fault_of(&adapter(TinEyeSettings { retry, ..settings })).await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_engine_that_fails_once_has_answered_after_all() {
    let engine = Engine::start().await;
    let found = search(&engine.adapter("flaky"), sandbox::demo_picture())
        .await
        .unwrap();
    assert_eq!(found.copies.len(), 5);
    let retry = RetryPolicy::ONCE;
    let once = adapter(TinEyeSettings {
        retry,
        ..engine.settings("flaky")
    });
    assert_eq!(fault_of(&once).await.fault, ProviderFault::ProviderError);
}

#[tokio::test]
async fn a_late_answer_is_a_time_out_and_an_answer_just_in_time_is_not() {
    let engine = Engine::start().await;
    let timeout = Duration::from_millis(200);
    let retry = RetryPolicy {
        attempts: 2,
        ..QUICK
    };
    let begun = Instant::now();
    let late = adapter(TinEyeSettings {
        timeout,
        retry,
        ..engine.settings("slow")
    });
    let error = fault_of(&late).await;
    assert_eq!(error.fault, ProviderFault::Timeout);
    assert!(
        (400..3_000).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
    let found = search(&engine.adapter("slow:300"), sandbox::demo_picture())
        .await
        .unwrap();
    assert_eq!(found.copies.len(), 5);
}

#[tokio::test]
async fn nobody_listening_is_a_network_fault_and_after_five_calls_nobody_is_asked() {
    let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listening.local_addr().unwrap().port();
    drop(listening);
    let base = Url::parse(&format!("http://127.0.0.1:{port}/rest/")).unwrap();
    let settings = TinEyeSettings::new(base, ApiKey::new("sandbox"));
    let nobody = adapter(TinEyeSettings {
        retry: QUICK,
        ..settings
    });
    for _ in 0..5 {
        let error = fault_of(&nobody).await;
        let expected = (ProviderFault::Network, "no connection");
        assert_eq!((error.fault, error.detail.as_str()), expected);
    }
    let error = fault_of(&nobody).await;
    assert!(error.detail.contains("circuit is open"), "{error}");
    assert!(matches!(error.retry, Retry::TryAgain { after: Some(_) }));
}

#[tokio::test]
async fn without_a_key_nothing_is_asked_and_it_says_so() {
    let engine = Engine::start().await;
    let adapter = engine.adapter("  ");
    assert!(!adapter.configured());
    let error = fault_of(&adapter).await;
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::NotConfigured, Retry::GiveUp)
    );
}

#[tokio::test]
async fn the_key_and_the_address_stand_in_no_text() {
    // PRV-3
    let engine = Engine::start().await;
    let key = "a-secret-of-ours-9876";
    let adapter = engine.adapter(key);
    let error = fault_of(&adapter).await;
    let texts = format!("{adapter:?} {:?} {error:?} {error}", engine.settings(key));
    assert!(
        !texts.contains("secret") && texts.contains("****9876"),
        "{texts}"
    );
    let host = engine.base.host_str().unwrap();
    assert!(!format!("{error:?} {error}").contains(host));
}

/// Answers every call by sending it elsewhere.
#[poem::handler]
fn elsewhere() -> poem::Response {
    poem::Response::builder()
        .status(poem::http::StatusCode::TEMPORARY_REDIRECT)
        .header("location", "http://127.0.0.1:9/rest/search/")
        .finish()
}

#[tokio::test]
async fn her_picture_is_not_sent_on_to_wherever_the_engine_points() {
    let listening = TcpListener::bind("127.0.0.1:0")
        .into_acceptor()
        .await
        .unwrap();
    let port = listening.local_addr()[0].as_socket_addr().unwrap().port();
    tokio::spawn(poem::Server::new_with_acceptor(listening).run(elsewhere));
    let base = Url::parse(&format!("http://127.0.0.1:{port}/rest")).unwrap();
    let error = fault_of(&adapter(TinEyeSettings::new(base, ApiKey::new("sandbox")))).await;
    assert_eq!(error.detail, "answered 307");
    assert_eq!(
        (error.fault, error.retry),
        (ProviderFault::ProviderError, Retry::GiveUp)
    );
}
