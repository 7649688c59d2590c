//! Pictures: bytes of a stranger in; clean copies, a perceptual hash and a vector out.
//!
//! Everything here is blocking and bound to the processor: call it where nobody else waits. Bytes of a
//! stranger are decoded in a process apart, through the port [`TakeIn`]; what decoding may hold is
//! asked of the header first: 216 MiB, and 3 bytes a pixel for most pictures.
//!
//! Absent on purpose: no clock, no network, no files except the models that [`clip::load`] and [`faces::load`] are
//! told to read, and no metadata — what a derived copy says about its maker is nothing (IMG-3).

mod area;
pub mod clip;
mod decode;
mod embedder;
pub mod faces;
mod format;
mod header;
mod jpeg;
pub mod known;
mod own;
pub mod pdq;
mod picture;
mod port;
pub mod reply;
mod resize;
mod seen;
mod size;
mod taken;
mod turn;
mod unfit;
mod upright;

pub use decode::{Look, decode, look};
pub use embedder::{Embedder, NoVector, NotEmbedded, unit_length};
pub use format::Format;
pub use own::{copy_size, decode_copy};
pub use picture::Picture;
pub use port::{NotTaken, TakeIn};
pub use seen::Seen;
pub use size::{BYTES_MAX, PIXELS_MAX, SIDE_MIN, working_copy_size};
pub use taken::{Taken, sha256, take_in};
pub use unfit::Unfit;
