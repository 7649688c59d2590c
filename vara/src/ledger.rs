//! The tree over the record, served as the static files that it is (C2SP tlog-tiles): anybody may watch it grow, and
//! nothing in it says anything about anybody.

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Path;
use poem::{Endpoint, Response, get, handler};
use proof::Tiles;
use std::path::PathBuf;

/// Serves the folder: `checkpoint` and `tile/…`.
pub fn served(folder: PathBuf) -> impl Endpoint<Output = Response> {
    use poem::EndpointExt;
    get(file).data(Tiles::at(&folder)).map_to_response()
}

#[handler]
async fn file(tiles: poem::web::Data<&Tiles>, Path(path): Path<String>) -> Response {
    let (tiles, wanted) = (tiles.clone(), path.clone());
    // A tile never grows past what is signed, so its size is no concern of whoever reads it.
    let read = tokio::task::spawn_blocking(move || tiles.read(&wanted, proof::SIZE_MAX));
    let Ok(Ok(bytes)) = read.await else {
        return Response::builder().status(StatusCode::NOT_FOUND).finish();
    };
    let (kind, kept) = if path == "checkpoint" {
        ("text/plain; charset=utf-8", "no-store")
    } else {
        // A tile that is there never changes.
        (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        )
    };
    let mut response = Response::builder().content_type(kind).body(bytes);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
