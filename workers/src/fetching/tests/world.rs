//! A little web on loopback. Checks are those of production; only the last step, the dialling, leads here: what was checked
//! as [`PUBLIC`] to our servers, everything else to the canary.

use super::super::hop::Dial;
use super::super::resolver::Resolver;
use super::super::{Bounds, Fetched, Fetcher, reachable};
use async_trait::async_trait;
use pictures::{NotTaken, TakeIn, Taken};
use reqwest::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Where our servers are, as the checks see it.
pub(super) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(45, 67, 89, 10));
/// Where the canary really is.
pub(super) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A file of this room's or of `pictures`' test data.
pub(super) fn file(path: &str) -> Vec<u8> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(room.join(path)).unwrap()
}

pub(super) fn image(name: &str) -> Vec<u8> {
    file(&format!("../pictures/testdata/images/{name}"))
}

/// What a fetch of these bytes must yield.
pub(super) fn expected(bytes: &[u8]) -> Fetched {
    pictures::take_in(bytes).unwrap().into()
}

/// Part of an answer.
#[derive(Clone)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// Over and over, until the other side hangs up.
    ForEver(Vec<u8>),
}

pub(super) type Reply = Vec<Piece>;

/// A status line with headers, and a body with its length.
pub(super) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let length = body.len().to_string();
    let mut reply = head(status, &[headers, &[("content-length", &length)]].concat());
    reply.push(Piece::Bytes(body.to_vec()));
    reply
}

pub(super) fn head(status: &str, headers: &[(&str, &str)]) -> Reply {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let head = format!("HTTP/1.1 {status}\r\n{}\r\n", lines.collect::<String>());
    vec![Piece::Bytes(head.into_bytes())]
}

pub(super) fn picture(media_type: &str, body: &[u8]) -> Reply {
    answer("200 OK", &[("content-type", media_type)], body)
}

pub(super) fn redirect(to: &str) -> Reply {
    answer(
        "302 Found",
        &[("location", to), ("set-cookie", "who=ana")],
        b"",
    )
}

/// A request as the server saw it.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) head: String,
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A server that answers as a test tells it to, one request a connection.
pub(super) struct Server {
    pub(super) at: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) fn plain(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(handler))
    }

    /// Over TLS, with a certificate of `testdata/tls`.
    pub(super) fn secure(
        certificate: &str,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        installed();
        let chain = vec![CertificateDer::from(file(&format!(
            "testdata/tls/{certificate}"
        )))];
        let key = PrivateKeyDer::try_from(file("testdata/tls/server.key.der")).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::start(Some(Arc::new(config)), Arc::new(handler))
    }

    fn start(tls: Option<Arc<rustls::ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (tls, handler, heard) = (tls.clone(), Arc::clone(&handler), Arc::clone(&heard));
                // Whoever hangs up half-way is one of the things that are tested.
                thread::spawn(move || match tls {
                    None => serve(tcp, &*handler, &heard),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(config).unwrap();
                        serve(rustls::StreamOwned::new(session, tcp), &*handler, &heard)
                    }
                });
            }
        });
        Self { at, asked }
    }

    /// As if it were at another address.
    pub(super) fn at_instead(self, at: SocketAddr) -> Self {
        Self { at, ..self }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: impl Read + Write,
    handler: &Handler,
    heard: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = head.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.unwrap_or_default().to_owned();
    let asked = Asked { host, path, head };
    heard.lock().unwrap().push(asked.clone());
    for piece in handler(&asked) {
        match piece {
            Piece::Bytes(bytes) => stream.write_all(&bytes)?,
            Piece::Wait(time) => thread::sleep(time),
            Piece::ForEver(bytes) => loop {
                stream.write_all(&bytes)?;
            },
        }
        stream.flush()?;
    }
    Ok(())
}

/// Knows who connected.
pub(super) struct Canary {
    pub(super) at: SocketAddr,
    visitors: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Canary {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let visitors = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&visitors);
        thread::spawn(move || {
            while let Ok((_, visitor)) = listener.accept() {
                seen.lock().unwrap().push(visitor);
            }
        });
        Self { at, visitors }
    }

    /// As if it were at another address.
    pub(super) fn at_instead(self, at: SocketAddr) -> Self {
        Self { at, ..self }
    }

    /// How often it was reached. Visitors are let in one after the other, so it pays a visit itself and counts those before.
    pub(super) fn reached(&self) -> usize {
        let visit = TcpStream::connect(self.at).unwrap();
        let own = visit.local_addr().unwrap();
        for _ in 0..1_000 {
            let mut visitors = self.visitors.lock().unwrap();
            if let Some(at) = visitors.iter().position(|visitor| *visitor == own) {
                visitors.remove(at);
                return visitors.len();
            }
            drop(visitors);
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the canary lets nobody in");
    }
}

/// What a name server says of a name for which it was asked so often before.
type Answers = dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync;

/// A name server that may change its mind.
pub(super) struct Names {
    answers: Box<Answers>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(super) fn that(
        answers: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (answers, asked) = (Box::new(answers), Mutex::default());
        Arc::new(Self { answers, asked })
    }

    pub(super) fn all_public() -> Arc<Self> {
        Self::that(|_, _| vec![PUBLIC])
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolver for Arc<Names> {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|earlier| *earlier == name).count();
        asked.push(name.to_owned());
        Ok((self.answers)(name, before))
    }
}

/// Leads to our servers instead of into the world.
#[derive(Clone)]
pub(super) struct Detour {
    ways: HashMap<SocketAddr, SocketAddr>,
    otherwise: SocketAddr,
}

impl Detour {
    pub(super) fn to(servers: &[(u16, &Server)], canary: &Canary) -> Self {
        let way = |(port, server): &(u16, &Server)| (SocketAddr::new(PUBLIC, *port), server.at);
        Self {
            ways: servers.iter().map(way).collect(),
            otherwise: canary.at,
        }
    }
}

impl Dial for Detour {
    fn at(&self, checked: SocketAddr) -> SocketAddr {
        *self.ways.get(&checked).unwrap_or(&self.otherwise)
    }

    fn roots(&self) -> Vec<Certificate> {
        vec![Certificate::from_der(&file("testdata/tls/authority.der")).unwrap()]
    }
}

pub(super) fn installed() {
    // Another test of this process may have installed it already.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Decodes in this very process.
#[derive(Debug)]
pub(super) struct Here;

#[async_trait]
impl TakeIn for Here {
    async fn take_in(&self, original: Arc<Vec<u8>>) -> Result<Taken, NotTaken> {
        Ok(pictures::take_in(&original)?)
    }
}

/// The fetcher of production but for its dialling, its decoder and these bounds.
pub(super) fn fetcher(names: &Arc<Names>, detour: &Detour, bounds: Bounds) -> Fetcher {
    fetcher_that_admits(reachable::is_public, names, detour, bounds)
}

pub(super) fn fetcher_that_admits(
    admits: fn(IpAddr) -> bool,
    names: &Arc<Names>,
    detour: &Detour,
    bounds: Bounds,
) -> Fetcher {
    installed();
    let (names, detour) = (Box::new(Arc::clone(names)), Box::new(detour.clone()));
    Fetcher::with(names, detour, admits, bounds, Arc::new(Here))
}

/// Time enough on a machine that has other things to do.
pub(super) fn patient() -> Bounds {
    Bounds {
        total: Duration::from_secs(60),
        ..Bounds::of_the_rules()
    }
}

pub(super) fn hasty() -> Bounds {
    Bounds {
        total: Duration::from_millis(400),
        ..Bounds::of_the_rules()
    }
}
