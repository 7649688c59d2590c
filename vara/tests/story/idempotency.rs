//! A request with a key of its own is carried out once, however often and from wherever it comes.

use crate::member::{Answer, Member, client, fresh};
use crate::put_away::without_links;
use crate::running::{Vara, binary, folder, shared};
use reqwest::blocking::multipart::{Form, Part};
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn trigger() -> Value {
    json!({ "type": "IMAGE_SCAN" })
}

fn starts(member: &Member, key: &str, body: &Value) -> Answer {
    member.post_with("/scans/trigger", body, &[("Idempotency-Key", key)])
}

/// A member with a picture, whose scans can be started.
fn a_member(api: &str) -> (Member, Uuid) {
    let member = Member::joins(api);
    member.uploads(sandbox::demo_picture());
    let me = member.get("/users/me").data();
    (member, me["id"].as_str().unwrap().parse().unwrap())
}

/// A number that the database tells about a member.
fn counted(vara: &Vara, question: &str, who: Uuid) -> i64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&vara.database_url()).await.unwrap();
        let number = sqlx::query_scalar(question).bind(who);
        number.fetch_one(&pool).await.unwrap()
    })
}

const SCANS: &str = "SELECT count(*) FROM events WHERE event_type = 'ScanStarted' AND metadata->>'subject' = $1::text";
const PICTURES: &str = "SELECT count(*) FROM events WHERE event_type = 'ImageUploaded' AND metadata->>'subject' = $1::text";
const KEPT: &str = "SELECT count(*) FROM idempotency_answers WHERE subject = $1";

#[test]
fn the_same_request_again_gets_the_first_answer_also_when_all_has_changed_since() {
    let vara = shared();
    let (member, me) = a_member(&vara.api);
    let key = fresh();
    let first = starts(&member, &key, &trigger());
    assert_eq!(first.status, 202, "{first:?}");
    let scan = first.body["data"]["id"].as_str().unwrap();
    member.waits_for(scan, Duration::from_secs(20));
    let again = starts(&member, &key, &trigger());
    assert_eq!((again.status, &again.body), (202, &first.body));
    let (kind, was) = (
        &again.headers["content-type"],
        &first.headers["content-type"],
    );
    assert_eq!(kind, was);
    assert_eq!(counted(vara, SCANS, me), 1);
    // Without the key, or under another one, it is another scan.
    let other = starts(&member, &fresh(), &trigger());
    assert_eq!(other.status, 202);
    assert_ne!(other.body["data"]["id"], first.body["data"]["id"]);
}

#[test]
fn a_key_stands_for_one_request_of_one_member_and_a_refusal_is_an_answer_too() {
    let vara = shared();
    let (member, me) = a_member(&vara.api);
    let key = fresh();
    assert_eq!(starts(&member, &key, &trigger()).status, 202);
    let other = json!({ "type": "IMAGE_SCAN", "targetId": Uuid::nil() });
    let refused = starts(&member, &key, &other);
    assert_eq!(
        (refused.status, refused.code()),
        (409, "IDEMPOTENCY_CONFLICT")
    );
    assert_eq!(counted(vara, SCANS, me), 1);
    let (eva, she) = a_member(&vara.api);
    assert_eq!(
        starts(&eva, &key, &trigger()).status,
        202,
        "her key is hers"
    );
    assert_eq!(counted(vara, SCANS, she), 1);
    let missing = fresh();
    let unknown = starts(&eva, &missing, &other);
    assert_eq!((unknown.status, unknown.code()), (404, "IMAGE_NOT_FOUND"));
    let again = starts(&eva, &missing, &other);
    assert_eq!((again.status, again.body), (404, unknown.body));
}

#[test]
fn a_key_that_is_none_is_refused_on_every_post_and_a_stranger_has_none() {
    let vara = shared();
    let (member, me) = a_member(&vara.api);
    let too_long = "k".repeat(129);
    for wrong in ["", &too_long, "a\tb"] {
        let refused = starts(&member, wrong, &trigger());
        assert_eq!((refused.status, refused.code()), (400, "VALIDATION_ERROR"));
        assert_eq!(
            refused.body["error"]["details"][0]["path"][0],
            "Idempotency-Key"
        );
    }
    let kept = member.sends_under(&too_long, sandbox::demo_picture());
    assert_eq!((kept.status, kept.code()), (400, "VALIDATION_ERROR"));
    let headers = [("Idempotency-Key", too_long.as_str())];
    let refused = member.post_with("/auth/login", &json!({}), &headers);
    assert_eq!((refused.status, refused.code()), (400, "VALIDATION_ERROR"));
    // Tokens are kept nowhere: signing in twice under one key opens two sessions.
    let ask = json!({ "email": member.email, "password": member.password });
    let headers = [("Idempotency-Key", "once")];
    let sessions: Vec<Value> = (0..2)
        .map(|_| member.post_with("/auth/login", &ask, &headers).data())
        .collect();
    assert_ne!(sessions[0]["refreshToken"], sessions[1]["refreshToken"]);
    assert_eq!(counted(vara, KEPT, me), 0);
    let stranger = client().post(member.url("/scans/trigger"));
    let stranger = stranger.header("Idempotency-Key", "once").json(&trigger());
    assert_eq!(stranger.send().unwrap().status().as_u16(), 401);
}

#[test]
fn a_picture_that_is_sent_again_is_the_same_picture_and_another_one_is_refused() {
    let vara = shared();
    let member = Member::joins(&vara.api);
    let me = member.get("/users/me").data()["id"].clone();
    let (key, me) = (fresh(), me.as_str().unwrap().parse().unwrap());
    let first = member.sends_under(&key, sandbox::demo_picture());
    assert_eq!(first.status, 201, "{first:?}");
    // The client draws another boundary for each of these forms.
    let again = member.sends_under(&key, sandbox::demo_picture());
    assert_eq!((again.status, &again.body), (201, &first.body));
    let other = crate::pieces::png(64, 64, |x, y| x * y);
    let refused = member.sends_under(&key, &other);
    assert_eq!(
        (refused.status, refused.code()),
        (409, "IDEMPOTENCY_CONFLICT")
    );
    let too_long = vec![0xff; pictures::BYTES_MAX + 128 * 1024];
    let sent = member.sends_under_as(&fresh(), &too_long, "image/jpeg");
    assert_eq!((sent.status, sent.code()), (413, "FILE_TOO_LARGE"));
    // Under no key the bytes speak for themselves (IMG-2).
    let kind = pictures::Format::of(sandbox::demo_picture()).unwrap();
    let known = member.sends(sandbox::demo_picture(), kind.media_type());
    assert_eq!((known.status, known.code()), (409, "IMAGE_DUPLICATE"));
    assert_eq!(counted(vara, PICTURES, me), 1);
}

/// The same request a hundred times at once, each on a connection of its own; the one answer to all of them.
fn a_hundred(ask: impl Fn(&Client) -> RequestBuilder + Sync) -> Answer {
    let mut answers = std::thread::scope(|threads| {
        let ask = || crate::member::sent(ask(&client()));
        let asking: Vec<_> = (0..100).map(|_| threads.spawn(ask)).collect();
        let asking = asking.into_iter().map(|one| one.join().unwrap());
        asking.collect::<Vec<_>>()
    });
    let one = answers.pop().unwrap();
    for answer in answers {
        assert_eq!((answer.status, &answer.body), (one.status, &one.body));
    }
    one
}

#[test]
fn a_hundred_equal_requests_at_once_are_one_commit_and_a_hundred_equal_answers() {
    let vara = shared();
    let member = Member::joins(&vara.api);
    let me = member.get("/users/me").data()["id"].clone();
    let me = me.as_str().unwrap().parse().unwrap();
    let (picture, key) = (sandbox::demo_picture(), fresh());
    let one = a_hundred(|http| {
        let request = http.post(member.url("/images/upload"));
        let request = request.multipart(form(picture)).bearer_auth(&member.token);
        request.header("Idempotency-Key", &key)
    });
    assert_eq!(one.status, 201, "{one:?}");
    assert_eq!(counted(vara, PICTURES, me), 1);
    let one = a_hundred(|http| {
        let request = http.post(member.url("/scans/trigger")).json(&trigger());
        let request = request.bearer_auth(&member.token);
        request.header("Idempotency-Key", &key)
    });
    assert_eq!(one.status, 202, "{one:?}");
    assert_eq!(counted(vara, SCANS, me), 1);
    // One key on two routes names two requests.
    assert_eq!(counted(vara, KEPT, me), 2);
}

/// A picture as a form, under a boundary of its own.
fn form(picture: &'static [u8]) -> Form {
    let kind = pictures::Format::of(picture).unwrap().media_type();
    let part = Part::bytes(picture).file_name("p").mime_str(kind);
    Form::new().part("file", part.unwrap())
}

#[test]
fn a_process_that_dies_between_commit_and_answer_gives_it_after_its_next_start() {
    let place = folder();
    let ready = place.path().join("ready.json");
    let mut dying = binary()
        .args(["up", "--port", "0", "--data-dir"])
        .arg(place.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("VARA_KILL_AT", "answer:made")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let addresses = loop {
        if let Ok(addresses) = std::fs::read(&ready) {
            break addresses;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "it never starts");
        std::thread::sleep(Duration::from_millis(20));
    };
    let addresses: Value = serde_json::from_slice(&addresses).unwrap();
    let mut member = Member::joins(addresses["api"].as_str().unwrap());
    let me = member.get("/users/me").data()["id"].clone();
    let (me, key) = (me.as_str().unwrap().parse().unwrap(), fresh());
    let cut_off = client().post(member.url("/images/upload"));
    let cut_off = cut_off.multipart(form(sandbox::demo_picture()));
    let cut_off = cut_off.header("Idempotency-Key", &key);
    assert!(cut_off.bearer_auth(&member.token).send().is_err());
    dying.wait().unwrap();

    let vara = Vara::start_on(place, &[]);
    member.moves_to(&vara.api);
    assert_eq!(counted(&vara, PICTURES, me), 1, "it was committed");
    let answer = member.sends_under(&key, sandbox::demo_picture());
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(counted(&vara, PICTURES, me), 1, "and not again");
    let image = answer.body["data"]["id"].as_str().unwrap();
    let mut shown = member.get(&format!("/images/{image}")).data();
    shown["lastScanned"] = Value::Null;
    assert_eq!(without_links(&answer.body["data"]), without_links(&shown));
    let again = member.sends_under(&key, sandbox::demo_picture());
    assert_eq!((again.status, &again.body), (201, &answer.body));

    // Erased, she has no answers left.
    assert_eq!(counted(&vara, KEPT, me), 1);
    let (receipt, code) = vara.run(&["erase", &me.to_string()]);
    assert_eq!(code, 0, "{receipt}");
    assert_eq!(counted(&vara, KEPT, me), 0);
}
