//! Reads events ahead, on a thread of its own: making events of lines takes about half of a verification.

use super::{EVENTS, ExportFault, reader::Entries};
use crate::entry::Entry;
use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

/// Batches that wait: with the one being made and the one being looked at, four are in memory at most.
const BATCHES: usize = 2;
/// A batch ends after so many events, or with the line that makes it reach so many bytes; so a line of 16 MiB may be
/// its last one, and all batches take less than 70 MiB whatever the export holds.
const BATCH_EVENTS: usize = 512;
const BATCH_BYTES: usize = 1024 * 1024;

impl<R: BufRead + Send> Entries<R> {
    /// Gives `take` the events, and what it makes of them back.
    ///
    /// # Errors
    /// [`ExportFault::Io`], when the system has no thread left.
    pub(crate) fn ahead<T>(
        mut self,
        take: impl FnOnce(&mut dyn Iterator<Item = Result<Entry, ExportFault>>) -> T,
    ) -> Result<T, ExportFault> {
        thread::scope(|threads| {
            let (send, batches) = mpsc::sync_channel(BATCHES);
            let read = move || {
                let mut batch = self.batch();
                // Whoever has seen enough lets go of the other end.
                while !batch.is_empty() && send.send(batch).is_ok() {
                    batch = self.batch();
                }
            };
            let reading = thread::Builder::new().spawn_scoped(threads, read);
            reading.map_err(ExportFault::at(Path::new(EVENTS)))?;
            Ok(take(&mut batches.into_iter().flatten()))
        })
    }

    fn batch(&mut self) -> Vec<Result<Entry, ExportFault>> {
        let mut batch = Vec::with_capacity(BATCH_EVENTS);
        let mut bytes = 0;
        while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let Some(entry) = self.next() else { break };
            batch.push(entry);
            bytes += self.line_bytes();
        }
        batch
    }
}
