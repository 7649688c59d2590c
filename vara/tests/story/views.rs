//! Looking at a picture by its link: the copies, never the original, for a while, and not beyond what she does with it
//! (IMG-3, IMG-5, IMG-7).

use crate::member::{Answer, Member, client, sent};
use crate::put_away::grey;
use crate::running::{Vara, shared};
use eventstore::edge::now;
use serde_json::{Value, json};

fn image(member: &Member, id: &str) -> Value {
    member.get(&format!("/images/{id}")).data()
}

fn link(image: &Value) -> String {
    image["signedUrl"].as_str().unwrap().to_owned()
}

/// Without a token and without anything else of hers.
fn looks(url: &str) -> Answer {
    sent(client().get(url))
}

fn is_a_dead_link(url: &str) {
    let answer = looks(url);
    assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{url}");
}

#[test]
fn a_link_shows_the_copy_without_metadata_to_whoever_has_it_and_is_to_be_stored_nowhere() {
    let ana = Member::joins(&shared().api);
    let original = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../pictures/testdata/images/metadata_gps_full.jpg"
    ))
    .unwrap();
    let shown = image(&ana, &ana.uploads(&original));
    assert_eq!(shown["storageUrl"], shown["signedUrl"]);
    let ends = chrono::DateTime::parse_from_rfc3339(shown["signedUrlExpiresAt"].as_str().unwrap());
    let left = ends.unwrap().timestamp() - now().timestamp();
    assert!((3_500..=3_600).contains(&left), "{left}");
    for (name, longest) in [("signedUrl", 2_048), ("thumbnailUrl", 320)] {
        let answer = client().get(shown[name].as_str().unwrap()).send().unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "image/jpeg");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-robots-tag"), "noindex");
        let length: usize = header("content-length").parse().unwrap();
        let bytes = answer.bytes().unwrap();
        assert_eq!(bytes.len(), length);
        assert!(bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.as_ref() != original);
        assert!(!bytes.windows(4).any(|window| window == b"Exif"), "IMG-3");
        let seen = pictures::decode(&bytes).unwrap();
        assert!(seen.width().max(seen.height()) <= longest);
    }
}

#[test]
fn every_wrong_link_is_answered_alike() {
    let ana = Member::joins(&shared().api);
    let good = link(&image(&ana, &ana.uploads(&grey(50, 51))));
    let (base, token) = good.rsplit_once('/').unwrap();
    let unsigned = looks(&format!("{base}/AAAA"));
    assert_eq!((unsigned.status, unsigned.code()), (404, "NOT_FOUND"));
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{last}", &token[..token.len() - 1]);
    for wrong in [&token[1..], &changed, "x", "..%2F..%2Fetc", "%00"] {
        let answer = looks(&format!("{base}/{wrong}"));
        assert_eq!((answer.status, answer.body), (404, unsigned.body.clone()));
    }
    assert_eq!(sent(client().post(&good)).status, 405);
}

#[test]
fn a_link_ends_when_its_picture_is_put_away_and_a_new_one_shows_what_is_kept() {
    // IMG-5; the archive shows its pictures for seven days
    let ana = Member::joins(&shared().api);
    let id = ana.uploads(&grey(52, 53));
    let first = link(&image(&ana, &id));
    assert_eq!(looks(&first).status, 200);
    ana.delete(&format!("/images/{id}"));
    is_a_dead_link(&first);
    let kept = link(&ana.get("/images?filter=archived").data()[0]);
    assert_eq!(looks(&kept).status, 200);
    let back = ana.post(&format!("/images/{id}/restore"), &json!({}));
    assert_eq!(looks(&link(&back.data())).status, 200);
    is_a_dead_link(&kept);
    // Ended is ended: whoever had it has it no more, though she took the picture back.
    is_a_dead_link(&first);
}

#[test]
fn a_link_ends_when_she_is_erased_or_its_time_is_over_and_names_the_address_that_was_set() {
    let settings = [
        ("VARA_LINK_SECONDS", "1"),
        ("VARA_PUBLIC_URL", "https://vara.example.test/"),
    ];
    let vara = Vara::start_with(&settings);
    let ana = Member::joins(&vara.api);
    let shown = image(&ana, &ana.uploads(&grey(54, 55)));
    let told = link(&shown);
    let token = told.strip_prefix("https://vara.example.test/api/v1/views/");
    let here = ana.url(&format!("/views/{}", token.unwrap()));
    assert_eq!(looks(&here).status, 200);
    let ends = chrono::DateTime::parse_from_rfc3339(shown["signedUrlExpiresAt"].as_str().unwrap());
    let left = ends.unwrap().timestamp() - now().timestamp();
    assert!(
        (50..=60).contains(&left),
        "IMG-7: at least a minute; {left}"
    );
    let me = ana.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (words, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{words}");
    is_a_dead_link(&here);
    assert!(
        !vara.log().contains(token.unwrap()),
        "AUD-5: no token in the log"
    );
}
