//! Watches a scan to its end over server-sent events, drawn as a progress bar.

use super::client::Client;
use super::text;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::time::Duration;

/// Time between two looks where the stream broke off.
const LOOK: Duration = Duration::from_millis(500);

/// The scan in its final state.
pub async fn to_the_end(client: &Client, scan: &str) -> anyhow::Result<Value> {
    let style = ProgressStyle::with_template("Searching  [{bar:40}] {pos:>3} %  {msg}")?;
    let bar = ProgressBar::new(100).with_style(style.progress_chars("=> "));
    loop {
        // A stream that breaks is opened again: a restart of the API is no end of the scan.
        if let Ok(stream) = client.stream(&format!("/scans/{scan}/events")).await {
            follow(stream, &bar).await;
        }
        let seen = client.get(&format!("/scans/{scan}")).await;
        if let Ok(seen) = seen
            && !seen["completedAt"].is_null()
        {
            bar.set_position(100);
            bar.finish();
            return Ok(seen);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Draws events until the stream ends.
async fn follow(mut stream: reqwest::Response, bar: &ProgressBar) {
    let mut pending = String::new();
    while let Ok(Some(chunk)) = stream.chunk().await {
        pending.push_str(&String::from_utf8_lossy(&chunk));
        while let Some(end) = pending.find('\n') {
            let line: String = pending.drain(..=end).collect();
            if let Some(event) = line.strip_prefix("data:")
                && let Ok(progress) = serde_json::from_str::<Value>(event)
            {
                draw(&progress, bar);
            }
        }
    }
}

fn draw(progress: &Value, bar: &ProgressBar) {
    bar.set_position(progress["progress"].as_u64().unwrap_or(0));
    let (state, found) = (text(&progress["status"]), &progress["matchesFound"]);
    bar.set_message(format!("{state}, {found} found"));
}
