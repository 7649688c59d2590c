//! A member protects a picture that she gives to nobody: only its hash is registered, exported, taken back.

use crate::member::Member;
use crate::running::shared;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

const HASH: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

fn a_hash(pdq: &str) -> Value {
    json!({ "pdq": pdq, "quality": 90, "attested": true, "textVersion": "hash-1" })
}

fn exported(member: &Member) -> Vec<Value> {
    let page = member.get("/hash-cases/export");
    assert_eq!(page.status, 200, "{page:?}");
    page.body["hashRecords"].as_array().unwrap().clone()
}

#[test]
fn a_hash_is_registered_once_exported_and_taken_back() {
    let (ana, eva) = (Member::joins(&shared().api), Member::joins(&shared().api));
    let made = ana.post("/hash-cases", &a_hash(HASH));
    assert_eq!(made.status, 201, "{made:?}");
    let case = made.data();
    assert_eq!(
        (&case["status"], &case["quality"]),
        (&json!("ACTIVE"), &json!(90))
    );
    assert!(!case.to_string().contains(HASH), "it is not repeated");
    let id = case["id"].as_str().unwrap();
    // Letter case is no difference, and the same hash is the same case.
    let again = ana
        .post("/hash-cases", &a_hash(&HASH.to_uppercase()))
        .data();
    assert_eq!(again["id"], case["id"]);
    assert_eq!(
        ana.get("/hash-cases").body["meta"]["pagination"]["total"],
        1
    );
    let records = exported(&ana);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["hashValue"], HASH);
    assert_eq!(records[0]["hashStatus"], "Active");
    let taken_back = ana.post(&format!("/hash-cases/{id}/withdraw"), &json!({}));
    assert_eq!(taken_back.data()["status"], "WITHDRAWN");
    let twice = ana.post(&format!("/hash-cases/{id}/withdraw"), &json!({}));
    assert_eq!(twice.data()["status"], "WITHDRAWN");
    let records = exported(&ana);
    assert_eq!((records.len(), &records[0]["hashValue"]), (1, &json!(HASH)));
    assert_eq!(records[0]["hashStatus"], "Withdrawn", "by its status");
    assert_eq!(records[0]["caseNumbers"], json!({ id: "Withdrawn" }));
    // Nobody else has a part in it, and the same hash of hers is another case.
    assert_eq!(exported(&eva).len(), 0);
    let unknown = eva.post(&format!("/hash-cases/{id}/withdraw"), &json!({}));
    assert_eq!((unknown.status, unknown.code()), (404, "NOT_FOUND"));
    assert_ne!(
        eva.post("/hash-cases", &a_hash(HASH)).data()["id"],
        case["id"]
    );
}

#[test]
fn an_operator_writes_what_members_registered_for_the_exchange() {
    let (vara, ana) = (shared(), Member::joins(&shared().api));
    let pdq = "0e".repeat(32);
    ana.post("/hash-cases", &a_hash(&pdq)).data();
    let out = vara.data().join("hashes.jsonl");
    let arguments = ["hashes", "export", "--out", out.to_str().unwrap()];
    let (words, code) = vara.run(&arguments);
    assert_eq!(code, 0, "{words}");
    assert!(!words.contains(&pdq), "{words}");
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&out).unwrap();
    let records = text.lines().flat_map(|line| {
        let page: Value = serde_json::from_str(line).unwrap();
        page["hashRecords"].as_array().unwrap().clone()
    });
    let records: Vec<Value> = records
        .filter(|record| record["hashValue"] == *pdq)
        .collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["hashStatus"], "Active");
    std::fs::remove_file(out).unwrap();
}

#[test]
fn a_hash_that_may_not_be_registered_is_refused_field_by_field() {
    let ana = Member::joins(&shared().api);
    let refused = |change: &[(&str, Value)]| {
        let mut body = a_hash(HASH);
        for (field, value) in change {
            body[*field] = value.clone();
        }
        let told = ana.post("/hash-cases", &body);
        assert_eq!(
            (told.status, told.code()),
            (400, "VALIDATION_ERROR"),
            "{change:?}"
        );
        let details = told.body["error"]["details"].as_array().unwrap().clone();
        let path = |misfit: &Value| misfit["path"][0].as_str().unwrap().to_owned();
        details.iter().map(path).collect::<Vec<_>>()
    };
    assert_eq!(refused(&[("attested", json!(false))]), ["attested"]);
    assert_eq!(refused(&[("attested", Value::Null)]), ["attested"]);
    // HSH-1
    assert_eq!(refused(&[("quality", json!(49))]), ["quality"]);
    assert_eq!(refused(&[("quality", json!(101))]), ["quality"]);
    assert_eq!(refused(&[("pdq", json!("f8"))]), ["pdq"]);
    let all = [
        ("pdq", Value::Null),
        ("quality", Value::Null),
        ("textVersion", json!("a b")),
    ];
    assert_eq!(refused(&all), ["pdq", "quality", "textVersion"]);
    for query in [
        "pageSize=0",
        "pageSize=1001",
        "nextPageToken=x",
        "startTimestamp=-1",
        // Microseconds, by mistake.
        "startTimestamp=1700000000000000",
    ] {
        let told = ana.get(&format!("/hash-cases/export?{query}"));
        assert_eq!(
            (told.status, told.code()),
            (400, "VALIDATION_ERROR"),
            "{query}"
        );
    }
    assert_eq!(exported(&ana).len(), 0);
    assert_eq!(
        ana.get("/hash-cases").body["meta"]["pagination"]["total"],
        0
    );
}

#[test]
fn a_request_that_comes_again_under_its_key_is_one_registration() {
    let ana = Member::joins(&shared().api);
    let send = || ana.post_with("/hash-cases", &a_hash(HASH), &[("Idempotency-Key", "one")]);
    let (first, second) = (send(), send());
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(
        ana.get("/hash-cases").body["meta"]["pagination"]["total"],
        1
    );
}
