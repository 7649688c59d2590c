//! A real photo goes in, an alert and a plan item come out.

use crate::member::Member;
use crate::running::{Vara, shared};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_photo_goes_in_and_an_alert_and_a_plan_item_come_out() {
    let member = Member::joins(&shared().api);
    let image = member.uploads(sandbox::demo_picture());
    let scan = member.starts_a_scan();
    let scan = member.waits_for(&scan, SOON);
    assert_eq!(scan["status"], "COMPLETED");
    assert_eq!(scan["result"]["engines"][0], "tineye");
    assert_eq!(scan["result"]["warnings"].as_array().unwrap().len(), 0);

    let found = member.get(&format!("/images/{image}/matches")).data();
    let found = found.as_array().unwrap();
    assert!(
        found.len() >= 4,
        "recompressed, shrunken, rotated, mirrored: {found:?}"
    );
    assert_eq!(scan["result"]["matchesFound"], found.len());
    assert!(
        found.iter().all(|page| page["isMock"] == true),
        "GEN-4: marked as a demonstration"
    );
    let pages: BTreeSet<_> = found
        .iter()
        .map(|page| page["sourceUrl"].to_string())
        .collect();
    assert_eq!(pages.len(), found.len(), "MAT-1: each page once");

    let alerts = member.is_told(found.len());
    assert_eq!(alerts.len(), found.len(), "ALR-1: one cause, one alert");
    let items = member.has_to_do(1);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["code"], "REVIEW_ALERTS");
}

#[test]
fn an_alert_can_say_how_it_came_about() {
    let member = Member::joins(&shared().api);
    member.uploads(sandbox::demo_picture());
    member.waits_for(&member.starts_a_scan(), SOON);
    let alerts = member.is_told(1);
    let trail = member
        .get(&format!(
            "/alerts/{}/trail",
            alerts[0]["id"].as_str().unwrap()
        ))
        .data();
    let events: Vec<_> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["event"].clone())
        .collect();
    assert_eq!(events, ["ScanStarted", "MatchFound", "AlertRaised"]);
    let positions: Vec<_> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["position"].as_i64().unwrap())
        .collect();
    assert!(positions.is_sorted() && positions[0] > 0);
    let item = member.has_to_do(1)[0]["id"].as_str().unwrap().to_owned();
    let trail = member
        .get(&format!("/protection-plan/items/{item}/trail"))
        .data();
    assert_eq!(
        trail.as_array().unwrap().last().unwrap()["event"],
        "PlanItemAdded"
    );
}

#[test]
fn the_same_web_seen_three_times_gives_no_second_alert() {
    // MAT-10 and check 12 of the contract
    let member = Member::joins(&shared().api);
    member.uploads(sandbox::demo_picture());
    let first = member.waits_for(&member.starts_a_scan(), SOON);
    let found = first["result"]["matchesFound"].as_u64().unwrap();
    let told = member.is_told(usize::try_from(found).unwrap()).len();
    for _ in 0..2 {
        let again = member.waits_for(&member.starts_a_scan(), SOON);
        assert_eq!(again["result"]["matchesFound"], 0);
        assert_eq!(again["result"]["matchesSeenAgain"], found);
    }
    assert_eq!(member.is_told(told).len(), told);
    assert_eq!(member.has_to_do(1).len(), 1);
}

#[test]
fn progress_is_told_while_it_happens() {
    let member = Member::joins(&shared().api);
    member.uploads(sandbox::demo_picture());
    let scan = member.starts_a_scan();
    let events = member
        .http()
        .get(member.url(&format!("/scans/{scan}/events")));
    let events = events.bearer_auth(&member.token).send().unwrap();
    assert!(
        events.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let told: Vec<serde_json::Value> = BufReader::new(events)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("data:").map(str::to_owned))
        .map(|data| serde_json::from_str(&data).unwrap())
        .collect();
    let progress: Vec<_> = told
        .iter()
        .map(|event| event["progress"].as_i64().unwrap())
        .collect();
    assert!(
        progress.is_sorted(),
        "SCN-10: never decreases: {progress:?}"
    );
    assert_eq!(told.last().unwrap()["progress"], 100);
    assert_eq!(told.last().unwrap()["status"], "COMPLETED");
}

#[test]
fn every_change_shows_in_the_next_read() {
    // FRS-1, many times over: a race would show.
    let member = Member::joins(&shared().api);
    let plan = member.get("/protection-plan").data();
    assert_eq!(
        plan["items"][0]["code"], "COMPLETE_ASSESSMENT",
        "USR-3: a starter plan at once"
    );
    let mut picture = sandbox::demo_picture().to_vec();
    for n in 1..=5_usize {
        // Bytes after the end of a picture change its hash and not what is seen.
        picture.push(0);
        let id = member.uploads(&picture);
        let listed = member.get("/images?limit=100").data();
        assert_eq!(listed.as_array().unwrap().len(), n);
        assert_eq!(listed[0]["id"], id.as_str(), "newest first");
        if n > 1 {
            assert!(
                !listed[0]["nearCopyOf"].is_null(),
                "a near copy in her own library is named"
            );
        }
    }
    let scan = member.starts_a_scan();
    let scans = member.get("/scans?limit=1").data();
    assert_eq!(scans[0]["id"], scan.as_str());
    member.waits_for(&scan, SOON);
}

#[test]
fn twenty_triggers_at_once_start_one_scan() {
    // SCN-1 and check 1 of the contract
    let member = Member::joins(&shared().api);
    member.uploads(sandbox::demo_picture());
    let ask = serde_json::json!({ "type": "IMAGE_SCAN" });
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let asking: Vec<_> = (0..20)
            .map(|_| threads.spawn(|| member.post("/scans/trigger", &ask).status))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    // A scan may end while the others still ask, so a second one may follow the first, never beside it.
    let accepted = statuses.iter().filter(|status| **status == 202).count();
    let refused = statuses.iter().filter(|status| **status == 409).count();
    assert_eq!(accepted + refused, 20, "{statuses:?}");
    let scans = member.get("/scans?limit=100").data();
    assert_eq!(scans.as_array().unwrap().len(), accepted);
}

#[test]
fn the_demonstration_tells_the_story_and_a_stranger_is_found_nowhere() {
    let vara = shared();
    let (words, code) = vara.run(&["demo"]);
    assert_eq!(code, 0, "{words}");
    for word in [
        "Findings",
        "Alerts",
        "Plan",
        "How we got there",
        "MatchFound",
        "AlertRaised",
    ] {
        assert!(words.contains(word), "{word} in\n{words}");
    }
    let stranger = vara.data().join("stranger.png");
    std::fs::write(&stranger, strange_picture()).unwrap();
    let (words, code) = vara.run(&["demo", "--image", stranger.to_str().unwrap()]);
    assert_ne!(
        code, 0,
        "no alert came out, so the demonstration did not succeed"
    );
    assert!(words.contains("Nothing was found there"), "{words}");
    assert!(words.contains("Searched: tineye"), "{words}");
}

#[test]
fn a_page_that_is_added_while_it_runs_is_found() {
    let vara = shared();
    let picture = vara.data().join("added.png");
    std::fs::write(&picture, another_picture()).unwrap();
    let page = "https://added.example.test/album/1";
    let (words, code) = vara.run(&[
        "sandbox",
        "add",
        "--page",
        page,
        "--image",
        picture.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{words}");
    let member = Member::joins(&vara.api);
    member.uploads(&another_picture());
    let scan = member.waits_for(&member.starts_a_scan(), SOON);
    assert_eq!(scan["result"]["matchesFound"], 1);
    assert_eq!(member.is_told(1)[0]["metadata"]["sourceUrl"], page);
}

#[test]
fn the_second_start_is_quick() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let vara = Vara::start_on(vara.stop(), &[]);
    println!("the second start was ready after {:?}", vara.ready_after);
    let mut member = member;
    member.moves_to(&vara.api);
    assert_eq!(
        member.get("/images").data().as_array().unwrap().len(),
        1,
        "nothing was lost"
    );
}

/// Smooth random waves, drawn: nothing of the little web looks like them.
fn strange_picture() -> Vec<u8> {
    drawn(|x, y| {
        ((x * 0.11).sin() * (y * 0.07).cos() * 120.0 + (x * y * 0.0009).sin() * 90.0) + 128.0
    })
}

fn another_picture() -> Vec<u8> {
    drawn(|x, y| {
        ((x * 0.05 + (y * 0.09).sin() * 4.0).sin() * 100.0 + (y * 0.21).cos() * 60.0) + 128.0
    })
}

/// A grey PNG of 320 x 240, uncompressed inside, written by hand: tests need no encoder of their own.
fn drawn(light: impl Fn(f64, f64) -> f64) -> Vec<u8> {
    crate::pieces::png(320, 240, light)
}
