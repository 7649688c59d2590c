//! Why a file is not taken as a picture; the texts may be shown to the person who sent it.

use crate::Seen;
use crate::size::{PIXELS_MAX, SIDE_MIN};

/// Why a file is not taken. Nothing of the file itself is repeated in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No bytes at all (LIM-1).
    #[error("The file is empty.")]
    Empty,
    /// More than [`crate::BYTES_MAX`] bytes (LIM-1).
    #[error("The file is larger than 10 MiB. A smaller copy of the picture can be taken.")]
    TooManyBytes,
    /// It is none of the three kinds of still picture (LIM-2), or not only that.
    #[error("{}", .0.words())]
    NotAPicture(Seen),
    /// Of the right kind, but it cannot be decoded to the end: cut short, damaged, or malformed.
    #[error("The picture cannot be read to its end. Another copy of it may be whole.")]
    Unreadable,
    /// A side is below [`SIDE_MIN`] (LIM-4).
    #[error("The picture is {width} x {height} pixels; each side needs {SIDE_MIN} or more.")]
    TooSmall {
        /// Pixels across, as the file states them.
        width: u32,
        /// Pixels down, as the file states them.
        height: u32,
    },
    /// More than [`PIXELS_MAX`] pixels (LIM-4).
    #[error("The picture is {width} x {height} pixels; at most {PIXELS_MAX} can be taken.")]
    TooManyPixels {
        /// Pixels across, as the file states them.
        width: u32,
        /// Pixels down, as the file states them.
        height: u32,
    },
    /// Within LIM-4, but stored in a way that takes more memory to open than one picture may have.
    #[error("The picture is {width} x {height} pixels, stored in a way that is too heavy to open.")]
    TooHeavy {
        /// Pixels across, as the file states them.
        width: u32,
        /// Pixels down, as the file states them.
        height: u32,
    },
}
