//! Clients that go away in the middle of a command, at every half millisecond, politely and not: whatever was begun happens once
//! or not at all, the same thing can be asked again, and nothing of it keeps the API busy.

use crate::member::Member;
use crate::running::Vara;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Half milliseconds after which the connection ends: 0 to 5 ms.
const STEPS: u32 = 11;
const STEP: Duration = Duration::from_micros(500);
const SOON: Duration = Duration::from_secs(20);

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closes it.
    Fin,
    /// The client is gone: whatever is under way is void (RFC 9293, 3.5.2).
    Reset,
}

/// How much of a request was sent until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Whole,
    HalfABody,
    HalfAHead,
}

const ENDS: [End; 2] = [End::Fin, End::Reset];
const SENT: [Sent; 3] = [Sent::Whole, Sent::HalfABody, Sent::HalfAHead];

/// A request as it stands on the wire.
struct Request {
    id: Uuid,
    head: String,
    body: String,
}

impl Request {
    fn of(member: &Member, method: &str, path: &str, body: &Value) -> Self {
        let (id, body) = (eventstore::edge::fresh_id(), body.to_string());
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nX-Request-Id: {id}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            member.token,
            body.len()
        );
        Self { id, head, body }
    }

    fn bytes(&self, sent: Sent) -> Vec<u8> {
        match sent {
            Sent::Whole => [self.head.as_bytes(), self.body.as_bytes()].concat(),
            Sent::HalfABody => {
                let half = &self.body.as_bytes()[..self.body.len() / 2];
                [self.head.as_bytes(), half].concat()
            }
            Sent::HalfAHead => self.head.as_bytes()[..self.head.len() / 2].to_vec(),
        }
    }
}

/// Sends what there is of a request, waits, and goes away.
async fn goes_away(api: &str, bytes: &[u8], after: Duration, end: End) {
    let address = api.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(bytes).await.unwrap();
    // Timers of the runtime know whole milliseconds only.
    std::thread::sleep(after);
    match end {
        // The answer may have come in the meantime, and the other end be gone.
        End::Fin => drop(stream.shutdown().await),
        End::Reset => stream.set_zero_linger().unwrap(),
    }
}

const REQUEST: &str = "metadata->>'actor' LIKE 'user:%' AND metadata->>'request_id'";
const TEXT: &str = "payload->'ConsentGranted'->>'text_version'";
/// Sessions that have been within a transaction for longer than any of ours takes.
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                     AND xact_start < clock_timestamp() - interval '2 seconds'";

/// One way to go away.
#[derive(Debug, Clone, Copy)]
struct Way {
    end: End,
    sent: Sent,
    after: Duration,
}

fn ways() -> impl Iterator<Item = Way> {
    let ends = ENDS.into_iter();
    ends.flat_map(|end| SENT.into_iter().map(move |sent| (end, sent)))
        .flat_map(|(end, sent)| {
            (0..STEPS).map(move |step| Way {
                end,
                sent,
                after: STEP * step,
            })
        })
}

/// A member, and whoever looks into the log.
struct Story<'a> {
    vara: &'a Vara,
    member: &'a Member,
    runtime: Runtime,
    db: PgConnection,
}

impl Story<'_> {
    fn goes_away(&self, request: &Request, way: Way) {
        let bytes = request.bytes(way.sent);
        let going = goes_away(&self.vara.api, &bytes, way.after, way.end);
        self.runtime.block_on(going);
    }

    /// Events of which something is so.
    fn count(&mut self, of: &str, what: &str) -> i64 {
        let ask = format!("SELECT count(*) FROM events WHERE {of} = $1");
        let asked = sqlx::query_scalar(&ask).bind(what).fetch_one(&mut self.db);
        self.runtime.block_on(asked).unwrap()
    }

    /// Agrees under a text of its own and goes away; then agrees again to the same.
    fn agrees_twice(&mut self, way: Way, text: &str) {
        let path = "/users/me/consents/FACE_SEARCH";
        let ask = json!({ "granted": true, "textVersion": text });
        let request = Request::of(self.member, "PUT", path, &ask);
        self.goes_away(&request, way);
        let again = self.member.put(path, &ask);
        assert_eq!(again.status, 200, "{way:?}: {again:?}");
        // Agreeing twice to one text is one fact (CON-2), whichever of the two requests made it.
        assert_eq!(self.count(TEXT, text), 1, "{way:?}");
        if way.sent != Sent::Whole {
            let led = self.count(REQUEST, &request.id.to_string());
            assert_eq!(led, 0, "{way:?}: half a command is none");
        }
    }

    /// Starts a scan and goes away; then starts one that is waited for.
    fn scans_twice(&mut self, way: Way) {
        let ask = json!({ "type": "IMAGE_SCAN" });
        let request = Request::of(self.member, "POST", "/scans/trigger", &ask);
        self.goes_away(&request, way);
        let begun = Instant::now();
        let scan = loop {
            let again = self.member.post("/scans/trigger", &ask);
            match again.status {
                202 => break again.data()["id"].as_str().unwrap().to_owned(),
                // The first one was accepted, and has not ended.
                409 => std::thread::sleep(Duration::from_millis(20)),
                _ => panic!("{way:?}: {again:?}"),
            }
            assert!(begun.elapsed() < SOON, "{way:?}");
        };
        let over = self.member.waits_for(&scan, SOON);
        assert_eq!(over["status"], "COMPLETED", "{way:?}");
        let led = self.count(REQUEST, &request.id.to_string());
        assert!(led <= 1, "{way:?}: one request led to {led} scans");
    }

    /// No session holds a transaction open, and more reads at once than there are connections are answered quickly.
    fn is_free(&mut self) {
        let begun = Instant::now();
        loop {
            let asked = sqlx::query_scalar::<_, i64>(OPEN).fetch_one(&mut self.db);
            let open = self.runtime.block_on(asked).unwrap();
            if open == 0 {
                break;
            }
            assert!(begun.elapsed() < SOON, "{open} transactions stay open");
            std::thread::sleep(Duration::from_millis(200));
        }
        let begun = Instant::now();
        std::thread::scope(|threads| {
            for _ in 0..30 {
                threads.spawn(|| assert_eq!(self.member.get("/alerts").status, 200));
            }
        });
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "30 reads at once took {took:?}"
        );
        let ready = self.member.get("/health/ready");
        assert_eq!(ready.status, 200, "{}", self.vara.log());
    }

    /// I4: what was accepted and never told is over too.
    fn has_no_open_scan(&self) {
        let begun = Instant::now();
        loop {
            let scans = self.member.get("/scans?limit=100").data();
            let mut scans = scans.as_array().unwrap().iter();
            if scans.all(|scan| !scan["completedAt"].is_null()) {
                return;
            }
            assert!(begun.elapsed() < SOON, "a scan hangs");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_client_that_goes_away_at_any_moment_leaves_one_fact_or_none_and_nothing_open() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let runtime = Runtime::new().unwrap();
    let url = vara.database_url();
    let db = runtime.block_on(PgConnection::connect(&url)).unwrap();
    let mut story = Story {
        vara: &vara,
        member: &member,
        runtime,
        db,
    };
    for round in 0..3 {
        for (place, way) in ways().enumerate() {
            story.agrees_twice(way, &format!("reset-{round}-{place}"));
        }
    }
    // A scan takes its time, so that only whole requests go away from one.
    for way in ways().filter(|way| way.sent == Sent::Whole) {
        story.scans_twice(way);
    }
    story.is_free();
    story.has_no_open_scan();
    let (words, code) = vara.run(&["audit", "replay"]);
    assert_eq!(code, 0, "{words}");
}
