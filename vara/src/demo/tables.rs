//! What came out, as tables a person likes to read.

use super::{list, text};
use crate::say;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

fn table(title: &str, header: &[&str]) -> Table {
    say::line(format!("\n{title}"));
    let mut table = Table::new();
    table
        .load_preset(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

fn percent(share: &Value) -> String {
    format!("{:.0} %", share.as_f64().unwrap_or_default() * 100.0)
}

/// What was searched, what was not, and what that means: never "clear" when an engine did not answer (GEN-3).
pub fn coverage(scan: &Value) {
    let result = &scan["result"];
    let engines: Vec<&str> = list(&result["engines"]).iter().map(text).collect();
    let searched = if engines.is_empty() {
        "no engine".to_owned()
    } else {
        engines.join(", ")
    };
    let (reached, all) = (&result["imagesSearched"], &result["imagesScanned"]);
    say::line(format!(
        "\nSearched: {searched}, for {reached} of {all} picture(s)."
    ));
    for warning in list(&result["warnings"]) {
        say::line(match text(warning).strip_prefix("PROVIDER_FAILED:") {
            Some(engine) => format!(
                "Not searched: {engine} did not search for all of it, so this says nothing about what it knows."
            ),
            None => format!("Please note: {}", text(warning)),
        });
    }
    if scan["status"] == "FAILED" {
        say::line(text(&scan["errorMessage"]));
    } else if reached != all {
        say::line("Not every picture could be searched for, so this is not the whole answer.");
    } else if result["matchesFound"] == 0 && result["matchesSeenAgain"] == 0 {
        say::line(
            "Nothing was found there. New pages appear every day; we can look again any time.",
        );
    }
}

/// Pages on which the picture was found.
pub fn findings(findings: &Value) {
    let mut table = table(
        "Findings",
        &["page", "likeness", "kind", "sure", "found at"],
    );
    for finding in list(findings) {
        table.add_row([
            text(&finding["sourceUrl"]).to_owned(),
            percent(&finding["similarity"]),
            text(&finding["matchType"]).to_owned(),
            text(&finding["confidence"]).to_owned(),
            text(&finding["detectedAt"]).to_owned(),
        ]);
    }
    say::line(table.to_string());
}

/// What she is told.
pub fn alerts(alerts: &Value) {
    let mut table = table(
        "Alerts",
        &["title", "severity", "status", "page", "raised at"],
    );
    for alert in list(alerts) {
        table.add_row([
            text(&alert["title"]),
            text(&alert["severity"]),
            text(&alert["status"]),
            text(&alert["metadata"]["sourceUrl"]),
            text(&alert["createdAt"]),
        ]);
    }
    say::line(table.to_string());
}

/// What she can do.
pub fn plan(plan: &Value) {
    let mut table = table(
        "Plan",
        &["", "what", "category", "status", "until", "because"],
    );
    for item in list(&plan["items"]) {
        table.add_row([
            item["priority"].to_string(),
            text(&item["title"]).to_owned(),
            text(&item["category"]).to_owned(),
            text(&item["status"]).to_owned(),
            text(&item["dueDate"]).to_owned(),
            text(&item["because"]["cause"]).to_owned(),
        ]);
    }
    say::line(table.to_string());
}

/// The recorded events behind each alert and item.
pub fn trails(trails: &[(String, Value)]) {
    let header = ["what", "position", "event", "recorded at", "by"];
    let mut table = table("How we got there", &header);
    for (title, steps) in trails {
        for (at, step) in list(steps).iter().enumerate() {
            table.add_row([
                if at == 0 {
                    title.clone()
                } else {
                    String::new()
                },
                step["position"].to_string(),
                text(&step["event"]).to_owned(),
                text(&step["recordedAt"]).to_owned(),
                actor(text(&step["actor"])),
            ]);
        }
    }
    say::line(table.to_string());
}

/// `user:<id>` says no more than "the member" here.
fn actor(actor: &str) -> String {
    match actor.strip_prefix("user:") {
        Some(_) => "the member".to_owned(),
        None => actor.to_owned(),
    }
}
