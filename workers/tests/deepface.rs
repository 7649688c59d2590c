//! DeepFace's API server over HTTP, against a stand-in that speaks its wire format: bodies as its own layer writes them.

#![cfg(test)]

mod stand_in;

use bytes::Bytes;
use domain::Share;
use domain::image::FaceSeen;
use domain::scan::ProviderFault;
use serde_json::{Value, json};
use stand_in::{Reply, StandIn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use url::Url;
use workers::providers::{
    ApiKey, Consent, DeepFace, Face, FaceEmbedder as _, HostSettings, NoModelHost, NotSearched,
    RetryPolicy,
};

const REPRESENT: &str = "/represent";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a working copy";

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

fn agrees(times: u32) -> AgreesTimes {
    AgreesTimes(AtomicU32::new(times))
}

fn deepface(base: &Url) -> DeepFace {
    stand_in::tls();
    let settings = HostSettings {
        timeout: Duration::from_secs(2),
        first_timeout: Duration::from_secs(2),
        retry: RetryPolicy {
            base: Duration::from_millis(1),
            most: Duration::from_millis(1),
            ..RetryPolicy::MODEL_HOST
        },
        ..HostSettings::new(base.clone(), ApiKey::new("a-long-token-1234"))
    };
    DeepFace::new(settings).unwrap()
}

async fn answered(replies: Vec<Reply>) -> (Result<Vec<Face>, NotSearched>, StandIn) {
    let stand_in = StandIn::of(replies).await;
    let faces = deepface(&stand_in.base)
        .faces(Bytes::from_static(JPEG), &agrees(9))
        .await;
    (faces, stand_in)
}

fn found(confidence: f64, w: u32, h: u32, number: f64) -> Value {
    json!({
        "embedding": vec![number; 512],
        "facial_area": {"x": 31, "y": 40, "w": w, "h": h, "left_eye": [150, 110], "right_eye": null},
        "face_confidence": confidence,
    })
}

fn results(found: &[Value]) -> Reply {
    Reply::json(200, &json!({ "results": found }))
}

fn fault(answer: Result<Vec<Face>, NotSearched>) -> ProviderFault {
    match answer {
        Err(NotSearched::Failed(error)) => error.fault,
        other => panic!("a fault was expected: {other:?}"),
    }
}

#[tokio::test]
async fn every_face_is_handed_on_with_its_box_and_a_vector_of_length_one() {
    // PIP-4
    let (faces, _) = answered(vec![results(&[
        found(0.93, 210, 212, 0.5),
        found(0.6, 50, 60, -2.0),
    ])])
    .await;
    let faces = faces.unwrap();
    let seen: Vec<FaceSeen> = faces.iter().map(|face| face.seen).collect();
    let expected = |percent, width, height| FaceSeen {
        confidence: Share::percent(percent),
        width,
        height,
    };
    assert_eq!(seen, [expected(93, 210, 212), expected(60, 50, 60)]);
    for face in &faces {
        let length: f32 = face.vector.iter().map(|n| n * n).sum();
        assert!(face.vector.len() == 512 && (length - 1.0).abs() < 1e-5);
    }
    assert!(faces[1].vector[0] < 0.0);
}

#[tokio::test]
async fn the_server_is_sent_a_data_uri_and_asked_for_nothing_but_faces_and_vectors() {
    let (_, stand_in) = answered(vec![results(&[found(0.9, 90, 90, 0.5)])]).await;
    let seen = stand_in.last(REPRESENT);
    assert_eq!(
        seen.authorization.as_deref(),
        Some("Bearer a-long-token-1234")
    );
    let sent = seen.json["img"].as_str().unwrap();
    let data = sent.strip_prefix("data:image/jpeg;base64,").unwrap();
    assert_eq!(stand_in::base64(data), JPEG);
    for (name, value) in [
        ("model_name", json!("ArcFace")),
        ("detector_backend", json!("retinaface")),
        ("enforce_detection", json!(true)),
        ("align", json!(true)),
        ("anti_spoofing", json!(false)),
    ] {
        assert_eq!(seen.json[name], value, "{name}");
    }
    for never in ["/analyze", "/register", "/search", "/verify"] {
        assert_eq!(stand_in.asked(never), 0);
    }
}

#[tokio::test]
async fn the_servers_word_for_no_face_is_no_face_and_no_other_400_is() {
    // PIP-4: there is no code, only this phrase
    let text = "Exception while representing: Face could not be detected in numpy array. Please confirm that the \
                picture is a face photo or consider to set enforce_detection param to False. - Traceback (most recent";
    let (faces, stand_in) = answered(vec![Reply::json(400, &json!({ "error": text }))]).await;
    assert_eq!(faces, Ok(vec![]));
    assert_eq!(stand_in.asked(REPRESENT), 1);
    let other = json!({"error": "Exception while representing: hers - Traceback secret.py"});
    let table = [
        (Reply::json(400, &other), 2, ProviderFault::ProviderError),
        (
            Reply::json(400, &json!({"exception": "Failed to decode image"})),
            1,
            ProviderFault::InvalidImage,
        ),
        (
            Reply::text(400, "<!doctype html><title>400 Bad Request</title>"),
            1,
            ProviderFault::ProviderError,
        ),
        (
            Reply::json(
                401,
                &json!({"message": "Invalid or missing authentication token"}),
            ),
            1,
            ProviderFault::InvalidKey,
        ),
        (
            Reply::json(500, &json!({"error": "Database connection details"})),
            2,
            ProviderFault::ProviderError,
        ),
        (Reply::Cut, 2, ProviderFault::ProviderError),
    ];
    for (reply, asked, expected) in table {
        let (faces, stand_in) = answered(vec![reply.clone()]).await;
        assert!(!format!("{faces:?}").contains("secret") && !format!("{faces:?}").contains("hers"));
        assert_eq!(fault(faces), expected, "{reply:?}");
        assert_eq!(stand_in.asked(REPRESENT), asked, "{reply:?}");
    }
}

#[tokio::test]
async fn an_error_while_the_models_load_is_asked_again_once_and_says_nothing_of_the_picture() {
    // GEN-3
    let loading = Reply::json(
        400,
        &json!({"error": "Exception while representing: loading"}),
    );
    let good = results(&[found(0.9, 90, 90, 0.5)]);
    let (faces, stand_in) = answered(vec![loading.clone(), good.clone()]).await;
    assert_eq!((faces.unwrap().len(), stand_in.asked(REPRESENT)), (1, 2));
    let stand_in = StandIn::of(vec![loading.clone(), loading, good]).await;
    let server = deepface(&stand_in.base);
    let yes = agrees(9);
    let asked = || server.faces(Bytes::from_static(JPEG), &yes);
    assert_eq!(fault(asked().await), ProviderFault::ProviderError);
    assert_eq!(asked().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_never_no_face() {
    // GEN-3
    let mut short = found(0.9, 90, 90, 0.5);
    short["embedding"] = json!(vec![0.5; 128]);
    for wrong in [
        Reply::json(200, &json!({"results": []})),
        Reply::json(200, &json!({})),
        Reply::text(200, "<html>"),
        results(&[found(0.9, 90, 90, 0.0)]),
        results(&[found(7.0, 90, 90, 0.5)]),
        results(&[found(0.9, 90, 90, 0.5), short]),
        Reply::Endless,
    ] {
        let (faces, _) = answered(vec![wrong.clone()]).await;
        assert_eq!(fault(faces), ProviderFault::ProviderError, "{wrong:?}");
    }
}

#[tokio::test]
async fn consent_is_asked_right_before_every_attempt() {
    // CON-1: the first attempt stumbles, and before the second she has withdrawn
    let replies = vec![Reply::text(503, ""), results(&[found(0.9, 90, 90, 0.5)])];
    for (times, asked) in [(0, 0), (1, 1)] {
        let stand_in = StandIn::of(replies.clone()).await;
        let faces = deepface(&stand_in.base)
            .faces(Bytes::from_static(JPEG), &agrees(times))
            .await;
        assert_eq!(faces, Err(NotSearched::NotAllowed));
        assert_eq!(stand_in.asked(REPRESENT), asked);
    }
}

#[tokio::test]
async fn the_server_is_warmed_with_nobodys_picture() {
    let no_face = Reply::json(400, &json!({"error": "Face could not be detected"}));
    let stand_in = StandIn::of(vec![no_face]).await;
    let server = Arc::new(deepface(&stand_in.base));
    let warming = tokio::spawn(Arc::clone(&server).keep_warm());
    let warm = async {
        while !server.is_available() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), warm)
        .await
        .unwrap();
    warming.abort();
    let sent = stand_in.last(REPRESENT).json["img"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(sent.starts_with("data:image/png;base64,"));
}

#[test]
fn a_server_out_on_the_internet_is_refused_at_the_start() {
    stand_in::tls();
    let refused = DeepFace::new(HostSettings::new(
        Url::parse("https://8.8.4.4/").unwrap(),
        None,
    ));
    assert!(matches!(refused, Err(NoModelHost::NotOwn)));
}
