//! A sandbox that listens on a port of its own, and one who asks it.

use std::path::Path;

use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

pub struct Served {
    pub folder: tempfile::TempDir,
    pub client: Client,
    base: String,
}

/// A status and the body that came with it.
pub type Answer = (u16, Value);

impl Served {
    pub async fn start() -> Self {
        // A second test of the same process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let listening = TcpListener::bind("127.0.0.1:0")
            .into_acceptor()
            .await
            .unwrap();
        let port = listening.local_addr()[0].as_socket_addr().unwrap().port();
        let routes = sandbox::routes(folder.path().join("web")).unwrap();
        tokio::spawn(poem::Server::new_with_acceptor(listening).run(routes));
        let base = format!("http://127.0.0.1:{port}/rest");
        Self {
            folder,
            client: Client::new(),
            base,
        }
    }

    pub fn web(&self) -> std::path::PathBuf {
        self.folder.path().join("web")
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client
            .get(format!("{}{path}", self.base))
            .header("X-API-KEY", "sandbox")
    }

    /// A search with the parameters in the query and no picture yet.
    pub fn post(&self, query: &str) -> RequestBuilder {
        self.client.post(format!("{}/search/?{query}", self.base))
    }

    /// A search by upload with the parameters in the query.
    pub fn upload(&self, picture: &[u8], query: &str) -> RequestBuilder {
        self.post(query).multipart(form(picture))
    }

    pub async fn find(&self, picture: &[u8], query: &str) -> Value {
        let (status, body) =
            answer(self.upload(picture, query).header("x-api-key", "sandbox")).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

pub fn form(picture: &[u8]) -> Form {
    Form::new().part(
        "image_upload",
        Part::bytes(picture.to_vec()).file_name("image.jpg"),
    )
}

pub async fn send(asked: RequestBuilder) -> Response {
    asked.send().await.unwrap()
}

pub async fn answer(asked: RequestBuilder) -> Answer {
    let response = send(asked).await;
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

pub fn matches(body: &Value) -> &[Value] {
    body["results"]["matches"].as_array().unwrap()
}

/// Every page of an answer, in its order.
pub fn pages(body: &Value) -> Vec<&str> {
    let backlinks = matches(body)
        .iter()
        .flat_map(|one| one["backlinks"].as_array().unwrap());
    backlinks
        .map(|backlink| backlink["backlink"].as_str().unwrap())
        .collect()
}

pub fn picture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("web").join(name)).unwrap()
}
