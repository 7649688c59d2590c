//! An engine that fails is "not searched", never "clear", and nothing hangs (GEN-3, SCN-9).

use crate::member::Member;
use crate::running::Vara;
use serde_json::Value;
use std::time::Duration;

/// The adapter's own attempts end within a minute (PRV-6).
const LONGEST: Duration = Duration::from_secs(90);

fn scanned_with(settings: &[(&str, &str)]) -> (Member, Value, Vara) {
    let vara = Vara::start_with(settings);
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let scan = member.waits_for(&member.starts_a_scan(), LONGEST);
    (member, scan, vara)
}

fn is_not_called_clear(member: &Member, scan: &Value, code: &str) {
    assert_eq!(scan["status"], "FAILED", "{scan}");
    assert_eq!(scan["errorCode"], code, "{scan}");
    assert!(!scan["errorMessage"].as_str().unwrap().is_empty());
    assert_eq!(scan["result"]["engines"].as_array().unwrap().len(), 0);
    let warnings = scan["result"]["warnings"].to_string();
    assert!(warnings.contains("PROVIDER_FAILED:tineye"), "{warnings}");
    let images = member.get("/images").data();
    assert!(
        images[0]["lastScanned"].is_null(),
        "IMG-8: no engine was reached"
    );
    assert!(member.has_to_do(0).is_empty());
}

#[test]
fn a_key_that_is_not_accepted_is_told_as_such() {
    let (member, scan, _vara) = scanned_with(&[("VARA_TINEYE_KEY", "bad")]);
    is_not_called_clear(&member, &scan, "PROVIDER_AUTH");
}

#[test]
fn an_engine_without_searches_left_is_told_as_such() {
    let (member, scan, _vara) = scanned_with(&[("VARA_TINEYE_KEY", "broke")]);
    is_not_called_clear(&member, &scan, "QUOTA_EXHAUSTED");
}

#[test]
fn garbled_answers_are_no_answers() {
    for key in ["html", "cut", "huge"] {
        let (member, scan, _vara) = scanned_with(&[("VARA_TINEYE_KEY", key)]);
        is_not_called_clear(&member, &scan, "ALL_PROVIDERS_FAILED");
    }
}

#[test]
fn an_engine_that_is_down_does_not_hang_the_scan() {
    // Nobody listens on the discard port of this machine.
    let nobody = [
        ("VARA_TINEYE_URL", "http://127.0.0.1:9/rest"),
        ("VARA_TINEYE_KEY", "k"),
    ];
    let (member, scan, _vara) = scanned_with(&nobody);
    is_not_called_clear(&member, &scan, "ALL_PROVIDERS_FAILED");
}

#[test]
fn an_engine_that_is_too_slow_does_not_hang_the_scan() {
    let (member, scan, _vara) = scanned_with(&[("VARA_TINEYE_KEY", "slow")]);
    is_not_called_clear(&member, &scan, "ALL_PROVIDERS_FAILED");
}

#[test]
fn an_engine_that_stumbles_once_is_asked_again() {
    let (member, scan, _vara) = scanned_with(&[("VARA_TINEYE_KEY", "flaky")]);
    assert_eq!(scan["status"], "COMPLETED");
    assert!(!member.is_told(1).is_empty());
}

#[test]
fn without_her_agreement_nothing_leaves() {
    // CON-1
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let no = serde_json::json!({ "granted": false, "textVersion": "settings-1" });
    let said = member
        .put("/users/me/consents/WEB_IMAGE_SEARCH", &no)
        .data();
    assert_eq!(said["granted"], false);
    let refused = member.post(
        "/scans/trigger",
        &serde_json::json!({ "type": "IMAGE_SCAN" }),
    );
    assert_eq!((refused.status, refused.code()), (403, "CONSENT_REQUIRED"));
    let consents = member.get("/users/me/consents").data().to_string();
    assert!(consents.contains("WEB_IMAGE_SEARCH"));
}
