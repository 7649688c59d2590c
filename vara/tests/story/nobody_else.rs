//! Nobody sees another member's things: the answer is the one for an unknown id.

use crate::member::{Member, fresh};
use crate::running::shared;
use std::time::Duration;

#[test]
fn anothers_image_scan_match_alert_and_item_are_unknown_ids() {
    // REV-3 and check 8 of the contract
    let (owner, other) = (Member::joins(&shared().api), Member::joins(&shared().api));
    let image = owner.uploads(sandbox::demo_picture());
    let scan = owner.starts_a_scan();
    owner.waits_for(&scan, Duration::from_secs(20));
    let alert = owner.is_told(1)[0]["id"].as_str().unwrap().to_owned();
    let found = owner.get(&format!("/images/{image}/matches")).data();
    let found = found[0]["id"].as_str().unwrap().to_owned();
    let item = owner.has_to_do(1)[0]["id"].as_str().unwrap().to_owned();
    let paths = [
        ("/images/{}", &image),
        ("/images/{}/matches", &image),
        ("/images/{}/fetches", &image),
        ("/scans/{}", &scan),
        ("/scans/{}/status", &scan),
        ("/scans/{}/matches", &scan),
        ("/scans/{}/events", &scan),
        ("/matches/{}", &found),
        ("/alerts/{}", &alert),
        ("/alerts/{}/trail", &alert),
        ("/protection-plan/items/{}/trail", &item),
    ];
    let unknown = uuid::Uuid::parse_str(&fresh()).unwrap().to_string();
    for (path, id) in paths {
        let hers = owner.get(&path.replace("{}", id)).status;
        assert_eq!(hers, 200, "{path} is there for its owner");
        let theirs = other.get(&path.replace("{}", id));
        let nobodys = other.get(&path.replace("{}", &unknown));
        assert_eq!(theirs.status, 404, "{path}");
        assert_eq!(
            theirs.body, nobodys.body,
            "{path}: the same body as for an unknown id"
        );
    }
    for list in ["/images", "/scans", "/alerts", "/matches/flagged"] {
        assert_eq!(
            other.get(list).body["meta"]["pagination"]["total"],
            0,
            "{list}"
        );
    }
    let target = serde_json::json!({ "type": "IMAGE_SCAN", "targetId": image });
    let refused = other.post("/scans/trigger", &target);
    assert_eq!((refused.status, refused.code()), (404, "IMAGE_NOT_FOUND"));
}
