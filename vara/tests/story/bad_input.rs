//! Bad input gets the envelope with the contract's code, and nothing is stored.

use crate::member::{Member, client, sent};
use crate::pieces::{png, png_that_claims};
use crate::running::shared;
use serde_json::json;

const TEN_MIB: usize = 10 * 1024 * 1024;

/// The demonstration's picture, made longer by bytes that no decoder looks at.
fn picture_of(bytes: usize) -> Vec<u8> {
    let mut picture = sandbox::demo_picture().to_vec();
    picture.resize(bytes, 0);
    picture
}

#[test]
fn files_that_are_no_pictures_are_refused_and_nothing_is_stored() {
    // LIM-1 to LIM-4 and check 7 of the contract
    let member = Member::joins(&shared().api);
    let real = sandbox::demo_picture();
    let kind = pictures::Format::of(real).unwrap().media_type();
    let other = if kind == "image/png" {
        "image/jpeg"
    } else {
        "image/png"
    };
    let cut = &real[..real.len() / 3];
    let cases: [(&str, &[u8], &str, u16, &str); 7] = [
        (
            "html under a right name",
            b"<html><script>1</script></html>",
            "image/jpeg",
            400,
            "INVALID_FILE_TYPE",
        ),
        (
            "a wrong declared type",
            real,
            other,
            400,
            "INVALID_FILE_TYPE",
        ),
        ("no bytes", b"", "image/jpeg", 400, "NO_FILE_PROVIDED"),
        ("a truncated file", cut, kind, 422, "IMAGE_UNREADABLE"),
        (
            "a pixel bomb",
            &png_that_claims(65_535, 65_535),
            "image/png",
            422,
            "IMAGE_UNREADABLE",
        ),
        (
            "a speck",
            &png(31, 400, |x, y| x * y),
            "image/png",
            422,
            "IMAGE_UNREADABLE",
        ),
        (
            "a byte too many",
            &picture_of(TEN_MIB + 1),
            kind,
            413,
            "FILE_TOO_LARGE",
        ),
    ];
    for (what, bytes, declared, status, code) in cases {
        let refused = member.sends(bytes, declared);
        assert_eq!(
            (refused.status, refused.code()),
            (status, code),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(member.get("/images").body["meta"]["pagination"]["total"], 0);
    assert!(shared().data().join("objects").exists());
}

#[test]
fn a_file_of_exactly_ten_mebibytes_is_taken() {
    // LIM-1: inclusive
    Member::joins(&shared().api).uploads(&picture_of(TEN_MIB));
}

#[test]
fn a_body_far_over_the_limit_is_cut_off() {
    let member = Member::joins(&shared().api);
    let kind = pictures::Format::of(sandbox::demo_picture())
        .unwrap()
        .media_type();
    let refused = member.sends(&vec![0xff; 30 * 1024 * 1024], kind);
    assert_eq!((refused.status, refused.code()), (413, "FILE_TOO_LARGE"));
}

#[test]
fn a_body_that_does_not_say_how_long_it_is_is_cut_off_too() {
    use reqwest::blocking::multipart::{Form, Part};
    let member = Member::joins(&shared().api);
    let endless = std::io::repeat(0xff_u8);
    let part = Part::reader(std::io::Read::take(endless, 20 * 1024 * 1024));
    let part = part.file_name("p").mime_str("image/jpeg").unwrap();
    let request = member.http().post(member.url("/images/upload"));
    let request = request.multipart(Form::new().part("file", part));
    let refused = sent(request.bearer_auth(&member.token));
    assert_eq!((refused.status, refused.code()), (413, "FILE_TOO_LARGE"));
}

#[test]
fn free_text_does_not_reach_the_log_and_stops_nobody() {
    // CON-2: a NUL in it would stop the read model of everybody
    let member = Member::joins(&shared().api);
    for text in ["\u{0}", "call me at ana@example.test", ""] {
        let ask = json!({ "granted": false, "textVersion": text });
        let refused = member.put("/users/me/consents/WEB_IMAGE_SEARCH", &ask);
        assert_eq!((refused.status, refused.code()), (400, "VALIDATION_ERROR"));
    }
    let ask = json!({ "granted": false, "textVersion": "settings-2" });
    let said = member
        .put("/users/me/consents/WEB_IMAGE_SEARCH", &ask)
        .data();
    assert_eq!(
        (said["granted"].clone(), said["textVersion"].clone()),
        (json!(false), json!("settings-2"))
    );
    Member::joins(&shared().api);
}

#[test]
fn a_form_without_a_file_and_one_with_two_are_told_apart() {
    // LIM-6
    use reqwest::blocking::multipart::{Form, Part};
    let member = Member::joins(&shared().api);
    let part = || {
        Part::bytes(sandbox::demo_picture().to_vec())
            .file_name("p")
            .mime_str("image/jpeg")
            .unwrap()
    };
    let send = |form: Form| {
        let request = member
            .http()
            .post(member.url("/images/upload"))
            .multipart(form);
        sent(request.bearer_auth(&member.token))
    };
    let two = send(Form::new().part("file", part()).part("file", part()));
    assert_eq!((two.status, two.code()), (400, "TOO_MANY_FILES"));
    let none = send(Form::new().text("note", "hello"));
    assert_eq!((none.status, none.code()), (400, "NO_FILE_PROVIDED"));
    let json = member.post("/images/upload", &json!({}));
    assert_eq!((json.status, json.code()), (415, "UNSUPPORTED_MEDIA_TYPE"));
}

#[test]
fn the_same_bytes_twice_name_the_picture_that_is_there() {
    // IMG-2
    let member = Member::joins(&shared().api);
    let id = member.uploads(sandbox::demo_picture());
    let kind = pictures::Format::of(sandbox::demo_picture())
        .unwrap()
        .media_type();
    let again = member.sends(sandbox::demo_picture(), kind);
    assert_eq!((again.status, again.code()), (409, "IMAGE_DUPLICATE"));
    assert_eq!(again.body["error"]["details"]["imageId"], id.as_str());
}

#[test]
fn requests_that_make_no_sense_get_the_envelope() {
    // Check 20 of the contract
    let member = Member::joins(&shared().api);
    let raw = |path: &str, body: &'static str, kind: &str| {
        let request = member.http().post(member.url(path)).body(body);
        sent(
            request
                .header("content-type", kind)
                .bearer_auth(&member.token),
        )
    };
    let malformed = raw("/scans/trigger", "{\"type\":", "application/json");
    assert_eq!((malformed.status, malformed.code()), (400, "INVALID_JSON"));
    let wrong_kind = raw("/scans/trigger", "type=IMAGE_SCAN", "text/plain");
    assert_eq!(
        (wrong_kind.status, wrong_kind.code()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
    let unknown_value = raw("/scans/trigger", "{\"type\":\"MAGIC\"}", "application/json");
    assert_eq!(
        (unknown_value.status, unknown_value.code()),
        (400, "VALIDATION_ERROR")
    );
    let nothing = raw("/auth/refresh", "", "application/json");
    assert_eq!(
        (nothing.status, nothing.code()),
        (400, "AUTH_MISSING_REFRESH_TOKEN")
    );
    let unknown = member.get("/nowhere");
    assert_eq!((unknown.status, unknown.code()), (404, "ROUTE_NOT_FOUND"));
    let method = member.put("/images/upload", &json!({}));
    assert_eq!((method.status, method.code()), (405, "METHOD_NOT_ALLOWED"));
    assert!(method.headers.contains_key("allow"));
    let no_id = member.get("/images/not-an-id");
    assert_eq!((no_id.status, no_id.code()), (400, "VALIDATION_ERROR"));
    let page = member.get("/images?limit=101");
    assert_eq!((page.status, page.code()), (400, "VALIDATION_ERROR"));
    let long = "x".repeat(300 * 1024);
    let long = member.post("/scans/trigger", &json!({ "type": long }));
    assert_eq!((long.status, long.code()), (413, "BODY_TOO_LARGE"));
}

#[test]
fn whoever_is_not_signed_in_gets_nowhere() {
    let shared = shared();
    let get = |token: &str| {
        let request = client().get(format!("{}/api/v1/alerts", shared.api));
        sent(if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        })
    };
    assert_eq!(
        (get("").status, get("").code()),
        (401, "AUTH_MISSING_TOKEN")
    );
    assert_eq!(
        (get("a.b.c").status, get("a.b.c").code()),
        (401, "AUTH_INVALID_TOKEN")
    );
    assert_eq!(get("").headers["www-authenticate"], "Bearer");
    let member = Member::joins(&shared.api);
    let (head, tail) = member.token.rsplit_once('.').unwrap();
    let swapped: String = tail.chars().rev().collect();
    assert_eq!(
        get(&format!("{head}.{swapped}")).code(),
        "AUTH_INVALID_TOKEN"
    );
}

#[test]
fn every_answer_carries_its_request_id_and_is_not_kept() {
    let member = Member::joins(&shared().api);
    let id = "0192f0a1-0000-7000-8000-000000000001";
    let request = member
        .http()
        .get(member.url("/alerts"))
        .header("x-request-id", id);
    let answer = sent(request.bearer_auth(&member.token));
    assert_eq!(answer.headers["x-request-id"], id);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}
