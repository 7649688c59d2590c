//! The bodies of answers, field for field as TinEye writes them.

use chrono::{DateTime, Months, Utc};
use pictures::Format;
use serde_json::{Value, json};

use crate::edge;
use crate::pages::Page;
use crate::search::{Found, Match};

/// The body of a search that succeeded.
pub(crate) fn found(found: &Found, seconds: f64) -> Value {
    let mut stats = stats(seconds);
    stats["total_results"] = json!(found.total);
    stats["total_filtered_results"] = json!(found.filtered);
    stats["total_backlinks"] = json!(found.backlinks);
    stats["total_stock"] = json!(found.stock);
    stats["total_collection"] = json!(found.collection);
    let matches: Vec<Value> = found.matches.iter().map(one_match).collect();
    body(stats, json!({ "matches": matches }))
}

/// The body of a question for the searches that are left.
pub(crate) fn searches_left(left: u64, bought: DateTime<Utc>) -> Value {
    let end = bought.checked_add_months(Months::new(24)).unwrap_or(bought);
    // TinEye's own document says `end_date`, its Python client insists on `expire_date`.
    let bundle = json!({
        "remaining_searches": left,
        "start_date": day_and_time(bought),
        "expire_date": day_and_time(end),
        "end_date": day_and_time(end),
    });
    body(
        stats(0.0),
        json!({ "total_remaining_searches": left, "bundles": [bundle] }),
    )
}

/// The body of a question for the size of the index.
pub(crate) fn image_count(count: usize) -> Value {
    body(stats(0.0), json!(count))
}

/// The body of a refusal; its code is the status of the answer.
pub(crate) fn refusal(code: u16, message: &str) -> Value {
    json!({ "code": code, "messages": [message] })
}

fn body(stats: Value, results: Value) -> Value {
    json!({ "code": 200, "messages": [], "stats": stats, "results": results })
}

fn stats(seconds: f64) -> Value {
    let now = edge::now().timestamp_millis();
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this age fit a float"
    )]
    let timestamp = now as f64 / 1_000.0;
    json!({ "timestamp": timestamp, "query_time": (seconds * 1_000.0).round() / 1_000.0 })
}

fn one_match(one: &Match) -> Value {
    let seen = one.seen();
    let name = seen.file.get(..16).unwrap_or_default();
    let format = match seen.format {
        Format::Jpeg => "JPEG",
        Format::Png => "PNG",
        Format::Webp => "WEBP",
    };
    json!({
        "image_url": format!("https://img.tineye.example/result/{name}-0"),
        "domain": one.pages().first().map(|page| page.page.host()),
        "score": one.score(),
        "query_match_percent": one.query_match_percent(),
        "width": seen.width,
        "height": seen.height,
        "size": one.area(),
        "format": format,
        "filesize": seen.bytes,
        // TinEye's overlay shows the picture that was asked about. Nothing is kept here, so this leads nowhere.
        "overlay": format!("overlay/{name}/0"),
        "tags": one.tags(),
        "backlinks": one.pages().iter().map(backlink).collect::<Vec<_>>(),
    })
}

fn backlink(page: &Page) -> Value {
    json!({
        "url": page.picture_address(),
        "backlink": page.page.as_str(),
        "crawl_date": page.seen,
    })
}

fn day_and_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
