//! Serves the page, the module and the test pictures on loopback, and remembers what was asked for.

use crate::room;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longest time that a page may take for its work.
const WORKED_WITHIN: Duration = Duration::from_secs(120);

/// Whether the page has done its work.
type Done = (Mutex<bool>, Condvar);

pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn of(module: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, module) = (Arc::clone(&asked), Arc::new(module));
        let done = Arc::new(Done::default());
        std::thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let (heard, module) = (Arc::clone(&heard), Arc::clone(&module));
                let done = Arc::clone(&done);
                // A browser opens connections that it never uses.
                std::thread::spawn(move || drop(answer(visitor, &module, &heard, &done)));
            }
        });
        Self { address, asked }
    }

    /// The first line of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(
    visitor: TcpStream,
    module: &[u8],
    heard: &Mutex<Vec<String>>,
    (is_done, changed): &Done,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(visitor.try_clone()?.take(64 * 1024));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    heard.lock().unwrap().push(first.trim().to_owned());
    let path = first.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind, body) = match path {
        "/" => ("200 OK", "text/html", file("page/index.html")),
        "/pdq.js" => ("200 OK", "text/javascript", file("page/pdq.js")),
        "/pdq.wasm" => ("200 OK", "application/wasm", Some(module.to_vec())),
        "/done" => {
            *is_done.lock().unwrap() = true;
            changed.notify_all();
            ("200 OK", "text/plain", None)
        }
        // Answered when the page is done, however long that takes on a busy machine.
        "/held" => {
            let working = |done: &mut bool| !*done;
            let waiting = is_done.lock().unwrap();
            drop(changed.wait_timeout_while(waiting, WORKED_WITHIN, working));
            ("200 OK", "text/plain", None)
        }
        name => {
            let name = name.trim_start_matches('/').replace("..", "");
            let picture = file(&format!("../testdata/images/{name}"));
            let status = if picture.is_some() {
                "200 OK"
            } else {
                "404 Not Found"
            };
            // As a device hands out a file: a browser looks at the bytes.
            (status, "application/octet-stream", picture)
        }
    };
    let body = body.unwrap_or_default();
    let mut visitor = visitor;
    write!(
        visitor,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    visitor.write_all(&body)
}

fn file(path: &str) -> Option<Vec<u8>> {
    std::fs::read(room().join(path)).ok()
}
