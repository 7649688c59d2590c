//! A stand-in for the picture search TinEye: its wire format, in front of a small web that is really searched.
//!
//! It compares the picture that it is sent with the pictures of a folder by their perceptual hash,
//! so a recompressed, shrunken, turned or mirrored copy is found and a stranger's picture is not.
//! No answer is canned; what is wrong with an answer is asked for with the key (see `faults.rs`).
//!
//! What it deliberately does not do: fetch anything from outside, keep or log a picture or an
//! address that it is asked about, offer TinEye's scores. The scores here follow from the distance
//! of the hashes alone (see `search.rs`) and are comparable with nothing else.

mod address;
mod body;
mod door;
mod edge;
mod faults;
mod pages;
mod question;
mod search;
mod shelf;
mod start;
mod web;
mod wire;

use std::path::PathBuf;

use poem::{Endpoint, Response};

pub use start::{demo_picture, unlike_pictures};
pub use web::Web;

/// Serves the web in this folder (made with the starting corpus when it is missing) at `/rest/`.
///
/// Pages that [`Web::add`] adds later, also from another process, are seen by the next search.
///
/// # Errors
/// When the folder cannot be made or what lies in it cannot be read.
pub fn routes(folder: PathBuf) -> anyhow::Result<impl Endpoint<Output = Response> + 'static> {
    door::Door::open(folder)
}
