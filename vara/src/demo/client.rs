//! A small client of the API: unwraps the envelope, and says what the API said when it did not go well.

use anyhow::Context;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::time::Duration;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    pub fn new(api: &str) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: format!("{api}/api/v1"),
            token: None,
        })
    }

    pub fn with_token(self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self
        }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.data(self.http.get(self.url(path)).timeout(PATIENCE))
            .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(self.url(path)).json(body);
        self.data(request.timeout(PATIENCE)).await
    }

    /// Sends a picture as what it is.
    pub async fn upload(&self, picture: Vec<u8>) -> anyhow::Result<Value> {
        let kind = pictures::Format::of(&picture).map(pictures::Format::media_type);
        let kind = kind.context("this file is not a JPEG, PNG or WebP picture")?;
        let part = Part::bytes(picture).file_name("picture").mime_str(kind)?;
        let request = self.http.post(self.url("/images/upload"));
        let request = request.multipart(Form::new().part("file", part));
        self.data(request.timeout(PATIENCE)).await
    }

    /// An answer that goes on for a while.
    pub async fn stream(&self, path: &str) -> anyhow::Result<Response> {
        checked(self.signed(self.http.get(self.url(path))).send().await?).await
    }

    async fn data(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let sent = self.signed(request).send().await;
        let answer = checked(sent.context("the API does not answer")?).await?;
        let mut envelope: Value = answer.json().await?;
        Ok(envelope["data"].take())
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

async fn checked(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let envelope: Value = answer.json().await.unwrap_or_default();
    let (code, message) = (&envelope["error"]["code"], &envelope["error"]["message"]);
    anyhow::bail!(
        "the API answered {status} {}: {}",
        code.as_str().unwrap_or("without a code"),
        message.as_str().unwrap_or_default()
    )
}
