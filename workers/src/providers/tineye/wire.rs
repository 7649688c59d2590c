//! TinEye's own words, read leniently where the rules say so and strictly where silence would mislead.

use crate::providers::{COPIES_MAX, CopiesFound, FoundCopy};
use domain::Share;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

/// Why an answer under status 200 holds no findings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoFindings {
    /// Its own code says otherwise than its status.
    Code(u16),
    /// It is no answer; the text says what is wrong with it without repeating it.
    Malformed(String),
}

#[derive(Deserialize)]
struct Answer {
    code: Option<u16>,
    stats: Option<Stats>,
    results: Option<Results>,
}

/// `timestamp` and `query_time` come as numbers or strings and are not read at all.
#[derive(Deserialize, Default)]
struct Stats {
    total_results: Option<u64>,
    total_filtered_results: Option<u64>,
    total_backlinks: Option<u64>,
}

#[derive(Deserialize, Default)]
struct Results {
    /// Read one by one: a broken one is left out alone.
    matches: Option<Vec<Value>>,
}

/// `overlay` holds her own picture and `image_url` is the engine's copy: neither is even read (MAT-9).
#[derive(Deserialize)]
struct Match {
    score: f64,
    query_match_percent: Option<f64>,
    tags: Option<Vec<String>>,
    backlinks: Option<Vec<Backlink>>,
}

#[derive(Deserialize, Default)]
struct Backlink {
    /// The picture.
    url: Option<String>,
    /// The page.
    backlink: Option<String>,
}

/// A match whose numbers are numbers.
struct Sound {
    score: Share,
    query_share: Option<Share>,
    stock: bool,
    backlinks: Vec<Backlink>,
}

/// Reads the body of an answer with status 200 (MAT-11).
///
/// A body without `code` is no answer: taking `{}` for "no matches" would tell her that nothing
/// was found when nothing was searched.
pub(super) fn read(body: &[u8]) -> Result<CopiesFound, NoFindings> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        // The error's own text may quote the body.
        NoFindings::Malformed(format!("no JSON as agreed: {:?}", error.classify()))
    })?;
    match answer.code {
        Some(200) => {}
        Some(code) => return Err(NoFindings::Code(code)),
        None => return Err(NoFindings::Malformed("no code in the answer".to_owned())),
    }
    let matches = answer
        .results
        .unwrap_or_default()
        .matches
        .unwrap_or_default();
    findings(matches, &answer.stats.unwrap_or_default())
}

fn findings(matches: Vec<Value>, stats: &Stats) -> Result<CopiesFound, NoFindings> {
    let reported = matches.len();
    let mut sound: Vec<Sound> = matches.into_iter().filter_map(sound).collect();
    let left_out = reported - sound.len();
    if left_out > 0 {
        tracing::warn!(
            left_out,
            "matches of TinEye that make no sense were left out"
        );
    }
    if sound.is_empty() && reported > 0 {
        // It found something, and we cannot say what: that is not "nothing".
        return Err(NoFindings::Malformed("no match can be read".to_owned()));
    }
    // Asked for in this order, but the first COPIES_MAX must be the strongest in any case (PIP-7).
    sound.sort_by_key(|one| std::cmp::Reverse(one.score));
    let pages: usize = sound.iter().map(|one| one.backlinks.len()).sum();
    let total = stats.total_filtered_results.or(stats.total_results);
    let mut copies = copies(sound);
    let truncated = copies.len() > COPIES_MAX
        || total.unwrap_or(0) > reported as u64
        || stats.total_backlinks.unwrap_or(0) > pages as u64;
    copies.truncate(COPIES_MAX);
    Ok(CopiesFound {
        copies,
        truncated,
        left_out,
    })
}

/// One finding per page. MAT-11 takes the first backlink alone; we go further, because every page
/// on which her picture stands matters to her. A page that several matches name counts once, with
/// the strongest; a match without any page stays as one finding without an address, to be counted.
fn copies(matches: Vec<Sound>) -> Vec<FoundCopy> {
    let mut named = HashSet::new();
    let mut copies = Vec::new();
    for mut one in matches {
        if one.backlinks.is_empty() {
            one.backlinks.push(Backlink::default());
        }
        for backlink in one.backlinks {
            let page = backlink.backlink.unwrap_or_default();
            if page.is_empty() || named.insert(page.clone()) {
                copies.push(FoundCopy {
                    score: one.score,
                    query_share: one.query_share,
                    page,
                    picture: backlink.url.filter(|url| !url.is_empty()),
                    stock: one.stock,
                });
            }
        }
    }
    copies
}

fn sound(value: Value) -> Option<Sound> {
    let one: Match = serde_json::from_value(value).ok()?;
    let query_share = match one.query_match_percent {
        Some(percent) => Some(Share::try_from_score(percent).ok()?),
        None => None,
    };
    Some(Sound {
        score: Share::try_from_score(one.score).ok()?,
        query_share,
        stock: one
            .tags
            .is_some_and(|tags| tags.iter().any(|tag| tag == "stock")),
        backlinks: one.backlinks.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(matches: Value) -> CopiesFound {
        read(
            &json!({"code": 200, "results": {"matches": matches}})
                .to_string()
                .into_bytes(),
        )
        .unwrap()
    }

    fn backlink(page: &str) -> Value {
        json!({"url": "https://cdn.example/a.jpg", "backlink": page, "crawl_date": "2026-10-02"})
    }

    #[test]
    fn the_answer_of_the_fact_sheet_is_understood() {
        // shared fact sheet of TinEye, "200 body of search"; MAT-11
        let body = br#"{"code":200,"messages":[],
          "stats":{"timestamp":1795402033.41,"query_time":"0.38","total_results":2,
                   "total_filtered_results":2,"total_backlinks":3,"total_stock":0,"total_collection":1},
          "results":{"matches":[{
            "image_url":"https://img.tineye.com/result/0f0e-0","domain":"gallery.example.test",
            "score":71.3,"query_match_percent":88.9,"width":640,"height":480,"size":307200,
            "format":"JPEG","filesize":51234,"overlay":"overlay/0f0e/9a9b","tags":["collection"],
            "backlinks":[{"url":"https://cdn.example.test/a.jpg",
                          "backlink":"https://gallery.example.test/p/17","crawl_date":"2026-10-02"}]}]}}"#;
        let found = read(body).unwrap();
        assert_eq!(
            found.copies,
            [FoundCopy {
                score: Share::try_from(7130).unwrap(),
                query_share: Some(Share::try_from(8890).unwrap()),
                page: "https://gallery.example.test/p/17".to_owned(),
                picture: Some("https://cdn.example.test/a.jpg".to_owned()),
                stock: false,
            }]
        );
        assert!(
            found.truncated,
            "it says that it knows two matches and shows one"
        );
        assert!(!format!("{found:?}").contains("overlay"));
    }

    #[test]
    fn every_page_of_a_match_is_a_finding_and_none_is_one_twice() {
        let found = answer(json!([
            {"score": 40.0, "backlinks": [backlink("https://b.test/"), backlink("https://c.test/")]},
            {"score": 90.0, "tags": ["stock", "new"], "backlinks": [backlink("https://a.test/"), backlink("https://b.test/")]},
        ]));
        let seen: Vec<_> = found
            .copies
            .iter()
            .map(|c| (c.page.as_str(), c.score.as_percent(), c.stock))
            .collect();
        assert_eq!(
            seen,
            [
                ("https://a.test/", 90, true),
                ("https://b.test/", 90, true),
                ("https://c.test/", 40, false)
            ]
        );
        assert!(!found.truncated);
    }

    #[test]
    fn a_match_without_a_page_is_passed_on_to_be_counted() {
        // PIP-11: the caller counts BAD_URL
        let found = answer(json!([{"score": 50}, {"score": 40, "backlinks": [{"url": ""}]}]));
        let pages: Vec<_> = found
            .copies
            .iter()
            .map(|c| (c.page.as_str(), c.picture.as_deref()))
            .collect();
        assert_eq!(pages, [("", None), ("", None)]);
    }

    #[test]
    fn a_broken_match_is_left_out_alone() {
        // PIP-11
        let page = [backlink("https://a.test/")];
        let found = answer(json!([
            {"score": 101.0, "backlinks": page}, {"score": -1, "backlinks": page},
            {"score": 50, "query_match_percent": 100.5, "backlinks": page},
            {"score": 50, "query_match_percent": "most", "backlinks": page},
            {"backlinks": page}, "no match", null,
            {"score": 22.4, "query_match_percent": null, "backlinks": page},
        ]));
        assert_eq!((found.copies.len(), found.left_out), (1, 7));
        assert_eq!(found.copies[0].query_share, None);
    }

    #[test]
    fn matches_of_which_none_can_be_read_are_no_empty_answer() {
        // GEN-3: an engine that begins to write its numbers as texts must not look as if it found nothing
        let texts = json!([{"score": "97.1", "backlinks": [backlink("https://a.test/")]}]);
        let body = json!({"code": 200, "results": {"matches": texts}}).to_string();
        assert!(matches!(
            read(body.as_bytes()),
            Err(NoFindings::Malformed(_))
        ));
    }

    #[test]
    fn at_most_fifty_findings_are_taken_the_strongest_first() {
        // PIP-7
        let many: Vec<Value> = (0..60)
            .map(|n| json!({"score": n, "backlinks": [backlink(&format!("https://a.test/{n}"))]}))
            .collect();
        let found = answer(json!(many));
        assert_eq!((found.copies.len(), found.truncated), (COPIES_MAX, true));
        assert_eq!(found.copies[0].page, "https://a.test/59");
    }

    #[test]
    fn missing_matches_are_no_matches_but_a_missing_code_is_no_answer() {
        // MAT-11
        for empty in [
            &br#"{"code":200}"#[..],
            br#"{"code":200,"results":null}"#,
            br#"{"code":200,"results":{}}"#,
        ] {
            assert!(read(empty).unwrap().copies.is_empty());
        }
        for broken in [
            &b"{}"[..],
            b"<html>",
            b"",
            br#"{"code":200,"results":{"matches":["#,
            b"[]",
            br#"{"code":200,"results":7}"#,
        ] {
            assert!(matches!(read(broken), Err(NoFindings::Malformed(_))));
        }
        assert_eq!(
            read(br#"{"code":402,"messages":["x"]}"#),
            Err(NoFindings::Code(402))
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_a_word_of_the_body() {
        let wrong = read(br#"{"code":"secret-of-hers"}"#).unwrap_err();
        assert!(!format!("{wrong:?}").contains("secret"));
    }
}
