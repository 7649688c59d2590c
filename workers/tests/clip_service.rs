//! The embedding service over HTTP, against a stand-in that speaks its wire format and checks what it is sent.

#![cfg(test)]

mod stand_in;

use pictures::{Embedder as _, NotEmbedded, Picture, clip};
use serde_json::{Value, json};
use stand_in::{Reply, StandIn};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use workers::providers::{ApiKey, ClipService, HostSettings, NoModelHost, RetryPolicy, Space};

const EMBED: &str = "/api/v1/clip/embed";

fn space() -> Space {
    Space::parse("clip-ViT-B-32@2").unwrap()
}

fn settings(base: &Url) -> HostSettings {
    HostSettings {
        timeout: Duration::from_secs(2),
        first_timeout: Duration::from_secs(2),
        health_timeout: Duration::from_secs(1),
        body_bytes_max: 64 * 1024,
        retry: RetryPolicy {
            base: Duration::from_millis(1),
            most: Duration::from_millis(1),
            ..RetryPolicy::MODEL_HOST
        },
        ..HostSettings::new(base.clone(), ApiKey::new("a-long-token-1234"))
    }
}

fn service(stand_in: &StandIn) -> ClipService {
    stand_in::tls();
    ClipService::new(settings(&stand_in.base), &space()).unwrap()
}

fn picture() -> Picture {
    let pixel = |n: u32| [n % 251, n % 13, n % 7].map(|value| value as u8);
    Picture::from_rgb(300, 200, (0..300 * 200).flat_map(pixel).collect()).unwrap()
}

/// An answer as the service gives it: not of length 1.
fn embedding(number: impl Fn(usize) -> f64) -> Value {
    let numbers: Vec<f64> = (0..512).map(number).collect();
    json!({"embedding": numbers, "success": true, "processing_time_ms": 91.2})
}

async fn answered(replies: Vec<Reply>) -> (Result<Vec<f32>, NotEmbedded>, StandIn) {
    let stand_in = StandIn::of(replies).await;
    let answer = service(&stand_in).embed(picture()).await;
    (answer, stand_in)
}

#[tokio::test]
async fn a_picture_becomes_512_numbers_of_length_one() {
    // PIP-3: the service gives vectors of any length
    let good = embedding(|n| {
        if n == 0 {
            -3.0
        } else {
            f64::from(n == 511) * 4.0
        }
    });
    let (vector, stand_in) = answered(vec![Reply::json(200, &good)]).await;
    let vector = vector.unwrap();
    assert_eq!((vector.len(), vector[0], vector[511]), (512, -0.6, 0.8));
    assert_eq!(stand_in.asked(EMBED), 1);
}

#[tokio::test]
async fn the_service_is_sent_the_bare_square_and_nothing_else_of_her_picture() {
    // IMG-3; bytes, never an address that the service would fetch
    let good = embedding(|_| 1.0);
    let (_, stand_in) = answered(vec![Reply::json(200, &good)]).await;
    let seen = stand_in.last(EMBED);
    assert_eq!(
        seen.authorization.as_deref(),
        Some("Bearer a-long-token-1234")
    );
    let sent = seen.json.as_object().unwrap();
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["image_base64"]);
    let png = stand_in::base64(sent["image_base64"].as_str().unwrap());
    assert_eq!(png, clip::square_as_png(&picture()).unwrap());
}

#[tokio::test]
async fn what_is_no_vector_of_512_finite_numbers_is_asked_for_once_more_and_then_refused() {
    // VEC-1, VEC-2
    let short = json!({"embedding": vec![0.5; 511], "success": true});
    let zeros = embedding(|_| 0.0);
    let endless = embedding(|n| if n == 7 { 1e300 } else { 0.1 });
    let texts = json!({"embedding": vec!["0.5"; 512]});
    let failed = json!({"success": false, "embedding": null});
    for wrong in [
        short,
        zeros,
        endless,
        texts,
        failed,
        json!({}),
        json!([1.0]),
    ] {
        let (answer, stand_in) = answered(vec![Reply::json(200, &wrong)]).await;
        assert!(
            matches!(answer, Err(NotEmbedded::TryAgain(_))),
            "{answer:?}"
        );
        assert_eq!(stand_in.asked(EMBED), 2);
    }
    for wrong in ["", "<html>", "{\"embedding\":[NaN]}", "{\"embedding\":["] {
        let (answer, _) = answered(vec![Reply::text(200, wrong)]).await;
        assert!(matches!(answer, Err(NotEmbedded::TryAgain(_))), "{wrong}");
    }
}

#[tokio::test]
async fn an_answer_that_makes_sense_the_second_time_is_taken() {
    let good = embedding(|_| 1.0);
    let replies = vec![Reply::text(200, "starting"), Reply::json(200, &good)];
    assert!(answered(replies).await.0.is_ok());
    let replies = vec![Reply::text(503, "starting"), Reply::json(200, &good)];
    assert!(answered(replies).await.0.is_ok());
    let replies = vec![Reply::Cut, Reply::json(200, &good)];
    assert!(answered(replies).await.0.is_ok());
}

#[tokio::test]
async fn only_what_the_service_says_of_the_picture_itself_is_final() {
    let error =
        |code: &str| json!({"error": {"code": code, "message": "hers.jpg", "details": null}});
    let table = [
        (Reply::json(400, &error("INVALID_IMAGE")), 1, true),
        (Reply::json(400, &error("CLIP_ERROR")), 1, false),
        (Reply::json(500, &error("INTERNAL_ERROR")), 2, false),
        (
            Reply::json(
                422,
                &json!({"detail": [{"loc": ["body"], "msg": "x", "type": "y"}]}),
            ),
            1,
            false,
        ),
        (Reply::text(401, ""), 1, false),
        (Reply::text(404, ""), 1, false),
        (Reply::text(429, ""), 2, false),
        (Reply::Redirect, 1, false),
    ];
    for (reply, asked, is_final) in table {
        let (answer, stand_in) = answered(vec![reply.clone()]).await;
        let fault = answer.unwrap_err();
        assert_eq!(
            matches!(fault, NotEmbedded::GiveUp(_)),
            is_final,
            "{reply:?}"
        );
        assert!(!fault.to_string().contains("hers"), "{fault}");
        assert_eq!(stand_in.asked(EMBED), asked, "{reply:?}");
        assert_eq!(stand_in.asked("/elsewhere"), 0, "no redirect is followed");
    }
}

#[tokio::test]
async fn an_answer_without_end_and_one_that_never_comes_are_cut_off() {
    let (answer, _) = answered(vec![Reply::Endless]).await;
    assert!(matches!(answer, Err(NotEmbedded::TryAgain(_))));
    let stand_in = StandIn::of(vec![Reply::Never]).await;
    stand_in::tls();
    let quick = HostSettings {
        timeout: Duration::from_millis(50),
        first_timeout: Duration::from_millis(50),
        ..settings(&stand_in.base)
    };
    let service = ClipService::new(quick, &space()).unwrap();
    let begun = std::time::Instant::now();
    assert!(matches!(
        service.embed(picture()).await,
        Err(NotEmbedded::TryAgain(_))
    ));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_host_that_is_not_well_is_sent_no_picture_and_believed_for_a_while() {
    // PRV-1: a bad answer is trusted 5 s, a good one 60 s
    let stand_in = StandIn::unwell().await;
    let service = service(&stand_in);
    for _ in 0..3 {
        assert!(matches!(
            service.embed(picture()).await,
            Err(NotEmbedded::TryAgain(_))
        ));
    }
    assert_eq!(
        (stand_in.asked("/api/v1/health"), stand_in.asked(EMBED)),
        (1, 0)
    );
    assert!(!service.is_available());
    let stand_in = StandIn::of(vec![Reply::json(200, &embedding(|_| 1.0))]).await;
    let service = self::service(&stand_in);
    for _ in 0..3 {
        service.embed(picture()).await.unwrap();
    }
    assert_eq!(
        (stand_in.asked("/api/v1/health"), stand_in.asked(EMBED)),
        (1, 3)
    );
    assert!(service.is_available());
}

#[tokio::test]
async fn the_service_is_warmed_before_a_picture_of_hers_needs_it() {
    let stand_in = StandIn::of(vec![Reply::json(200, &embedding(|_| 1.0))]).await;
    let service = Arc::new(service(&stand_in));
    assert!(!service.is_available());
    let warming = tokio::spawn(Arc::clone(&service).keep_warm());
    let warm = async {
        while !service.is_available() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), warm)
        .await
        .unwrap();
    warming.abort();
    assert_eq!(stand_in.asked(EMBED), 1);
}

#[tokio::test]
async fn a_service_out_on_the_internet_is_refused_at_the_start() {
    stand_in::tls();
    let base = Url::parse("https://8.8.4.4/").unwrap();
    let refused = ClipService::new(HostSettings::new(base, None), &space());
    assert!(matches!(refused, Err(NoModelHost::NotOwn)));
}

#[test]
fn the_space_names_model_version_and_preparation() {
    // PIP-5
    stand_in::tls();
    let base = Url::parse("http://127.0.0.1:9/").unwrap();
    let service = ClipService::new(HostSettings::new(base, None), &space()).unwrap();
    assert_eq!(service.model(), "service:clip-ViT-B-32@2/s2");
}
