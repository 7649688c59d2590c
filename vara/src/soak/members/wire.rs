//! Her side of the wire: one request, its answer counted and searched for what she must not see.

use super::super::checker::Broken;
use super::{Given, Heard};
use anyhow::{Context, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use uuid::Uuid;

/// Longest wait for one answer: longer than a process stands still (5 s) and a command is tried again (6 s).
const PATIENCE: Duration = Duration::from_secs(20);
const PASSWORD: &str = "Quiet-Harbour-7";

/// A status and a body.
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// It has a `Retry-After`.
    says_when: bool,
}

impl Answer {
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is the answer: not one that says who to be, or when to come again.
    pub fn is_final(&self) -> bool {
        let passes = matches!(self.status, 401 | 500..) || self.text.contains("CONCURRENT_CHANGE");
        self.is_done() || !passes
    }

    /// The id of what came into being.
    pub fn made(&self) -> Option<Uuid> {
        let data = self.is_done().then(|| self.data());
        data.and_then(|data| data["id"].as_str()?.parse().ok())
    }

    /// What the checker is told of it.
    pub fn given(&self) -> Given {
        let mut body = DefaultHasher::new();
        self.text.hash(&mut body);
        Given {
            status: self.status,
            body: body.finish(),
        }
    }

    /// What the envelope holds.
    pub fn data(&self) -> Value {
        let mut body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body["data"].take()
    }
}

/// A signed-in client.
pub struct Wire {
    http: Client,
    base: String,
    /// In her address, and in that of a page on which only her picture is found.
    pub marks: [String; 2],
    pub id: Uuid,
    token: String,
    /// Canaries of everybody else.
    others: Vec<String>,
    pub heard: Heard,
}

impl Wire {
    pub fn new(api: &str, marks: [String; 2]) -> anyhow::Result<Self> {
        Ok(Self {
            http: Client::builder().no_proxy().timeout(PATIENCE).build()?,
            base: format!("{api}/api/v1"),
            marks,
            id: Uuid::nil(),
            token: String::new(),
            others: Vec::new(),
            heard: Heard::default(),
        })
    }

    /// What nobody else may see.
    pub fn canaries(&self) -> [String; 3] {
        let [address, page] = self.marks.clone();
        [address, page, self.id.to_string()]
    }

    /// Remembers what she must not see: all canaries but her own.
    pub fn minds(&mut self, all: &HashSet<String>) {
        let hers = self.canaries();
        let others = all.iter().filter(|canary| !hers.contains(canary));
        self.others = others.cloned().collect();
    }

    /// Signs up, if she has not yet, and in.
    pub async fn joins(&mut self) -> anyhow::Result<()> {
        let email = format!("{}@example.test", self.marks[0]);
        let ask = json!({ "email": email, "password": PASSWORD, "confirmPassword": PASSWORD });
        let asked = self.ask(Method::POST, "/auth/signup").json(&ask).send();
        // One whose answer was lost is refused the second time.
        asked.await.context("signing up")?;
        self.signs_in().await
    }

    /// Opens a session.
    pub async fn signs_in(&mut self) -> anyhow::Result<()> {
        let email = format!("{}@example.test", self.marks[0]);
        let ask = json!({ "email": email, "password": PASSWORD });
        let asked = self.ask(Method::POST, "/auth/login").json(&ask).send();
        let answer = asked.await.context("signing in")?;
        let status = answer.status();
        ensure!(status.is_success(), "signing in answers {status}");
        let session = answer.json::<Value>().await?["data"].take();
        let token = session["accessToken"].as_str();
        let id = session["user"]["id"].as_str();
        self.token = token.context("a session without a token")?.to_owned();
        self.id = id.context("a member without an id")?.parse()?;
        Ok(())
    }

    /// A request that is not signed yet.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends it; nothing where no answer came. Every answer is searched for canaries of others, whatever its status.
    ///
    /// # Errors
    /// When an answer shows what it must not, or refuses with what neither a fault nor `excused` excuses.
    pub async fn send(
        &mut self,
        request: RequestBuilder,
        excused: &[u16],
    ) -> Result<Option<Answer>, Broken> {
        let Some(answer) = whole(request.bearer_auth(&self.token)).await else {
            self.count("none");
            return Ok(None);
        };
        let (me, status) = (self.id, answer.status);
        self.count(&status.to_string());
        if let Some(seen) = self.others.iter().find(|seen| answer.text.contains(*seen)) {
            let what = format!("{me} was shown {seen}, under status {status}");
            return Err(Broken::of("I12", what));
        }
        if self.marks.iter().any(|mark| answer.text.contains(mark)) {
            self.heard.own_seen += 1;
        }
        match status {
            // Her token ended, or the provider was away.
            401 => drop(self.signs_in().await),
            200..300 => {}
            // A server that is away, or late; she is told when to come again.
            502 | 503 if answer.says_when => {}
            status if excused.contains(&status) => {}
            status => {
                let what = format!("{me} was refused with {status}: {}", answer.text);
                return Err(Broken::of("I1", what));
            }
        }
        Ok(Some(answer))
    }

    fn count(&mut self, status: &str) {
        *self.heard.answers.entry(status.to_owned()).or_default() += 1;
    }
}

/// The answer, if all of it came.
async fn whole(request: RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let says_when = answer.headers().contains_key("retry-after");
    let text = answer.text().await.ok()?;
    Some(Answer {
        status,
        text,
        says_when,
    })
}
