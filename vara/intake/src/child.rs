//! The child: reads one file, answers, ends. No runtime, no logging, no settings.

use crate::confine::confine;
use pictures::{BYTES_MAX, Unfit, reply};
use std::io::{self, Read, Write};
use std::process::ExitCode;

/// The word under which the program is this child. Not for people, so not among the subcommands.
pub const SUBCOMMAND: &str = "take-in-one-picture";

/// Whether this process was started as the child. Asked before anything else is set up.
pub fn is_asked_for() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == SUBCOMMAND)
}

/// Takes in the picture on standard input: four bytes of length (little-endian), then the file. The
/// answer goes to standard output, as [`pictures::reply`] writes it. Success means that it is whole.
pub fn child() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer() -> io::Result<()> {
    // What a decoder says when it trips may hold bytes of the picture: nobody shall read it.
    std::panic::set_hook(Box::new(|_| {}));
    confine()?;
    let answer = match original(&mut io::stdin().lock())? {
        Some(original) => pictures::take_in(&original),
        None => Err(Unfit::TooManyBytes),
    };
    let mut out = io::stdout().lock();
    reply::write(&answer, &mut out)?;
    out.flush()
}

/// The file, in a buffer of its very size; `None` when it announces more than a file may have.
fn original(source: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    source.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > BYTES_MAX {
        return Ok(None);
    }
    let mut original = vec![0; length];
    source.read_exact(&mut original)?;
    Ok(Some(original))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_announced_length() {
        let mut source = &b"\x03\0\0\0abcd"[..];
        assert_eq!(original(&mut source).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(source, b"d");
    }

    #[test]
    fn less_than_was_announced_is_no_file() {
        assert!(original(&mut &b"\x04\0\0\0abc"[..]).is_err());
        assert!(original(&mut &b"\x04\0"[..]).is_err());
    }

    // LIM-1: nothing is taken for a length that cannot be.
    #[test]
    fn more_than_ten_mebibytes_are_not_read() {
        assert_eq!(original(&mut &b"\x01\0\xA0\0"[..]).unwrap(), None);
    }
}
