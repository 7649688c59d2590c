//! The sandbox speaks as TinEye does: paths, keys, bodies, refusals.

use std::time::{Duration, Instant};

use crate::served::{Served, answer, form, matches, picture, send};
use sandbox::demo_picture;

#[tokio::test]
async fn a_search_has_every_field_of_the_fact_sheet_and_no_other() {
    let web = Served::start().await;
    let body = web.find(&picture("tiles.jpg"), "").await;
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&body), ["code", "messages", "results", "stats"]);
    assert_eq!(
        names(&body["stats"]),
        [
            "query_time",
            "timestamp",
            "total_backlinks",
            "total_collection",
            "total_filtered_results",
            "total_results",
            "total_stock",
        ]
    );
    let one = &matches(&body)[0];
    assert_eq!(
        names(one),
        [
            "backlinks",
            "domain",
            "filesize",
            "format",
            "height",
            "image_url",
            "overlay",
            "query_match_percent",
            "score",
            "size",
            "tags",
            "width",
        ]
    );
    assert_eq!(
        (&one["format"], &one["width"], &one["domain"]),
        (&"JPEG".into(), &440.into(), &"museum.example".into())
    );
    let backlink = &one["backlinks"][0];
    assert_eq!(names(backlink), ["backlink", "crawl_date", "url"]);
    assert_eq!(backlink["crawl_date"], "2026-06-20");
}

#[tokio::test]
async fn parameters_in_the_form_count_like_those_in_the_query() {
    // The published Python client sends them after the file.
    let web = Served::start().await;
    let upload = web.post("order=desc").header("x-api-key", "sandbox");
    let form = form(demo_picture())
        .text("offset", "1")
        .text("limit", "2")
        .text("sort", "score");
    let (status, body) = answer(upload.multipart(form)).await;
    assert_eq!((status, matches(&body).len()), (200, 2));
    let bad = web
        .upload(demo_picture(), "limit=x")
        .header("x-api-key", "sandbox");
    assert_eq!(answer(bad).await.0, 400);
}

#[tokio::test]
async fn doubled_slashes_and_pretty_answers_are_understood() {
    let web = Served::start().await;
    assert_eq!(answer(web.get("//image_count/")).await.1["results"], 12);
    let pretty = send(web.get("/image_count/?pretty=true"))
        .await
        .text()
        .await
        .unwrap();
    assert!(pretty.contains("\n  \"code\": 200"));
    for (path, status) in [("/", 404), ("/other/", 404), ("/search/", 400)] {
        assert_eq!(answer(web.get(path)).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn the_quota_counts_down_and_names_its_end_twice() {
    let web = Served::start().await;
    web.find(demo_picture(), "").await;
    let (_, body) = answer(web.get("/remaining_searches/")).await;
    assert_eq!(body["results"]["total_remaining_searches"], 999_999);
    let bundle = &body["results"]["bundles"][0];
    assert_eq!(bundle["end_date"], bundle["expire_date"]);
    assert!(bundle["end_date"].as_str().unwrap().ends_with(" UTC"));
}

#[tokio::test]
async fn only_pictures_of_the_corpus_are_searched_by_address() {
    let web = Served::start().await;
    let body = web.find(demo_picture(), "limit=1").await;
    let address = matches(&body)[0]["backlinks"][0]["url"].as_str().unwrap();
    let (status, found) = answer(web.get("/search/").query_pairs("image_url", address)).await;
    assert_eq!((status, matches(&found).len()), (200, 4));
    for outside in [
        "http://127.0.0.1:9/x.jpg",
        "file:///etc/passwd",
        "https://gallery.example/",
    ] {
        assert_eq!(
            answer(web.get("/search/").query_pairs("image_url", outside))
                .await
                .0,
            400
        );
    }
}

trait QueryPairs {
    fn query_pairs(self, name: &str, text: &str) -> Self;
}

impl QueryPairs for reqwest::RequestBuilder {
    fn query_pairs(self, name: &str, text: &str) -> Self {
        let (client, request) = self.build_split();
        let mut request = request.unwrap();
        request.url_mut().query_pairs_mut().append_pair(name, text);
        Self::from_parts(client, request)
    }
}

#[tokio::test]
async fn what_is_no_usable_picture_is_refused_with_400() {
    let web = Served::start().await;
    let mut plain = std::io::Cursor::new(Vec::new());
    let grey = image::RgbImage::from_pixel(300, 300, image::Rgb([120, 120, 120]));
    grey.write_to(&mut plain, image::ImageFormat::Png).unwrap();
    for wrong in [
        &b""[..],
        b"no picture",
        b"\xFF\xD8\xFF\xE0",
        plain.get_ref(),
    ] {
        let upload = web.upload(wrong, "").header("x-api-key", "sandbox");
        let (status, body) = answer(upload).await;
        assert_eq!((status, body["code"].as_u64()), (400, Some(400)));
        assert!(body["messages"][0].is_string());
    }
}

#[tokio::test]
async fn every_key_does_what_its_row_says() {
    let web = Served::start().await;
    for (key, expected) in [("bad", 401), ("", 401), ("broke", 402), ("busy", 429)] {
        let (status, body) = answer(web.upload(demo_picture(), "").header("x-api-key", key)).await;
        assert_eq!(
            (status, body["code"].as_u64()),
            (expected, Some(expected.into())),
            "{key}"
        );
    }
    assert_eq!(answer(web.upload(demo_picture(), "")).await.0, 401);
    let signed = web
        .upload(demo_picture(), "api_key=x&api_sig=y")
        .header("x-api-key", "sandbox");
    assert_eq!(answer(signed).await.0, 401);
    for (key, expected) in [("html", 502), ("html:200", 200)] {
        let response = send(web.upload(demo_picture(), "").header("x-api-key", key)).await;
        assert_eq!(response.status(), expected);
        assert!(
            response
                .text()
                .await
                .unwrap()
                .starts_with("<!DOCTYPE html>")
        );
    }
    let cut = send(web.upload(demo_picture(), "").header("x-api-key", "cut")).await;
    assert!(
        cut.json::<serde_json::Value>()
            .await
            .unwrap_err()
            .is_decode()
    );
    let huge = send(web.upload(demo_picture(), "").header("x-api-key", "huge")).await;
    assert!(huge.content_length().is_none() && huge.bytes().await.unwrap().len() > 8 << 20);
    let down = web
        .upload(demo_picture(), "")
        .header("x-api-key", "down")
        .send()
        .await;
    assert!(down.is_err() || down.unwrap().bytes().await.is_err());
}

#[tokio::test]
async fn the_slow_key_answers_late_and_the_flaky_one_every_other_time() {
    let web = Served::start().await;
    let begun = Instant::now();
    let slow = web
        .upload(demo_picture(), "")
        .header("x-api-key", "slow:300");
    assert_eq!(answer(slow).await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    for expected in [503, 200, 503, 200] {
        let flaky = web.upload(demo_picture(), "").header("x-api-key", "flaky");
        assert_eq!(answer(flaky).await.0, expected);
    }
}
