//! No address of a page or a picture stands in a log or in the text of an error, at any level (AUD-5).

use super::super::{Fetcher, NotFetched, hop};
use super::world::{
    Canary, Detour, Names, Piece, Server, answer, fetcher, hasty, head, image, patient, picture,
    redirect,
};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Part of every address in this test, and of none in others.
const MARK: &str = "needle-4711";

/// Keeps every line in which the mark or the name of a certificate stands, of all threads.
#[derive(Clone, Default)]
struct Marked(Arc<Mutex<Vec<String>>>);

impl Write for Marked {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if text.contains(MARK) || text.contains("secure.test") {
            self.0.lock().unwrap().push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes what is logged in this process from now on, of `tracing` and of `log`, at every level.
fn listen() -> Marked {
    let marked = Marked::default();
    let writer = marked.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    marked
}

/// One server whose answer depends on the path, under the mark.
fn web() -> Server {
    Server::plain(|asked| match asked.path.rsplit('/').next().unwrap() {
        "picture" => picture("image/jpeg", &image("scene.jpg")),
        "away" => redirect(&format!("http://{MARK}.test/{MARK}/picture")),
        "astray" => redirect(&format!("http://10.0.0.1/{MARK}")),
        "garbled" => redirect(&format!("http://[{MARK}")),
        "html" => picture("text/html", b"<p>"),
        "gzip" => answer("200 OK", &[("content-encoding", "gzip")], b""),
        "gone" => answer("410 Gone", &[], b""),
        "bad" => picture("image/png", MARK.as_bytes()),
        "noise" => vec![Piece::Bytes(MARK.into())],
        "silent" => vec![Piece::Wait(Duration::from_secs(5))],
        "broken" => head(
            "200 OK",
            &[("content-type", "image/png"), ("content-length", "9")],
        ),
        other => panic!("nobody should ask for {other}"),
    })
}

async fn texts_of_errors(fetcher: &Fetcher) -> Vec<String> {
    let mut texts = Vec::new();
    let paths = [
        "picture", "away", "astray", "garbled", "html", "gzip", "gone", "bad", "noise", "silent",
        "broken",
    ];
    let hosts = [
        format!("https://{MARK}.test/"),
        format!("http://user:{MARK}@a.test/"),
        format!("http://{MARK}/"),
        format!("http://127.0.0.1/{MARK}"),
        format!("gopher://{MARK}.test/"),
        format!("http://{MARK}.test:22/"),
        format!("http://none.{MARK}.test/"),
        MARK.to_owned(),
    ];
    let at_web = paths.map(|path| format!("http://{MARK}.test/{MARK}/{path}"));
    for address in at_web.iter().chain(&hosts) {
        let fetched: Result<_, NotFetched> = fetcher.picture(address).await;
        if let Err(refused) = fetched {
            texts.push(format!("{refused} {refused:?}"));
        }
    }
    texts
}

#[tokio::test]
async fn no_address_is_logged_or_told_whatever_happens() {
    let marked = listen();
    let (canary, web) = (Canary::start(), web());
    let names = Names::that(|name, _| match name.starts_with("none.") {
        true => vec![],
        false => vec![super::world::PUBLIC],
    });
    // Over TLS it speaks to a server that knows none.
    let detour = Detour::to(&[(80, &web), (443, &web)], &canary);
    let fetcher = fetcher(&names, &detour, hasty());
    let texts = texts_of_errors(&fetcher).await;
    assert!(texts.len() >= 15, "{texts:?}");
    for text in texts {
        assert!(!text.contains(MARK) && !text.contains("://"), "{text}");
    }
    assert!(!format!("{fetcher:?}").contains(MARK));
    // Libraries of TLS tell certificates as well.
    let secure = Server::secure("server.der", |_| picture("image/jpeg", &image("scene.jpg")));
    let over_tls = Detour::to(&[(443, &secure)], &canary);
    let trusting = super::world::fetcher(&names, &over_tls, patient());
    let address = format!("https://secure.test/{MARK}");
    assert!(trusting.picture(&address).await.is_ok());
    let logged = marked.0.lock().unwrap().clone();
    assert!(logged.is_empty(), "{logged:?}");

    // The same library, listened to: it does name the host, so there was something to keep quiet.
    let loud = hop::builder(&detour).build().unwrap();
    let address = format!("http://{MARK}.invalid/");
    assert!(loud.get(address).send().await.is_err());
    assert!(!marked.0.lock().unwrap().is_empty());
}
