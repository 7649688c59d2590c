//! Reads small files of strangers: an export comes from outside, and nothing in it may fill the memory.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The bytes of a regular file of at most `bytes_max` bytes; `None` where there is no file.
///
/// # Errors
/// What the system says; [`ErrorKind::FileTooLarge`] for more bytes, [`ErrorKind::InvalidInput`] for anything that is
/// not a file: a pipe would never end, or never begin.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let what = format!("it is larger than {bytes_max} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(Some(bytes))
}

/// As [`read`], for UTF-8 text.
///
/// # Errors
/// As [`read`]; [`ErrorKind::InvalidData`] for other bytes.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<Option<String>> {
    let Some(bytes) = read(path, bytes_max)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Opens a regular file; `None` where there is none.
///
/// # Errors
/// What the system says; [`ErrorKind::InvalidInput`] for anything that is not a file.
pub(crate) fn open(path: &Path) -> Result<Option<File>> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => File::open(path).map(Some),
        Ok(_) => Err(Error::new(ErrorKind::InvalidInput, "it is not a file")),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}
