//! Her face, with her consent only: a DeepFace server of the operator's is asked, and what it made is gone when she withdraws.

use crate::member::Member;
use crate::running::Vara;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Speaks as much of DeepFace's API as is used, and finds one face in everything; how many pictures of hers it was sent.
fn deepface() -> (String, Arc<AtomicUsize>) {
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listening.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listening.incoming() {
            drop(stream.map(|stream| answered(stream, &counting)));
        }
    });
    (url, sent)
}

fn answered(stream: TcpStream, sent: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // Warmed with a PNG of nobody's; her pictures come as JPEG.
    let hers = body.windows(15).any(|window| window == b"data:image/jpeg");
    sent.fetch_add(usize::from(hers), Ordering::SeqCst);
    let area = json!({"x": 10, "y": 10, "w": 120, "h": 130});
    let face =
        json!({"embedding": vec![0.0625; 512], "facial_area": area, "face_confidence": 0.97});
    let answer = json!({ "results": [face] }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.as_bytes())
}

fn says(member: &Member, granted: bool) -> Value {
    let change = json!({ "granted": granted, "textVersion": "face-1" });
    member.put("/users/me/consents/FACE_SEARCH", &change).data()
}

/// What the picture and the list say of her face; `None` where they were asked on both sides of a change.
fn face(member: &Member, image: &str) -> Option<bool> {
    let one = member.get(&format!("/images/{image}")).data();
    let listed = member.get("/images").data();
    let mut listed = listed.as_array().unwrap().iter();
    let of_list = &listed.find(|row| row["id"] == image).unwrap()["faceDetected"];
    (one["faceDetected"] == *of_list).then(|| of_list.as_bool().unwrap())
}

fn has_face(member: &Member, image: &str) -> bool {
    face(member, image).expect("nothing changes now, and both say the same")
}

fn vectors(vara: &Vara) -> i64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = PgPool::connect(&vara.database_url()).await.unwrap();
        let rows = sqlx::query_scalar("SELECT count(*) FROM face_vectors");
        rows.fetch_one(&pool).await.unwrap()
    })
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_face_is_looked_for_while_she_agrees_and_forgotten_when_she_withdraws_or_is_erased() {
    // PIP-4, CON-1, CON-2, CON-3, AUD-4
    let (url, sent) = deepface();
    let vara = Vara::start_with(&[("VARA_DEEPFACE_URL", &url)]);
    let member = Member::joins(&vara.api);
    let first = member.uploads(sandbox::demo_picture());
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(!has_face(&member, &first));
    assert_eq!(
        sent.load(Ordering::SeqCst),
        0,
        "nothing leaves before she agrees"
    );

    assert_eq!(says(&member, true)["granted"], true);
    until("her face is seen", || face(&member, &first) == Some(true));
    assert_eq!((vectors(&vara), sent.load(Ordering::SeqCst)), (1, 1));

    assert_eq!(says(&member, false)["granted"], false);
    assert!(!has_face(&member, &first), "gone with the answer");
    assert_eq!(vectors(&vara), 0);

    says(&member, true);
    until("her face is seen again", || {
        face(&member, &first) == Some(true)
    });
    let me = member.get("/users/me").data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (receipt, code) = vara.run(&["erase", &me]);
    assert_eq!(code, 0, "{receipt}");
    assert!(receipt.contains("\"face_vectors\""), "{receipt}");
    assert_eq!(vectors(&vara), 0);
    assert!(!vara.log().contains("0.0625") && !vara.log().contains("base64"));
}
