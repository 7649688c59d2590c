//! A picture is put away, is there for seven days, and can be taken back (IMG-4 to IMG-6; contract, section 8).

use crate::member::{Member, fresh};
use crate::pieces::png;
use crate::running::shared;
use serde_json::{Value, json};

/// Ids of a list of her pictures.
fn listed(member: &Member, filter: &str) -> Vec<String> {
    let images = member.get(&format!("/images?limit=50&filter={filter}"));
    let images = images.data().as_array().unwrap().clone();
    images.iter().map(id_of).collect()
}

fn id_of(image: &Value) -> String {
    image["id"].as_str().unwrap().to_owned()
}

/// A picture that is nobody else's: its size tells it from others.
pub fn grey(width: u32, height: u32) -> Vec<u8> {
    png(width, height, |x, y| x * 3.0 + y)
}

/// A picture as it is shown, but for its links, which are others each time.
pub fn without_links(image: &Value) -> Value {
    let mut image = image.clone();
    let fields = image.as_object_mut().unwrap();
    fields.retain(|name, _| !name.contains("Url"));
    image
}

fn restores(member: &Member, image: &str) -> crate::member::Answer {
    member.post(&format!("/images/{image}/restore"), &json!({}))
}

#[test]
fn a_picture_that_was_put_away_is_kept_apart_for_seven_days_and_searched_for_by_nobody() {
    let ana = Member::joins(&shared().api);
    let (away, stays) = (ana.uploads(&grey(40, 41)), ana.uploads(&grey(42, 43)));
    for _ in 0..2 {
        let gone = ana.delete(&format!("/images/{away}"));
        assert_eq!(
            (gone.status, &gone.body),
            (204, &Value::Null),
            "again as well"
        );
    }
    let shown = ana.get(&format!("/images/{away}")).data();
    assert_eq!(shown["status"], "ARCHIVED");
    let time = |name: &str| {
        let text = shown[name].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    assert_eq!((time("purgeAt") - time("archivedAt")).num_days(), 7);
    // IMG-4
    assert_eq!(listed(&ana, "archived"), [away.as_str()]);
    for filter in ["all", "not_scanned"] {
        assert_eq!(listed(&ana, filter), [stays.as_str()], "{filter}");
    }
    let target = json!({ "type": "IMAGE_SCAN", "targetId": away });
    let refused = ana.post("/scans/trigger", &target);
    assert_eq!((refused.status, refused.code()), (404, "IMAGE_NOT_FOUND"));
    assert_eq!(ana.get(&format!("/images/{away}/matches")).status, 200);
}

#[test]
fn a_picture_comes_back_as_it_was_and_only_once() {
    let ana = Member::joins(&shared().api);
    let bytes = grey(44, 45);
    let image = ana.uploads(&bytes);
    let before = ana.get(&format!("/images/{image}")).data();
    let early = restores(&ana, &image);
    assert_eq!((early.status, early.code()), (409, "IMAGE_NOT_ARCHIVED"));
    ana.delete(&format!("/images/{image}"));
    let back = restores(&ana, &image).data();
    assert_eq!(without_links(&back), without_links(&before));
    assert_eq!(listed(&ana, "all"), [image.as_str()]);
    assert!(listed(&ana, "archived").is_empty());
    let again = restores(&ana, &image);
    assert_eq!((again.status, again.code()), (409, "IMAGE_NOT_ARCHIVED"));
}

#[test]
fn the_same_picture_may_be_given_again_once_it_was_put_away() {
    // IMG-2: the same bytes are ACTIVE once
    let ana = Member::joins(&shared().api);
    let bytes = grey(46, 47);
    let first = ana.uploads(&bytes);
    let twice = ana.sends(&bytes, "image/png");
    assert_eq!((twice.status, twice.code()), (409, "IMAGE_DUPLICATE"));
    ana.delete(&format!("/images/{first}"));
    let second = ana.uploads(&bytes);
    assert_ne!(second, first);
    let refused = restores(&ana, &first);
    assert_eq!((refused.status, refused.code()), (409, "IMAGE_DUPLICATE"));
    assert_eq!(refused.body["error"]["details"]["imageId"], second.as_str());
    ana.delete(&format!("/images/{second}"));
    assert_eq!(restores(&ana, &first).status, 200);
}

#[test]
fn nobody_puts_away_or_takes_back_what_is_not_hers() {
    let (ana, eva) = (Member::joins(&shared().api), Member::joins(&shared().api));
    let image = ana.uploads(&grey(48, 49));
    let unknown = uuid::Uuid::parse_str(&fresh()).unwrap().to_string();
    let bodies = |answer: crate::member::Answer| {
        assert_eq!((answer.status, answer.code()), (404, "IMAGE_NOT_FOUND"));
        answer.body
    };
    let put_away = |id: &str| bodies(eva.delete(&format!("/images/{id}")));
    assert_eq!(put_away(&image), put_away(&unknown));
    ana.delete(&format!("/images/{image}"));
    assert_eq!(
        bodies(restores(&eva, &image)),
        bodies(restores(&eva, &unknown))
    );
    let wrong = ana.delete("/images/no-id");
    assert_eq!((wrong.status, wrong.code()), (400, "VALIDATION_ERROR"));
}
