//! Answers that never end, are something else, or unpack to more than they seem.

use super::super::{Bounds, NotFetched};
use super::world::{
    Canary, Detour, Names, Piece, Reply, Server, answer, fetcher, hasty, head, image, patient,
    picture, redirect,
};
use crate::providers::Retry;
use pictures::{BYTES_MAX, Seen, Unfit};
use std::time::{Duration, Instant};

/// One fetch from a server that gives this reply.
async fn fetched(reply: Reply, bounds: Bounds) -> NotFetched {
    let canary = Canary::start();
    let web = Server::plain(move |_| reply.clone());
    let detour = Detour::to(&[(80, &web)], &canary);
    let fetcher = fetcher(&Names::all_public(), &detour, bounds);
    fetcher.picture("http://pictures.test/a").await.unwrap_err()
}

const PNG: [(&str, &str); 1] = [("content-type", "image/png")];

#[tokio::test]
async fn a_body_that_never_ends_is_cut_at_ten_mebibytes() {
    let mut endless = head("200 OK", &PNG);
    endless.push(Piece::ForEver(vec![b'A'; 64 * 1024]));
    assert_eq!(fetched(endless, patient()).await, NotFetched::TooLarge);
    // The same in chunks, each of 64 KiB.
    let mut chunked = head("200 OK", &[PNG[0], ("transfer-encoding", "chunked")]);
    let chunk = [b"10000\r\n".as_slice(), &[b'A'; 65_536], b"\r\n"].concat();
    chunked.push(Piece::ForEver(chunk));
    assert_eq!(fetched(chunked, patient()).await, NotFetched::TooLarge);
}

#[tokio::test]
async fn a_length_that_is_declared_is_not_believed() {
    let long = vec![b'A'; BYTES_MAX + 1];
    let refused = fetched(picture("image/png", &long), patient()).await;
    assert_eq!(refused, NotFetched::TooLarge);
    // A petabyte is announced, a picture's beginning comes, and then nothing.
    let mut liar = head("200 OK", &[PNG[0], ("content-length", "1000000000000000")]);
    liar.push(Piece::Bytes(image("scene.png")));
    let refused = fetched(liar, patient()).await;
    assert_eq!(refused, NotFetched::Broken);
}

#[tokio::test]
async fn a_slow_drip_ends_when_the_time_is_up() {
    let mut drip = head("200 OK", &PNG);
    for byte in image("scene.png") {
        drip.push(Piece::Bytes(vec![byte]));
        drip.push(Piece::Wait(Duration::from_millis(20)));
    }
    let started = Instant::now();
    let refused = fetched(drip, hasty()).await;
    assert_eq!(refused, NotFetched::TimedOut);
    assert_eq!(refused.retry(), Retry::TryAgain { after: None });
    let took = started.elapsed();
    assert!(
        took >= hasty().total && took < hasty().total * 10,
        "{took:?}"
    );
}

#[tokio::test]
async fn a_head_that_does_not_end_and_hops_that_dawdle_share_one_time() {
    let silent = vec![Piece::Wait(Duration::from_secs(5))];
    assert_eq!(fetched(silent, hasty()).await, NotFetched::TimedOut);
    let unfinished = vec![
        Piece::Bytes(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
        Piece::Wait(Duration::from_secs(5)),
    ];
    assert_eq!(fetched(unfinished, hasty()).await, NotFetched::TimedOut);
    // Three hops of 200 ms each are within the time for one hop, and beyond that for all.
    let mut dawdling = vec![Piece::Wait(Duration::from_millis(200))];
    dawdling.extend(redirect("/a"));
    assert_eq!(fetched(dawdling, hasty()).await, NotFetched::TimedOut);
    let interim = vec![Piece::ForEver(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())];
    let refused = fetched(interim, hasty()).await;
    assert_eq!(refused, NotFetched::TimedOut);
}

#[tokio::test]
async fn a_head_without_measure_is_refused() {
    let endless = vec![
        Piece::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Piece::ForEver(b"x-more: and more\r\n".to_vec()),
    ];
    assert_eq!(fetched(endless, patient()).await, NotFetched::Broken);
}

#[tokio::test]
async fn a_compressed_answer_is_refused_unread() {
    // The beginning of a gzip stream; what follows would be gigabytes of zeros.
    let gzip = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
    for encoding in [
        "gzip",
        "GZIP",
        "br",
        "deflate",
        "zstd",
        "identity, gzip",
        "x-gzip",
    ] {
        let headers = [PNG[0], ("content-encoding", encoding)];
        let mut bomb = head("200 OK", &headers);
        bomb.push(Piece::Bytes(gzip.to_vec()));
        bomb.push(Piece::ForEver(vec![0; 1_024]));
        assert_eq!(
            fetched(bomb, patient()).await,
            NotFetched::Encoded,
            "{encoding}"
        );
    }
    let twice = [
        PNG[0],
        ("content-encoding", "identity"),
        ("content-encoding", "gzip"),
    ];
    let refused = fetched(answer("200 OK", &twice, &gzip), patient()).await;
    assert_eq!(refused, NotFetched::Encoded);
    // The same without saying so: it is not unpacked, and packed it is no picture.
    let refused = fetched(answer("200 OK", &PNG, &gzip), patient()).await;
    assert!(matches!(refused, NotFetched::Unfit(Unfit::NotAPicture(_))));
}

#[tokio::test]
async fn compression_below_the_chunks_is_refused_too() {
    let headers = [PNG[0], ("transfer-encoding", "gzip, chunked")];
    let mut packed = head("200 OK", &headers);
    packed.push(Piece::Bytes(b"1\r\nA\r\n0\r\n\r\n".to_vec()));
    assert_eq!(fetched(packed, patient()).await, NotFetched::Encoded);
}

#[tokio::test]
async fn what_calls_itself_a_picture_must_be_one() {
    for (name, refusal) in [
        ("html_named_jpg.jpg", Unfit::NotAPicture(Seen::Html)),
        ("script.svg", Unfit::NotAPicture(Seen::Svg)),
        ("gif_js_polyglot.gif", Unfit::NotAPicture(Seen::Gif)),
        ("truncated.jpg", Unfit::Unreadable),
        ("empty.jpg", Unfit::Empty),
    ] {
        let refused = fetched(picture("image/png", &image(name)), patient()).await;
        assert_eq!(refused, NotFetched::Unfit(refusal), "{name}");
        assert_eq!(refused.retry(), Retry::GiveUp);
    }
}

#[tokio::test]
async fn what_does_not_call_itself_a_picture_is_not_read() {
    let jpeg = image("scene.jpg");
    for declared in [
        "text/html",
        "application/octet-stream",
        "image",
        "imagex/png",
        "",
        "é",
    ] {
        let refused = fetched(picture(declared, &jpeg), patient()).await;
        assert_eq!(refused, NotFetched::NotDeclaredAPicture, "{declared}");
    }
    let refused = fetched(answer("200 OK", &[], &jpeg), patient()).await;
    assert_eq!(refused, NotFetched::NotDeclaredAPicture);
    let both = [PNG[0], ("content-type", "text/html")];
    let refused = fetched(answer("200 OK", &both, &jpeg), patient()).await;
    assert_eq!(refused, NotFetched::NotDeclaredAPicture);
}

#[tokio::test]
async fn a_picture_of_nine_hundred_million_pixels_is_refused_from_its_header() {
    let bomb = image("bomb_30000x30000_1bit.png");
    let refused = fetched(picture("image/png", &bomb), patient()).await;
    let (width, height) = (30_000, 30_000);
    let too_many = Unfit::TooManyPixels { width, height };
    assert_eq!(refused, NotFetched::Unfit(too_many));
}

#[tokio::test]
async fn other_answers_are_told_apart() {
    let again = Retry::TryAgain { after: None };
    for (status, retry) in [
        ("204 No Content", Retry::GiveUp),
        ("206 Partial Content", Retry::GiveUp),
        ("300 Multiple Choices", Retry::GiveUp),
        ("304 Not Modified", Retry::GiveUp),
        ("401 Unauthorized", Retry::GiveUp),
        ("404 Not Found", Retry::GiveUp),
        ("407 Proxy Authentication Required", Retry::GiveUp),
        ("429 Too Many Requests", again),
        ("500 Internal Server Error", again),
        ("503 Service Unavailable", again),
    ] {
        let refused = fetched(answer(status, &PNG, b""), patient()).await;
        let number = status[..3].parse().unwrap();
        assert_eq!(refused, NotFetched::Status(number));
        assert_eq!(refused.retry(), retry, "{status}");
    }
    let nowhere = answer("302 Found", &[], b"");
    assert_eq!(fetched(nowhere, patient()).await, NotFetched::BadRedirect);
    let garbled = redirect("http://[");
    assert_eq!(fetched(garbled, patient()).await, NotFetched::BadRedirect);
    for no_http in ["SSH-2.0-OpenSSH_9.6\r\n", "+OK\r\n", "\0\0\0\0"] {
        let reply = vec![Piece::Bytes(no_http.into())];
        assert_eq!(fetched(reply, patient()).await, NotFetched::Broken);
    }
}

#[tokio::test]
async fn a_host_that_does_not_listen_may_be_tried_again() {
    let canary = Canary::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = Server::plain(|_| vec![]).at_instead(listener.local_addr().unwrap());
    drop(listener);
    let detour = Detour::to(&[(80, &gone)], &canary);
    let fetcher = fetcher(&Names::all_public(), &detour, patient());
    let refused = fetcher.picture("http://pictures.test/a").await.unwrap_err();
    assert_eq!(refused, NotFetched::NoConnection);
    assert_eq!(refused.retry(), Retry::TryAgain { after: None });
}
