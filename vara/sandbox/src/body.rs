//! Bodies that no honest service sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use poem::http::header;
use poem::{Body, Response};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

/// Twice what any client of ours accepts.
const HUGE_BYTES: u64 = 16 * 1024 * 1024;

/// What a proxy says when nobody stands behind it.
pub(crate) const HTML: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\
    <body><center><h1>502 Bad Gateway</h1></center></body></html>\n";

/// Blanks, made while they are sent and without a stated length.
pub(crate) fn huge() -> Body {
    Body::from_async_read(tokio::io::repeat(b' ').take(HUGE_BYTES))
}

/// Promises a thousand bytes and breaks off before the first, so the connection closes without an answer.
/// Without the promise the server would end it in good order.
pub(crate) fn broken() -> Response {
    Response::builder()
        .header(header::CONTENT_LENGTH, 1_000)
        .body(Body::from_async_read(Broken))
}

struct Broken;

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}
