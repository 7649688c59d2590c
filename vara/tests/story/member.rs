//! A member at the other end of the wire: signs up, uploads, scans, looks.

use reqwest::blocking::multipart::{Form, Part};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub struct Member {
    http: Client,
    base: String,
    pub email: String,
    pub password: String,
    pub token: String,
    pub refresh_token: String,
}

/// An answer: its status and its JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub fn data(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body["data"].clone()
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

pub fn client() -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(90))
        .build()
        .unwrap()
}

pub fn sent(request: RequestBuilder) -> Answer {
    answer(request.send().unwrap())
}

fn answer(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer {
        status,
        body,
        headers,
    }
}

/// A fresh id for names that must not meet.
#[expect(clippy::disallowed_methods, reason = "a test may draw lots")]
pub fn fresh() -> String {
    Uuid::new_v4().simple().to_string()
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

impl Member {
    /// Signs up and in.
    pub fn joins(api: &str) -> Self {
        let (email, password) = (
            format!("m{}@example.test", fresh()),
            "Quiet-Harbour-7".to_owned(),
        );
        let (http, base) = (client(), format!("{api}/api/v1"));
        let ask = json!({ "email": email, "password": password, "confirmPassword": password });
        let signed_up = sent(http.post(format!("{base}/auth/signup")).json(&ask));
        assert_eq!(signed_up.status, 201, "{signed_up:?}");
        let mut member = Self {
            http,
            base,
            email,
            password,
            token: String::new(),
            refresh_token: String::new(),
        };
        member.signs_in();
        member
    }

    pub fn signs_in(&mut self) {
        let ask = json!({ "email": self.email, "password": self.password });
        let session = self.post("/auth/login", &ask).data();
        self.token = session["accessToken"].as_str().unwrap().to_owned();
        self.refresh_token = session["refreshToken"].as_str().unwrap().to_owned();
    }

    /// The same member, after her Vara came back at another address.
    pub fn moves_to(&mut self, api: &str) {
        self.base = format!("{api}/api/v1");
    }

    pub fn get(&self, path: &str) -> Answer {
        sent(self.http.get(self.url(path)).bearer_auth(&self.token))
    }

    /// With headers of her own.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.get(self.url(path)).bearer_auth(&self.token);
        sent(with(request, headers))
    }

    /// With headers of her own.
    pub fn put_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self
            .http
            .put(self.url(path))
            .json(body)
            .bearer_auth(&self.token);
        sent(with(request, headers))
    }

    /// With headers of her own.
    pub fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.post(self.url(path)).json(body);
        sent(with(request.bearer_auth(&self.token), headers))
    }

    pub fn delete(&self, path: &str) -> Answer {
        sent(self.http.delete(self.url(path)).bearer_auth(&self.token))
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.post(self.url(path)).json(body);
        sent(request.bearer_auth(&self.token))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.put(self.url(path)).json(body);
        sent(request.bearer_auth(&self.token))
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn http(&self) -> &Client {
        &self.http
    }

    /// Sends a file under a declared type.
    pub fn sends(&self, bytes: &[u8], declared: &str) -> Answer {
        self.sends_with(bytes, declared, &[])
    }

    /// Sends a picture under a key of its own.
    pub fn sends_under(&self, key: &str, bytes: &[u8]) -> Answer {
        let kind = pictures::Format::of(bytes).unwrap().media_type();
        self.sends_under_as(key, bytes, kind)
    }

    /// Sends a file under a key of its own and a declared type.
    pub fn sends_under_as(&self, key: &str, bytes: &[u8], declared: &str) -> Answer {
        self.sends_with(bytes, declared, &[("Idempotency-Key", key)])
    }

    fn sends_with(&self, bytes: &[u8], declared: &str, headers: &[(&str, &str)]) -> Answer {
        let part = Part::bytes(bytes.to_vec())
            .file_name("p")
            .mime_str(declared)
            .unwrap();
        let form = Form::new().part("file", part);
        let request = self.http.post(self.url("/images/upload")).multipart(form);
        sent(with(request.bearer_auth(&self.token), headers))
    }

    /// Uploads a picture; its id.
    pub fn uploads(&self, bytes: &[u8]) -> String {
        let kind = pictures::Format::of(bytes).unwrap().media_type();
        let taken = self.sends(bytes, kind);
        assert_eq!(taken.status, 201, "{taken:?}");
        taken.body["data"]["id"].as_str().unwrap().to_owned()
    }

    /// Starts a scan of all her pictures; its id.
    pub fn starts_a_scan(&self) -> String {
        let accepted = self.post("/scans/trigger", &json!({ "type": "IMAGE_SCAN" }));
        assert_eq!(accepted.status, 202, "{accepted:?}");
        accepted.body["data"]["id"].as_str().unwrap().to_owned()
    }

    /// The scan once it is over.
    pub fn waits_for(&self, scan: &str, longest: Duration) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.get(&format!("/scans/{scan}"));
            if seen.status == 200 && !seen.body["data"]["completedAt"].is_null() {
                return seen.data();
            }
            assert!(begun.elapsed() < longest, "the scan hangs: {seen:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Her alerts, once there are so many.
    pub fn is_told(&self, alerts: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let told = self.get("/alerts?limit=100").data();
            let told = told.as_array().unwrap().clone();
            if told.len() >= alerts {
                return told;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "{} of {alerts} alerts",
                told.len()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Items of her plan that follow from an alert, once there are so many.
    pub fn has_to_do(&self, items: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let plan = self.get("/protection-plan").data();
            let all = plan["items"].as_array().unwrap().clone().into_iter();
            let hers: Vec<_> = all
                .filter(|item| item["because"]["cause"] == "ALERT")
                .collect();
            if hers.len() >= items {
                return hers;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "{} of {items} items",
                hers.len()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
