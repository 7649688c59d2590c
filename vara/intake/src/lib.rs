//! One stranger's file, one process: where pictures are decoded (decision 0018).
//!
//! The parent ([`Cells`]) asks what can be asked of a file's headers, starts its own program anew under
//! [`SUBCOMMAND`], writes the bytes to it and reads what [`pictures::reply`] says. The child ([`child`])
//! gives up everything that it does not need, decodes, answers and ends. It has no settings, no
//! connections, no files and no keys; what it holds is one picture.
//!
//! Not a wall against a decoder that was taken over by its input: that one could still compute. It is a
//! wall around its memory, its time and everything of anybody else's.

mod cells;
mod child;
mod confine;

pub use cells::{Cells, Limits};
pub use child::{SUBCOMMAND, child, is_asked_for};
