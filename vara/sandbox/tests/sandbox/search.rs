//! The sandbox searches: copies are found, strangers are not, and the parameters are honoured.

use crate::served::{Served, answer, matches, pages, picture};
use image::codecs::jpeg::JpegEncoder;
use image::imageops;
use pictures::pdq;
use sandbox::{Web, demo_picture};

const COPIES: [&str; 4] = [
    "demo_half",
    "demo_mirrored",
    "demo_recompressed",
    "demo_rotated",
];
const STRANGERS: [&str; 8] = [
    "balloons",
    "dunes",
    "forest",
    "fruit",
    "mountains",
    "night_city",
    "stairs",
    "tiles",
];

fn fingerprint(bytes: &[u8]) -> pdq::Fingerprint {
    pdq::fingerprint(&pictures::decode(bytes).unwrap()).unwrap()
}

#[test]
fn the_corpus_is_small_and_far_from_every_border() {
    let demo = fingerprint(demo_picture());
    let mut bytes = demo_picture().len();
    for name in COPIES {
        let copy = picture(&format!("{name}.jpg"));
        bytes += copy.len();
        let distance = pdq::nearest(&demo, &fingerprint(&copy).hash);
        println!("{name}: distance {distance}");
        assert!(distance <= 16, "{name}: {distance}");
    }
    for name in STRANGERS {
        let stranger = picture(&format!("{name}.jpg"));
        bytes += stranger.len();
        let print = fingerprint(&stranger);
        let distance = pdq::nearest(&demo, &print.hash);
        println!("{name}: distance {distance}, quality {}", print.quality);
        assert!(print.quality >= 80 && distance >= 80, "{name}: {distance}");
        for other in STRANGERS.iter().filter(|other| **other != name) {
            let other = fingerprint(&picture(&format!("{other}.jpg")));
            assert!(pdq::nearest(&other, &print.hash) >= 60, "{name}");
        }
    }
    println!("demo: quality {}; {bytes} bytes in all", demo.quality);
    assert!(demo.quality >= 80 && bytes <= 600_000);
}

#[tokio::test]
async fn her_picture_is_found_on_every_page_where_an_altered_copy_stands() {
    let web = Served::start().await;
    let body = web.find(demo_picture(), "").await;
    let mut found = pages(&body);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "https://albums.example/12/7",
            "https://forum.example.org/threads/holiday?page=3",
            "https://gallery.example/profiles/4711",
            "https://postcards.test/offers/lake-evening",
            "https://thumbs.test/p/90210",
        ]
    );
    assert_eq!(matches(&body).len(), 4, "two pages share one picture");
    let scores: Vec<f64> = matches(&body)
        .iter()
        .map(|one| one["score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.is_sorted_by(|one, next| one >= next) && scores[3] > 80.0,
        "{scores:?}"
    );
}

#[tokio::test]
async fn an_altered_upload_is_found_and_a_strangers_is_not() {
    let web = Served::start().await;
    let demo = image::load_from_memory(demo_picture()).unwrap();
    let turned = demo
        .rotate180()
        .resize_exact(900, 700, imageops::FilterType::Triangle)
        .grayscale();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 60)
        .encode_image(&turned)
        .unwrap();
    assert_eq!(matches(&web.find(&jpeg, "").await).len(), 4);

    let stranger = image::RgbImage::from_fn(320, 240, |x, y| {
        let waves = (x * x / 37 + y * y / 53) % 256;
        image::Rgb([waves as u8, (x % 256) as u8, (y % 256) as u8])
    });
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90)
        .encode_image(&stranger)
        .unwrap();
    let body = web.find(&jpeg, "").await;
    assert_eq!(
        (body["code"].as_u64(), matches(&body).len()),
        (Some(200), 0)
    );
    assert_eq!(body["stats"]["total_results"], 0);
}

#[tokio::test]
async fn offsets_limits_and_order_cut_the_same_list() {
    let web = Served::start().await;
    let all = web.find(demo_picture(), "limit=0").await;
    for offset in 0..4 {
        let part = web
            .find(demo_picture(), &format!("offset={offset}&limit=1"))
            .await;
        assert_eq!(
            matches(&part)[0]["image_url"],
            matches(&all)[offset]["image_url"]
        );
        assert_eq!(part["stats"]["total_filtered_results"], 4);
    }
    assert!(matches(&web.find(demo_picture(), "offset=4").await).is_empty());
    let rising = web.find(demo_picture(), "sort=size&order=asc").await;
    let sizes: Vec<u64> = matches(&rising)
        .iter()
        .map(|one| one["size"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted() && sizes[0] == 320 * 240, "{sizes:?}");
    let newest = web.find(demo_picture(), "sort=crawl_date").await;
    assert_eq!(
        pages(&newest)[0],
        "https://postcards.test/offers/lake-evening"
    );
    let one = web.find(demo_picture(), "backlink_limit=1").await;
    assert_eq!(
        (pages(&one).len(), one["stats"]["total_backlinks"].as_u64()),
        (4, Some(5))
    );
}

#[tokio::test]
async fn domains_and_tags_filter_and_the_totals_say_so() {
    let web = Served::start().await;
    let body = web.find(demo_picture(), "domain=example.org").await;
    assert_eq!(
        pages(&body),
        ["https://forum.example.org/threads/holiday?page=3"]
    );
    assert_eq!(body["stats"]["total_results"], 4);
    assert_eq!(body["stats"]["total_filtered_results"], 1);
    assert!(matches(&web.find(demo_picture(), "tags=stock").await).is_empty());
    let tiles = web
        .find(&picture("tiles.jpg"), "tags=collection,stock")
        .await;
    assert_eq!(
        matches(&tiles)[0]["tags"],
        serde_json::json!(["collection"])
    );
    assert_eq!(matches(&tiles)[0]["score"], 100.0);
    assert_eq!(tiles["stats"]["total_collection"], 1);
}

#[tokio::test]
async fn a_running_sandbox_sees_a_page_that_was_just_added() {
    let web = Served::start().await;
    let hers = image::RgbImage::from_fn(400, 300, |x, y| {
        let rings = ((x * x + y * y * 2) / 900) % 2 * 200;
        image::Rgb([rings as u8, (x / 2) as u8, (y / 2) as u8])
    });
    let file = web.folder.path().join("hers.png");
    hers.save(&file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert!(matches(&web.find(&bytes, "").await).is_empty());
    let page = "https://new.example/a?b=c";
    Web::add(&web.web(), page, &file).unwrap();
    Web::add(&web.web(), page, &file).unwrap();
    Web::add(&web.web(), "http://other.test/", &file).unwrap();
    let body = web.find(&bytes, "").await;
    assert_eq!(pages(&body), [page, "http://other.test/"]);
    let count = answer(web.get("/image_count/")).await.1;
    assert_eq!(count["results"], 13);
}

#[test]
fn what_could_never_be_found_cannot_be_added_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let web = folder.path().join("web");
    let (plain, text) = (
        folder.path().join("plain.png"),
        folder.path().join("text.jpg"),
    );
    image::RgbImage::from_pixel(300, 300, image::Rgb([9, 9, 9]))
        .save(&plain)
        .unwrap();
    std::fs::write(&text, "no picture").unwrap();
    for wrong in [&plain, &text, &folder.path().join("missing.jpg")] {
        assert!(
            Web::add(&web, "https://a.test/", wrong).is_err(),
            "{}",
            wrong.display()
        );
    }
    assert!(Web::add(&web, "file:///etc/passwd", &plain).is_err());
    assert!(!web.exists());
}

#[test]
fn pages_added_at_the_same_time_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (web, file) = (folder.path().join("web"), folder.path().join("demo.jpg"));
    std::fs::write(&file, demo_picture()).unwrap();
    std::thread::scope(|threads| {
        for n in 0..8 {
            let (web, file) = (&web, &file);
            threads.spawn(move || Web::add(web, &format!("https://a.test/{n}"), file).unwrap());
        }
    });
    let list = std::fs::read_to_string(web.join("pages.json")).unwrap();
    assert_eq!(list.matches("https://a.test/").count(), 8);
}
