//! What a request asks for, as a digest: equal requests have equal ones.

use crate::problem::Problem;
use bytes::Bytes;
use futures::StreamExt;
use poem::{Body, Request};
use sha2::{Digest, Sha256};

/// The digest of query and body. The body is read within its limits and stays readable.
///
/// # Errors
/// When the body breaks off, or breaks its limit.
pub(super) async fn digest(request: &mut Request) -> Result<[u8; 32], Problem> {
    let boundary = request.content_type().and_then(boundary_of);
    let mut content = Content::without(boundary.unwrap_or_default());
    content.part(request.uri().query().unwrap_or_default().as_bytes());
    content.part(b"\0");
    let mut coming = Box::pin(request.take_body().into_bytes_stream());
    let mut chunks: Vec<std::io::Result<Bytes>> = Vec::new();
    while let Some(chunk) = coming.next().await {
        // Told as a form that cannot be read; one that was too long is told so further out.
        let chunk = chunk.map_err(|_| Problem::NoFile)?;
        content.part(&chunk);
        chunks.push(Ok(chunk));
    }
    // Handed on piece by piece, each of which goes when it was read: nothing lies in memory twice.
    let stream = futures::stream::iter(chunks);
    request.set_body(Body::from_bytes_stream(stream));
    Ok(content.digest())
}

/// The boundary that a form chose (RFC 2046, 5.1.1). Clients draw a new one each time they send the same form.
fn boundary_of(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty())
            .then(|| value.to_owned())
    })
}

/// Bytes that come in pieces, digested as if the boundary stood nowhere among them.
struct Content {
    digest: Sha256,
    boundary: Vec<u8>,
    /// The end of what came, in which a boundary may have begun.
    held: Vec<u8>,
}

impl Content {
    fn without(boundary: String) -> Self {
        Self {
            digest: Sha256::new(),
            boundary: boundary.into_bytes(),
            held: Vec::new(),
        }
    }

    fn part(&mut self, part: &[u8]) {
        let length = self.boundary.len();
        if length == 0 {
            self.digest.update(part);
            return;
        }
        self.held.extend_from_slice(part);
        let mut from = 0;
        while let Some(at) = find(&self.held[from..], &self.boundary) {
            self.digest.update(&self.held[from..from + at]);
            from += at + length;
        }
        let until = from.max(self.held.len().saturating_sub(length - 1));
        self.digest.update(&self.held[from..until]);
        self.held.drain(..until);
    }

    fn digest(mut self) -> [u8; 32] {
        self.digest.update(&self.held);
        self.digest.finalize().into()
    }
}

fn find(among: &[u8], wanted: &[u8]) -> Option<usize> {
    among
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(body: &[u8], boundary: &str, pieces: usize) -> [u8; 32] {
        let mut content = Content::without(boundary.to_owned());
        body.chunks(pieces).for_each(|piece| content.part(piece));
        content.digest()
    }

    #[test]
    fn a_form_has_one_digest_whatever_its_boundary_and_in_whatever_pieces_it_comes() {
        let form = |boundary: &str, file: &str| {
            format!("--{boundary}\r\nname: file\r\n\r\n{file}\r\n--{boundary}--\r\n").into_bytes()
        };
        let one = digest(&form("one", "xonxonon"), "one", 1_000);
        for (boundary, pieces) in [
            ("one", 1),
            ("one", 2),
            ("another-one", 1),
            ("another-one", 7),
        ] {
            let same = digest(&form(boundary, "xonxonon"), boundary, pieces);
            assert_eq!(same, one, "{boundary} {pieces}");
        }
        assert_ne!(digest(&form("one", "xonxono"), "one", 3), one);
        // What merely looks like its beginning is content.
        assert_ne!(digest(b"ab", "", 1), digest(b"ba", "", 1));
    }

    #[test]
    fn a_boundary_is_found_with_and_without_quotes() {
        let boundary = |kind| boundary_of(kind);
        assert_eq!(
            boundary("multipart/form-data; boundary=\"a b\"; x=y"),
            Some("a b".to_owned())
        );
        assert_eq!(
            boundary("multipart/form-data;Boundary=ab"),
            Some("ab".to_owned())
        );
        assert_eq!(boundary("application/json"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
    }

    #[tokio::test]
    async fn a_digested_body_stays_readable_and_the_query_belongs_to_it() {
        let request = |path: &str| {
            let uri = path.parse().unwrap();
            Request::builder().uri(uri).body(r#"{"a":1}"#)
        };
        let (mut one, mut other) = (request("/x"), request("/x?y=1"));
        let first = super::digest(&mut one).await.unwrap();
        assert_ne!(first, super::digest(&mut other).await.unwrap());
        let body = one.take_body().into_string().await.unwrap();
        assert_eq!(body, r#"{"a":1}"#);
        assert_eq!(first, super::digest(&mut request("/x")).await.unwrap());
    }
}
