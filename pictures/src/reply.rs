//! The answer of [`crate::take_in`] as bytes, for when it runs in another process.
//!
//! A head of fixed length, then four parts: working copy, display copy, thumbnail, and the square for
//! the vector. Numbers are little-endian. Whoever reads does not trust whoever wrote: every length has
//! a limit, every copy must be a bare JPEG of the size that it should have (IMG-3).

use std::io::{self, Write};

use crate::pdq::{Fingerprint, Hash};
use crate::picture::CHANNELS;
use crate::taken::{COPY_BYTES_MAX, copy_sizes};
use crate::{Format, Picture, Seen, Taken, Unfit, clip, jpeg, size};

/// Bytes of a head.
pub const HEAD_BYTES: usize = TURNS_AT + TURNS * HASH_BYTES + 4 * 3;

/// Parts that follow the head of a picture that was taken: three copies and the square.
pub const PARTS: usize = 4;

const MARK: &[u8; 4] = b"VPT1";
const TURNS_AT: usize = 16;
const TURNS: usize = 8;
const HASH_BYTES: usize = 32;
const SQUARE_BYTES: usize = (clip::SIDE * clip::SIDE) as usize * CHANNELS;
const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::Webp];

/// The bytes are no answer: the other process was cut short, or made to say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no answer about a picture")]
pub struct Garbled;

/// What a head says.
#[derive(Debug)]
pub enum Answer {
    /// The file is not taken, and nothing follows.
    Refused(Unfit),
    /// It was taken, and its parts follow.
    Taken(Box<Announced>),
}

/// A picture whose parts follow.
#[derive(Debug)]
pub struct Announced {
    format: Format,
    size: (u32, u32),
    hash: Option<Fingerprint>,
    lengths: [usize; PARTS],
}

/// Writes an answer.
///
/// # Errors
/// Those of `out`.
pub fn write(answer: &Result<Taken, Unfit>, out: &mut impl Write) -> io::Result<()> {
    let taken = match answer {
        Ok(taken) => taken,
        Err(unfit) => return out.write_all(&head_of_refusal(unfit)),
    };
    let square = taken.picture_for_vector.rgb();
    let copies = [&taken.working, &taken.display, &taken.thumbnail];
    out.write_all(&head_of(taken, copies.map(Vec::len))?)?;
    for part in copies {
        out.write_all(part)?;
    }
    out.write_all(square)
}

fn head_of(taken: &Taken, lengths: [usize; 3]) -> io::Result<[u8; HEAD_BYTES]> {
    let format = FORMATS.iter().position(|format| *format == taken.format);
    let mut head = start(0, format.unwrap_or_default(), (taken.width, taken.height));
    if let Some(hash) = &taken.hash {
        (head[6], head[7]) = (1, hash.quality);
        for (turn, at) in hash.turns.iter().zip((TURNS_AT..).step_by(HASH_BYTES)) {
            head[at..at + HASH_BYTES].copy_from_slice(turn.bytes());
        }
    }
    for (length, at) in lengths.iter().zip((HEAD_BYTES - 12..).step_by(4)) {
        let length = u32::try_from(*length).map_err(io::Error::other)?;
        head[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(head)
}

fn head_of_refusal(unfit: &Unfit) -> [u8; HEAD_BYTES] {
    match *unfit {
        Unfit::Empty => start(1, 0, (0, 0)),
        Unfit::TooManyBytes => start(2, 0, (0, 0)),
        Unfit::NotAPicture(seen) => {
            let number = Seen::ALL.iter().position(|one| *one == seen);
            start(3, number.unwrap_or_default(), (0, 0))
        }
        Unfit::Unreadable => start(4, 0, (0, 0)),
        Unfit::TooSmall { width, height } => start(5, 0, (width, height)),
        Unfit::TooManyPixels { width, height } => start(6, 0, (width, height)),
        Unfit::TooHeavy { width, height } => start(7, 0, (width, height)),
    }
}

/// What every head begins with: the mark, which answer it is, a kind, two numbers.
fn start(code: u8, kind: usize, (width, height): (u32, u32)) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(MARK);
    (head[4], head[5]) = (code, kind as u8);
    head[8..12].copy_from_slice(&width.to_le_bytes());
    head[12..16].copy_from_slice(&height.to_le_bytes());
    head
}

/// Reads a head.
///
/// # Errors
/// [`Garbled`] when it is none, or announces more than may be.
pub fn read(head: &[u8; HEAD_BYTES]) -> Result<Answer, Garbled> {
    if !head.starts_with(MARK) {
        return Err(Garbled);
    }
    let kind = usize::from(head[5]);
    let (width, height) = (number(head, 8)?, number(head, 12)?);
    let unfit = match head[4] {
        0 => return announced(head, (width, height)).map(|a| Answer::Taken(Box::new(a))),
        1 => Unfit::Empty,
        2 => Unfit::TooManyBytes,
        3 => Unfit::NotAPicture(*Seen::ALL.get(kind).ok_or(Garbled)?),
        4 => Unfit::Unreadable,
        5 => Unfit::TooSmall { width, height },
        6 => Unfit::TooManyPixels { width, height },
        7 => Unfit::TooHeavy { width, height },
        _ => return Err(Garbled),
    };
    Ok(Answer::Refused(unfit))
}

fn announced(head: &[u8; HEAD_BYTES], size: (u32, u32)) -> Result<Announced, Garbled> {
    size::check(size).map_err(|_| Garbled)?;
    let mut lengths = [SQUARE_BYTES; PARTS];
    for (length, at) in lengths[..3].iter_mut().zip((HEAD_BYTES - 12..).step_by(4)) {
        *length = number(head, at)? as usize;
        if *length > COPY_BYTES_MAX {
            return Err(Garbled);
        }
    }
    let hash = match (head[6], head[7]) {
        (0, _) => None,
        (1, quality @ 0..=100) => Some(fingerprint(head, quality)),
        _ => return Err(Garbled),
    };
    Ok(Announced {
        format: *FORMATS.get(usize::from(head[5])).ok_or(Garbled)?,
        size,
        hash,
        lengths,
    })
}

fn fingerprint(head: &[u8; HEAD_BYTES], quality: u8) -> Fingerprint {
    let turns: [Hash; TURNS] = std::array::from_fn(|turn| {
        let mut bytes = [0; HASH_BYTES];
        bytes.copy_from_slice(&head[TURNS_AT + turn * HASH_BYTES..][..HASH_BYTES]);
        Hash::from_bytes(bytes)
    });
    Fingerprint {
        hash: turns[0],
        quality,
        turns,
    }
}

fn number(head: &[u8], at: usize) -> Result<u32, Garbled> {
    let bytes = head.get(at..).and_then(|rest| rest.first_chunk().copied());
    bytes.map(u32::from_le_bytes).ok_or(Garbled)
}

impl Announced {
    /// Bytes of each part, in the order in which they come.
    pub fn lengths(&self) -> [usize; PARTS] {
        self.lengths
    }

    /// The picture, from its parts.
    ///
    /// # Errors
    /// [`Garbled`] when a part is not what it should be.
    pub fn complete(self, parts: [Vec<u8>; PARTS]) -> Result<Taken, Garbled> {
        let [working, display, thumbnail, square] = parts;
        let copies = [&working, &display, &thumbnail].into_iter();
        if !copies
            .zip(copy_sizes(self.size))
            .all(|(copy, size)| jpeg::is_bare(copy, size))
        {
            return Err(Garbled);
        }
        Ok(Taken {
            format: self.format,
            width: self.size.0,
            height: self.size.1,
            working,
            display,
            thumbnail,
            hash: self.hash,
            picture_for_vector: Picture::from_rgb(clip::SIDE, clip::SIDE, square).ok_or(Garbled)?,
        })
    }
}
