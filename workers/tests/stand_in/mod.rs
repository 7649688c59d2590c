//! A model host of our own: it answers as it is told, in turn and then with the last answer for ever, and remembers what
//! it was sent.

#![expect(dead_code, reason = "each test program uses the part it needs")]

use base64::Engine as _;
use futures::StreamExt;
use poem::http::StatusCode;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::{Body, Endpoint, Request, Response};
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex};
use url::Url;

/// How a call is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    Body(u16, String),
    Redirect,
    /// Bytes without end.
    Endless,
    /// The body ends in the middle.
    Cut,
    Never,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Body(status, body.to_string())
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Body(status, body.to_owned())
    }
}

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
    pub json: Value,
}

#[derive(Debug, Default)]
struct State {
    replies: Vec<Reply>,
    unwell: bool,
    seen: Vec<Seen>,
}

pub struct StandIn {
    pub base: Url,
    state: Arc<Mutex<State>>,
}

struct Answers(Arc<Mutex<State>>);

impl Endpoint for Answers {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        let authorization = request.header("authorization").map(str::to_owned);
        let json = request.take_body().into_json().await.unwrap_or_default();
        let is_work = request.method() == poem::http::Method::POST;
        let reply = {
            let mut state = self.0.lock().unwrap();
            state.seen.push(Seen {
                path,
                authorization,
                json,
            });
            match (is_work, state.unwell) {
                (false, false) => Reply::text(200, "{\"status\":\"healthy\"}"),
                (false, true) => Reply::text(503, ""),
                (true, _) if state.replies.len() > 1 => state.replies.remove(0),
                (true, _) => state.replies[0].clone(),
            }
        };
        answer(reply).await
    }
}

async fn answer(reply: Reply) -> poem::Result<Response> {
    let response = Response::builder();
    Ok(match reply {
        Reply::Body(status, body) => response
            .status(StatusCode::from_u16(status).unwrap())
            .body(body),
        Reply::Redirect => response
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", "/elsewhere")
            .finish(),
        Reply::Endless => {
            let piece = || Ok::<_, io::Error>(vec![b' '; 16 * 1024]);
            response.body(Body::from_bytes_stream(futures::stream::repeat_with(piece)))
        }
        Reply::Cut => {
            let pieces = futures::stream::iter([Ok(vec![b'{']), Err(io::Error::other("cut"))]);
            response.body(Body::from_bytes_stream(pieces.boxed()))
        }
        Reply::Never => std::future::pending().await,
    })
}

impl StandIn {
    pub async fn of(replies: Vec<Reply>) -> Self {
        Self::with(State {
            replies,
            ..State::default()
        })
        .await
    }

    pub async fn unwell() -> Self {
        let replies = vec![Reply::text(500, "")];
        Self::with(State {
            replies,
            unwell: true,
            ..State::default()
        })
        .await
    }

    async fn with(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let listening = TcpListener::bind("127.0.0.1:0")
            .into_acceptor()
            .await
            .unwrap();
        let port = listening.local_addr()[0].as_socket_addr().unwrap().port();
        let answers = Answers(Arc::clone(&state));
        tokio::spawn(poem::Server::new_with_acceptor(listening).run(answers));
        let base = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        Self { base, state }
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|seen| seen.path == path).count()
    }

    /// The last call of a path.
    pub fn last(&self, path: &str) -> Seen {
        let state = self.state.lock().unwrap();
        state
            .seen
            .iter()
            .rfind(|seen| seen.path == path)
            .unwrap()
            .clone()
    }

    /// Answers otherwise from now on.
    pub fn says(&self, replies: Vec<Reply>) {
        self.state.lock().unwrap().replies = replies;
    }
}

/// Another test of this process may have installed it already.
pub fn tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub fn base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
