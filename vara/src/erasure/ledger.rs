//! The erasure ledger's second copy: one line for each erasure, in a file beside the pictures.
//!
//! It names ids and nothing else. Keep it when you restore anything older than it.

use crate::settings::Folder;
use anyhow::Context;
use domain::ids::{ErasureId, UserId};
use eventstore::Erasure;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use uuid::Uuid;

/// Most bytes that are read: about a million erasures.
const BYTES_MAX: u64 = 80 << 20;

fn path(folder: &Folder) -> PathBuf {
    folder.path().join("erasures.ledger")
}

/// Adds an erasure, unless it is there; on disk when this returns.
pub fn append(folder: &Folder, erasure: &Erasure) -> anyhow::Result<()> {
    if read(folder)?.contains(&(erasure.subject, erasure.id)) {
        return Ok(());
    }
    let path = path(folder);
    let write = || {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        writeln!(file, "{} {}", erasure.subject, erasure.id.0)?;
        file.sync_all()
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Everyone who is to stay erased.
pub fn read(folder: &Folder) -> anyhow::Result<Vec<(UserId, ErasureId)>> {
    let path = path(folder);
    match std::fs::metadata(&path) {
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => {
            return Err(fault).with_context(|| format!("{} cannot be read", path.display()));
        }
        Ok(about) => anyhow::ensure!(about.len() <= BYTES_MAX, "{} is too long", path.display()),
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    // A last line that a crash cut off was never answered for: its erasure begins anew.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .enumerate()
        .map(|(n, line)| {
            parse(line)
                .with_context(|| format!("line {} of {} makes no sense", n + 1, path.display()))
        })
        .collect()
}

fn parse(line: &str) -> Option<(UserId, ErasureId)> {
    let (subject, id) = line.split_once(' ')?;
    let (subject, id): (Uuid, Uuid) = (subject.parse().ok()?, id.parse().ok()?);
    Some((subject.into(), ErasureId(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Data;

    fn erasure() -> Erasure {
        Erasure {
            subject: eventstore::edge::fresh_id().into(),
            id: ErasureId(eventstore::edge::fresh_id()),
            asked_at: eventstore::edge::now(),
            receipt: None,
            reopened_at: None,
        }
    }

    #[test]
    fn what_was_appended_is_read_once_and_a_line_that_was_cut_off_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::of(&Data {
            data_dir: Some(place.path().to_owned()),
        });
        assert!(read(&folder).unwrap().is_empty());
        let (one, two) = (erasure(), erasure());
        for erasure in [&one, &two, &one] {
            append(&folder, erasure).unwrap();
        }
        let both = [(one.subject, one.id), (two.subject, two.id)];
        assert_eq!(read(&folder).unwrap(), both);
        let text = std::fs::read_to_string(path(&folder)).unwrap();
        std::fs::write(path(&folder), format!("{text}{}", one.subject)).unwrap();
        assert_eq!(read(&folder).unwrap(), both);
        std::fs::write(path(&folder), format!("{text}nobody\n")).unwrap();
        assert!(read(&folder).unwrap_err().to_string().contains("line 3"));
    }
}
