//! Writes files of the tree so that a kill or a power cut leaves each of them whole or absent.

use super::LedgerFault;
use crate::tiles::{WIDTH, edge, hashes, parse, partials, path};
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use tlog_tiles::Tile;

/// Files are written here first, and then given their name.
const BESIDE: &str = ".new";
/// Held by whoever writes.
const LOCK: &str = ".lock";
/// Files that are made durable at the same time: the disk then does for many what it does for one. Measured on ext4:
/// 800 files a second one after the other, 6,200 with eight at once, fewer with more.
const AT_ONCE: usize = 8;

/// The folder, held by this process alone as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    beside: PathBuf,
    lock: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // To close it is not enough: a process that is just being started holds a copy of every open file, and so the lock,
        // until it becomes its program. Nothing is lost when this fails: the lock then goes with the last copy.
        let _ = self.lock.unlock();
    }
}

impl Folder {
    /// Takes the folder, makes it if need be, and clears away what was never given a name.
    pub(super) fn open(root: &Path) -> std::result::Result<Self, LedgerFault> {
        let (lock, beside) = (root.join(LOCK), root.join(BESIDE));
        fs::create_dir_all(root).map_err(LedgerFault::at(root))?;
        let lock_file = File::create(&lock).map_err(LedgerFault::at(&lock))?;
        match lock_file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerFault::Busy),
            Err(TryLockError::Error(cause)) => return Err(LedgerFault::at(&lock)(cause)),
        }
        let fresh = remove_folder(&beside).and_then(|()| fs::create_dir(&beside));
        fresh.map_err(LedgerFault::at(&beside))?;
        Ok(Self {
            root: root.to_owned(),
            beside,
            lock: lock_file,
        })
    }

    /// Writes tiles, gives them their names in this order, and removes other forms of the same tiles.
    pub(super) fn put(&self, tiles: &[(Tile, Vec<u8>)]) -> std::result::Result<(), LedgerFault> {
        let all = || -> Result<()> {
            self.write_beside(tiles)?;
            let mut folders = BTreeSet::new();
            for (number, (tile, _)) in tiles.iter().enumerate() {
                self.name(&number.to_string(), &path(*tile), &mut folders)?;
            }
            folders.iter().try_for_each(|folder| sync(folder))?;
            tiles.iter().try_for_each(|(tile, _)| self.supersede(*tile))
        };
        all().map_err(LedgerFault::at(&self.root))
    }

    /// Puts the signed checkpoint in the place of the one before.
    pub(super) fn put_checkpoint(&self, note: &str) -> std::result::Result<(), LedgerFault> {
        let all = || -> Result<()> {
            write_durably(&self.beside.join("checkpoint"), note.as_bytes())?;
            self.name("checkpoint", "checkpoint", &mut BTreeSet::new())?;
            sync(&self.root)
        };
        all().map_err(LedgerFault::at(&self.root))
    }

    /// Writes every tile beside, under its number, and makes it durable.
    fn write_beside(&self, tiles: &[(Tile, Vec<u8>)]) -> Result<()> {
        let write = |(number, (_, bytes)): (usize, &(Tile, Vec<u8>))| {
            write_durably(&self.beside.join(number.to_string()), bytes)
        };
        if tiles.len() < AT_ONCE {
            return tiles.iter().enumerate().try_for_each(write);
        }
        std::thread::scope(|threads| {
            let share = |first: usize| {
                let mine = tiles.iter().enumerate().skip(first).step_by(AT_ONCE);
                threads.spawn(move || mine.into_iter().try_for_each(write))
            };
            let writing: Vec<_> = (0..AT_ONCE).map(share).collect();
            writing.into_iter().try_for_each(|thread| {
                let stopped = |_| Err(ErrorKind::Other.into());
                thread.join().unwrap_or_else(stopped)
            })
        })
    }

    /// Gives a file its name; `folders` gathers what must be made durable for the name to last.
    fn name(&self, beside: &str, path: &str, folders: &mut BTreeSet<PathBuf>) -> Result<()> {
        let (from, to) = (self.beside.join(beside), self.root.join(path));
        let parents = || to.ancestors().skip(1).take_while(|at| *at != self.root);
        if let Err(e) = fs::rename(&from, &to) {
            if e.kind() != ErrorKind::NotFound {
                return Err(e);
            }
            parents().next().map_or(Ok(()), fs::create_dir_all)?;
            fs::rename(&from, &to)?;
            folders.insert(self.root.clone());
            folders.extend(parents().map(Path::to_owned));
        }
        folders.extend(parents().take(1).map(Path::to_owned));
        Ok(())
    }

    /// Removes the forms of a tile that this one is wider than.
    fn supersede(&self, tile: Tile) -> Result<()> {
        let folder = self.root.join(partials(tile.level(), tile.level_index()));
        if tile.width() == WIDTH {
            return remove_folder(&folder);
        }
        let kept = tile.width().to_string();
        for other in fs::read_dir(&folder)? {
            let other = other?;
            if *other.file_name() != *kept {
                remove_file(&other.path())?;
            }
        }
        Ok(())
    }

    /// Removes every tile that a tree of this size does not have: what an append left that was cut off.
    pub(super) fn sweep(&self, size: u64) -> std::result::Result<(), LedgerFault> {
        let all = || -> Result<()> {
            let mut folders = vec![self.root.join("tile")];
            while let Some(folder) = folders.pop() {
                if !folder.is_dir() {
                    continue;
                }
                for found in fs::read_dir(&folder)? {
                    let (found, path) = found.map(|found| (found.file_type(), found.path()))?;
                    let name = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
                    if found?.is_dir() {
                        folders.push(path);
                    } else if name
                        .and_then(parse)
                        .is_some_and(|tile| !belongs(tile, size))
                    {
                        remove_file(&path)?;
                    }
                }
            }
            Ok(())
        };
        all().map_err(LedgerFault::at(&self.root))
    }
}

/// Whether a folder of a tree of this size keeps this form of the tile.
fn belongs(tile: Tile, size: u64) -> bool {
    let is_full = tile.width() == WIDTH;
    let full = hashes(tile.level(), size) / u64::from(WIDTH);
    is_full && tile.level_index() < full || edge(tile.level(), size) == Some(tile)
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}

fn remove_file(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path))
}

fn remove_folder(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_dir_all(path))
}

fn absent_is_fine(removed: Result<()>) -> Result<()> {
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}
