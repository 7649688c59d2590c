//! Pictures: bytes of a stranger in; clean copies, a perceptual hash and a vector out.
//!
//! Everything here is blocking and bound to the processor: call it from a blocking thread, and let
//! no more calls run at once than there are processors. One call holds six bytes a pixel for most
//! pictures and twelve at worst (sixteen-bit PNG, animated WebP): 300 to 600 MB for the largest
//! picture that LIM-4 lets in, 70 MB for that of a telephone.
//!
//! Absent on purpose: no clock, no network, no files except the model that [`clip::load`] is told
//! to read, and no metadata — what a derived copy says about its maker is nothing (IMG-3).

mod area;
pub mod clip;
mod decode;
mod format;
mod header;
mod jpeg;
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

pub use decode::{Look, decode, look};
pub use format::Format;
pub use picture::Picture;
pub use port::{NotTaken, TakeIn};
pub use seen::Seen;
pub use size::{BYTES_MAX, PIXELS_MAX, SIDE_MIN, working_copy_size};
pub use taken::{Taken, sha256, take_in};
pub use unfit::Unfit;
