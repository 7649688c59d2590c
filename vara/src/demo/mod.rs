//! `vara demo`: the whole story once, over HTTP as any client would tell it.

mod client;
mod tables;
mod watch;

use crate::cli;
use crate::running::Running;
use crate::say;
use crate::settings::Folder;
use anyhow::Context;
use client::Client;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// Longest wait for what follows from the last finding (FRS-3 promises two seconds).
const ALERTS_WITHIN: Duration = Duration::from_secs(5);

/// Tells the story; success only if an alert and a plan item came out of it.
pub async fn demo(ask: cli::Demo) -> anyhow::Result<ExitCode> {
    let api = address(&ask)?;
    let picture = match &ask.image {
        Some(path) => std::fs::read(path)
            .with_context(|| format!("the picture {} cannot be read", path.display()))?,
        None => sandbox::demo_picture().to_vec(),
    };
    say::line(format!("Using the Vara at {api}"));
    let client = sign_up(&api).await?;
    let image = upload(&client, picture).await?;
    let scan = client
        .post(
            "/scans/trigger",
            &json!({ "type": "IMAGE_SCAN", "targetId": image["id"] }),
        )
        .await?;
    let scan = watch::to_the_end(&client, text(&scan["id"])).await?;
    let findings = client
        .get(&format!("/scans/{}/matches?limit=100", text(&scan["id"])))
        .await?;
    let alerts = alerts(&client, &findings).await?;
    let plan = plan(&client, !list(&alerts).is_empty()).await?;
    report(&client, &scan, &findings, &alerts, &plan).await?;
    Ok(
        if list(&alerts).is_empty() || !follows_from_an_alert(&plan) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        },
    )
}

fn address(ask: &cli::Demo) -> anyhow::Result<String> {
    if let Some(api) = &ask.api {
        return Ok(api.trim_end_matches('/').to_owned());
    }
    let folder = Folder::of(&ask.data);
    let running = Running::read(&folder)?.with_context(|| {
        format!(
            "no Vara runs on {}: start one with `cargo run --release`, or name one with --api",
            folder.path().display()
        )
    })?;
    Ok(running.api)
}

/// A member of her own for each demonstration, under an address that belongs to nobody (RFC 2606).
async fn sign_up(api: &str) -> anyhow::Result<Client> {
    let nonce: String = std::iter::repeat_with(fastrand::lowercase)
        .take(12)
        .collect();
    let (email, password) = (
        format!("demo-{nonce}@example.test"),
        format!("Demo-{nonce}-1"),
    );
    let client = Client::new(api)?;
    let member = json!({ "email": email, "password": password, "confirmPassword": password });
    client.post("/auth/signup", &member).await?;
    let session = client.post("/auth/login", &member).await?;
    say::line(format!("Signed up and in as {email}"));
    Ok(client.with_token(text(&session["accessToken"])))
}

async fn upload(client: &Client, picture: Vec<u8>) -> anyhow::Result<Value> {
    let bytes = picture.len();
    let image = client.upload(picture).await?;
    say::line(format!(
        "Uploaded a picture of {} x {} pixels, {bytes} bytes; sealed and stored",
        image["width"], image["height"]
    ));
    if !image["nearCopyOf"].is_null() {
        say::line("It looks the same as an earlier picture of this library.");
    }
    Ok(image)
}

/// The alerts of this scan, once as many are there as its findings call for.
async fn alerts(client: &Client, findings: &Value) -> anyhow::Result<Value> {
    let told = |finding: &&Value| finding["status"] == "NEW";
    let expected = list(findings).iter().filter(told).count();
    let complete = |alerts: &Value| list(alerts).len() >= expected;
    once(client, "/alerts?limit=100", complete).await
}

/// The plan, once it holds what follows from the alerts if there are any.
async fn plan(client: &Client, told: bool) -> anyhow::Result<Value> {
    let complete = |plan: &Value| !told || follows_from_an_alert(plan);
    once(client, "/protection-plan", complete).await
}

/// What stands under a path, once it is complete, or as it is when the wait is over.
async fn once(
    client: &Client,
    path: &str,
    complete: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let deadline = tokio::time::Instant::now() + ALERTS_WITHIN;
    loop {
        let seen = client.get(path).await?;
        if complete(&seen) || tokio::time::Instant::now() > deadline {
            return Ok(seen);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn follows_from_an_alert(plan: &Value) -> bool {
    list(&plan["items"])
        .iter()
        .any(|item| item["because"]["cause"] == "ALERT")
}

async fn report(
    client: &Client,
    scan: &Value,
    findings: &Value,
    alerts: &Value,
    plan: &Value,
) -> anyhow::Result<()> {
    tables::coverage(scan);
    if list(findings).is_empty() {
        return Ok(());
    }
    tables::findings(findings);
    tables::alerts(alerts);
    tables::plan(plan);
    let mut trails = Vec::new();
    for alert in list(alerts) {
        let path = format!("/alerts/{}/trail", text(&alert["id"]));
        trails.push((text(&alert["title"]).to_owned(), client.get(&path).await?));
    }
    for item in list(&plan["items"]) {
        let path = format!("/protection-plan/items/{}/trail", text(&item["id"]));
        trails.push((text(&item["title"]).to_owned(), client.get(&path).await?));
    }
    tables::trails(&trails);
    Ok(())
}

/// The items of a JSON list; none where it is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A JSON text; empty where it is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
