//! Reading an answer without ever holding more of it than allowed.

use reqwest::Response;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It went on past the limit.
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
}

/// Reads a body to its end. The bytes that arrive are counted; what `Content-Length` says is not believed.
pub(crate) async fn read_within(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(Unread::Broken)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
