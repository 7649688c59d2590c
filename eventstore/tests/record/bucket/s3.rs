//! A bucket in memory that speaks as much of S3 as a picture needs, and believes no call that is not signed.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const KEY: &str = "key-of-vara";
pub const SECRET: &str = "secret-of-vara";
pub const REGION: &str = "eu-central-1";

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<(String, String), Vec<u8>>,
    parts_sent: usize,
    unsigned: usize,
    failing: usize,
    keeps: bool,
}

pub struct S3 {
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
}

struct Call {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

type Answer = (u16, Vec<u8>);

impl S3 {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shelf = Arc::<Mutex<Shelf>>::default();
        let serving = Arc::clone(&shelf);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(served(socket, Arc::clone(&serving)));
            }
        });
        Self { url, shelf }
    }

    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        self.shelf
            .lock()
            .unwrap()
            .objects
            .clone()
            .into_iter()
            .collect()
    }

    pub fn parts(&self) -> usize {
        self.shelf.lock().unwrap().parts_sent
    }

    pub fn unsigned(&self) -> usize {
        self.shelf.lock().unwrap().unsigned
    }

    /// So many calls from now on are answered with 503.
    pub fn fails(&self, times: usize) {
        self.shelf.lock().unwrap().failing = times;
    }

    pub fn keeps_what_it_deletes(&self) {
        self.shelf.lock().unwrap().keeps = true;
    }
}

async fn served(socket: TcpStream, shelf: Arc<Mutex<Shelf>>) {
    let mut socket = BufReader::new(socket);
    while let Some(call) = heard(&mut socket).await {
        let (status, body) = shelf.lock().unwrap().answer(&call);
        let mut answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\netag: \"{:x}\"\r\n\
             last-modified: {}\r\n\r\n",
            body.len(),
            body.len(),
            eventstore::edge::now().format("%a, %d %b %Y %H:%M:%S GMT"),
        )
        .into_bytes();
        if call.method != "HEAD" {
            answer.extend(body);
        }
        if socket.get_mut().write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn heard(socket: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    let query = query.split('&').filter(|pair| !pair.is_empty());
    let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Some(Call {
        method,
        path: path.to_owned(),
        query: query.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        headers,
        body,
    })
}

impl Shelf {
    fn answer(&mut self, call: &Call) -> Answer {
        if self.failing > 0 {
            self.failing -= 1;
            return (503, b"<Error><Code>SlowDown</Code></Error>".to_vec());
        }
        if !call.is_signed() {
            self.unsigned += 1;
            return (
                403,
                b"<Error><Code>SignatureDoesNotMatch</Code></Error>".to_vec(),
            );
        }
        let upload = call.query.get("uploadId").cloned();
        match (call.method.as_str(), upload) {
            ("POST", None) if call.query.contains_key("uploads") => {
                let id = format!("upload-{}", self.parts_sent);
                let told = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                (200, told.into_bytes())
            }
            ("PUT", Some(id)) => {
                let number = format!("{:0>5}", call.query["partNumber"]);
                self.parts.insert((id, number), call.body.clone());
                self.parts_sent += 1;
                (200, vec![])
            }
            ("POST", Some(id)) => {
                let mine = self.parts.iter().filter(|((of, _), _)| *of == id);
                let mine: Vec<&[u8]> = mine.map(|(_, part)| part.as_slice()).collect();
                let whole = mine.concat();
                self.objects.insert(call.path.clone(), whole);
                let told = "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";
                (200, told.into())
            }
            ("PUT", None) => {
                self.objects.insert(call.path.clone(), call.body.clone());
                (200, vec![])
            }
            ("GET", None) if call.query.contains_key("list-type") => (200, self.listed(call)),
            ("GET" | "HEAD", None) => match self.objects.get(&call.path) {
                Some(bytes) => (200, bytes.clone()),
                None => (404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
            },
            ("DELETE", None) => {
                if !self.keeps {
                    self.objects.remove(&call.path);
                }
                (204, vec![])
            }
            ("DELETE", Some(_)) => (204, vec![]),
            (method, upload) => panic!("{method} {} {upload:?}", call.path),
        }
    }

    fn listed(&self, call: &Call) -> Vec<u8> {
        let bucket = format!("{}/", call.path.trim_end_matches('/'));
        let prefix = call
            .query
            .get("prefix")
            .map_or(String::new(), |prefix| prefix.replace("%2F", "/"));
        let now = eventstore::edge::now().format("%Y-%m-%dT%H:%M:%S.000Z");
        let names = self.objects.iter().filter_map(|(name, bytes)| {
            let key = name.strip_prefix(&bucket)?;
            key.starts_with(&prefix).then(|| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>{now}</LastModified>\
                     <ETag>\"e\"</ETag><Size>{}</Size></Contents>",
                    bytes.len()
                )
            })
        });
        let names: String = names.collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{names}</ListBucketResult>")
            .into_bytes()
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Call {
    /// Whether the signature is the one that our secret makes of this call, body included.
    fn is_signed(&self) -> bool {
        let Some(given) = self.headers.get("authorization") else {
            return false;
        };
        let part = |name: &str| {
            let (_, after) = given.split_once(&format!("{name}="))?;
            Some(after.split([',', ' ']).next()?.to_owned())
        };
        let (Some(signed), Some(signature)) = (part("SignedHeaders"), part("Signature")) else {
            return false;
        };
        let digest = &self.headers["x-amz-content-sha256"];
        let is_body = *digest == hex::encode(Sha256::digest(&self.body));
        let date = &self.headers["x-amz-date"];
        let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
        let query: Vec<String> = self.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let headers = signed
            .split(';')
            .map(|name| format!("{name}:{}\n", self.headers[name]));
        let canonical = format!(
            "{}\n{}\n{}\n{}\n{signed}\n{digest}",
            self.method,
            self.path,
            query.join("&"),
            headers.collect::<String>(),
        );
        let canonical = hex::encode(Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}");
        let parts = [&date[..8], REGION, "s3", "aws4_request"];
        let first = format!("AWS4{SECRET}").into_bytes();
        let key = parts.iter().fold(first, |key, part| mac(&key, part));
        is_body && hex::encode(mac(&key, &text)) == signature && given.contains(KEY)
    }
}
