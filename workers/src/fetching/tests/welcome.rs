//! Good addresses work; what they are asked, and what is handed on of their answers.

use super::super::{Bounds, Fetched};
use super::world::{
    Asked, Canary, Detour, LOOPBACK, Names, PUBLIC, Piece, Reply, Server, answer, expected,
    fetcher, fetcher_that_admits, head, image, patient, picture, redirect,
};
use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// The web of these tests: by path, on both ports.
fn web(asked: &Asked) -> Reply {
    let jpeg = image("scene.jpg");
    match asked.path.as_str() {
        "/scene.png" => picture("image/png", &image("scene.png")),
        "/lossless.webp" => picture("image/webp", &image("lossless.webp")),
        "/progressive.jpg" => picture("IMAGE/JPEG; charset=binary", &image("progressive.jpg")),
        "/other-name" => picture("image/gif", &jpeg),
        "/identity" => {
            let headers = [
                ("content-type", "image/jpeg"),
                ("content-encoding", "identity"),
            ];
            answer("200 OK", &headers, &jpeg)
        }
        "/until-the-end" => {
            let mut reply = head("200 OK", &[("content-type", "image/jpeg")]);
            reply.push(Piece::Bytes(jpeg));
            reply
        }
        "/chunked" => chunked(&jpeg),
        "/slow" => {
            let mut reply = head("200 OK", &[("content-type", "image/jpeg")]);
            for part in jpeg.chunks(8_192) {
                reply.push(Piece::Bytes(part.to_vec()));
                reply.push(Piece::Wait(Duration::from_millis(20)));
            }
            reply
        }
        "/one" => redirect("http://cdn.test/scene.jpg"),
        "/two" => redirect("//cdn.test/one"),
        "/three" => redirect("two?again"),
        "/two?again" => redirect("/one"),
        "/up" => redirect("https://secure.test/scene.jpg"),
        "/down" => redirect("http://cdn.test/scene.jpg"),
        "/idn" => redirect("http://bücher.test/scene.jpg"),
        "/301" => answer("301 Moved", &[("location", "/scene.jpg")], b"moved"),
        "/303" => answer("303 See Other", &[("location", "/scene.jpg#x")], b""),
        "/307" => answer("307 Temporary", &[("location", "./scene.jpg")], b""),
        "/308" => answer("308 Permanent", &[("location", "/x/../scene.jpg")], b""),
        path if path.starts_with("/scene.jpg") || path == "/a%20b%2Fc" => {
            picture("image/jpeg", &jpeg)
        }
        other => panic!("nobody should ask for {other}"),
    }
}

fn chunked(body: &[u8]) -> Reply {
    let headers = [
        ("content-type", "image/jpeg"),
        ("transfer-encoding", "chunked"),
    ];
    let mut reply = head("200 OK", &headers);
    for part in body.chunks(4_000) {
        reply.push(Piece::Bytes(format!("{:x}\r\n", part.len()).into_bytes()));
        reply.push(Piece::Bytes([part, b"\r\n"].concat()));
    }
    reply.push(Piece::Bytes(b"0\r\n\r\n".to_vec()));
    reply
}

/// An address, the file that it yields, and the hosts that are asked.
const GOOD: [(&str, &str, &[&str]); 29] = [
    (
        "http://pictures.test/scene.jpg",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/scene.png",
        "scene.png",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/lossless.webp",
        "lossless.webp",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/progressive.jpg",
        "progressive.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test:80/scene.jpg",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "HTTP://Pictures.TEST/scene.jpg",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test./scene.jpg",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        " http://pictures.test/scene.jpg ",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/scene.jpg#part",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/scene.jpg?w=1&u=@x",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/a b%2Fc",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://a_b.c-d.pictures.test/scene.jpg",
        "scene.jpg",
        &["a_b.c-d.pictures.test"],
    ),
    (
        "http://bücher.test/scene.jpg",
        "scene.jpg",
        &["xn--bcher-kva.test"],
    ),
    (
        "http://BÜCHER。test/scene.jpg",
        "scene.jpg",
        &["xn--bcher-kva.test"],
    ),
    (
        "https://bücher.test/scene.jpg",
        "scene.jpg",
        &["xn--bcher-kva.test"],
    ),
    (
        "https://secure.test/scene.jpg",
        "scene.jpg",
        &["secure.test"],
    ),
    (
        "https://secure.test:443/scene.png",
        "scene.png",
        &["secure.test"],
    ),
    (
        "http://pictures.test/other-name",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/identity",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/until-the-end",
        "scene.jpg",
        &["pictures.test"],
    ),
    (
        "http://pictures.test/chunked",
        "scene.jpg",
        &["pictures.test"],
    ),
    ("http://pictures.test/slow", "scene.jpg", &["pictures.test"]),
    (
        "http://pictures.test/one",
        "scene.jpg",
        &["pictures.test", "cdn.test"],
    ),
    (
        "http://pictures.test/two",
        "scene.jpg",
        &["pictures.test", "cdn.test", "cdn.test"],
    ),
    (
        "http://a.test/three",
        "scene.jpg",
        &["a.test", "a.test", "a.test", "cdn.test"],
    ),
    (
        "http://pictures.test/up",
        "scene.jpg",
        &["pictures.test", "secure.test"],
    ),
    (
        "https://secure.test/down",
        "scene.jpg",
        &["secure.test", "cdn.test"],
    ),
    (
        "http://pictures.test/idn",
        "scene.jpg",
        &["pictures.test", "xn--bcher-kva.test"],
    ),
    ("http://six.test/scene.jpg", "scene.jpg", &["six.test"]),
];

struct World {
    plain: Server,
    secure: Server,
    canary: Canary,
    names: Arc<Names>,
}

impl World {
    fn new() -> Self {
        Self {
            plain: Server::plain(web),
            secure: Server::secure("server.der", web),
            canary: Canary::start(),
            names: Names::all_public(),
        }
    }

    async fn fetch(&self, address: &str) -> Fetched {
        let detour = Detour::to(&[(80, &self.plain), (443, &self.secure)], &self.canary);
        let fetched = fetcher(&self.names, &detour, patient())
            .picture(address)
            .await;
        fetched.unwrap_or_else(|refused| panic!("{address}: {refused}"))
    }
}

#[tokio::test]
async fn pictures_of_the_open_web_are_fetched() {
    for (address, name, hosts) in GOOD {
        let world = World::new();
        let fetched = world.fetch(address).await;
        assert_eq!(fetched, expected(&image(name)), "{address}");
        assert_eq!(world.names.asked(), hosts, "{address}");
        let requests = world.plain.asked().len() + world.secure.asked().len();
        assert_eq!(
            (requests, world.canary.reached()),
            (hosts.len(), 0),
            "{address}"
        );
    }
}

#[tokio::test]
async fn every_kind_of_redirect_is_followed() {
    for kind in ["/301", "/303", "/307", "/308"] {
        let fetched = World::new()
            .fetch(&format!("http://pictures.test{kind}"))
            .await;
        assert_eq!(fetched, expected(&image("scene.jpg")), "{kind}");
    }
}

#[tokio::test]
async fn a_second_address_is_tried_when_the_first_is_silent() {
    // The canary's place is taken by nobody at all: the way to it is refused.
    let (world, gone) = (
        World::new(),
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    let canary = Canary::start().at_instead(gone.local_addr().unwrap());
    drop(gone);
    let other: IpAddr = "45.67.89.11".parse().unwrap();
    let names = Names::that(move |_, _| vec![other, PUBLIC]);
    let detour = Detour::to(&[(80, &world.plain)], &canary);
    let fetcher = fetcher(&names, &detour, patient());
    let fetched = fetcher.picture("http://pictures.test/scene.jpg").await;
    assert_eq!(fetched, Ok(expected(&image("scene.jpg"))));
}

#[tokio::test]
async fn a_literal_that_is_admitted_is_asked_without_a_look_up() {
    let (world, names) = (World::new(), Names::all_public());
    let only_here: fn(IpAddr) -> bool = |address| address == LOOPBACK;
    let port = world.plain.at.port();
    let bounds = Bounds {
        ports: vec![port],
        ..patient()
    };
    let fetcher = fetcher_that_admits(only_here, &names, &Detour::to(&[], &world.canary), bounds);
    let fetched = fetcher
        .picture(&format!("http://0x7f.1:{port}/scene.jpg"))
        .await;
    assert_eq!(fetched, Ok(expected(&image("scene.jpg"))));
    assert!(names.asked().is_empty());
    assert_eq!(world.plain.asked()[0].host, format!("127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_server_learns_nothing_but_what_is_asked_for() {
    // PRV-3, SHR-7: no cookie comes back, no page is named, nothing says who asks.
    let world = World::new();
    world.fetch("http://pictures.test/two#secret").await;
    let asked = world.plain.asked();
    let lines = |host: &str, path: &str| {
        let mut lines = vec![
            format!("GET {path} HTTP/1.1"),
            "accept: image/jpeg, image/png, image/webp".to_owned(),
            "accept-encoding: identity".to_owned(),
            format!("host: {host}"),
            "user-agent: Mozilla/5.0".to_owned(),
        ];
        lines.sort();
        lines
    };
    let told = |asked: &Asked| {
        let lines = asked.head.lines().filter(|line| !line.is_empty());
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(asked.len(), 3);
    assert_eq!(told(&asked[0]), lines("pictures.test", "/two"));
    assert_eq!(told(&asked[1]), lines("cdn.test", "/one"));
    assert_eq!(told(&asked[2]), lines("cdn.test", "/scene.jpg"));
}

#[tokio::test]
async fn nothing_of_the_file_itself_is_handed_on() {
    let canary = Canary::start();
    let original = image("metadata_gps_full.jpg");
    let body = original.clone();
    let server = Server::plain(move |_| picture("image/jpeg", &body));
    let detour = Detour::to(&[(80, &server)], &canary);
    let fetcher = fetcher(&Names::all_public(), &detour, patient());
    let fetched = fetcher.picture("http://pictures.test/a").await.unwrap();
    let holds = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|at| at == word);
    assert!(holds(&original, b"Exif"));
    assert!(!holds(&fetched.working, b"Exif"));
    assert_eq!(&fetched.working[..2], [0xFF, 0xD8]);
    let shown = format!("{fetched:?}");
    assert_eq!(
        shown,
        format!("Fetched({} x {})", fetched.width, fetched.height)
    );
}

#[test]
fn a_proxy_of_the_environment_is_not_asked() {
    let canary = Canary::start();
    let proxy = format!("http://{}", canary.at);
    let test = concat!(module_path!(), "::pictures_of_the_open_web_are_fetched");
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test.split_once("::").unwrap().1]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        again.env(name, &proxy);
    }
    let output = again
        .env("NO_PROXY", "")
        .env("no_proxy", "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(canary.reached(), 0);
}
