//! I4: every accepted scan ends, and nobody works on it afterwards.

use super::{Broken, broken};
use eventstore::Recorded;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Scans, as the log tells of them.
#[derive(Debug, Default)]
pub struct Scans {
    /// Accepted and not ended, with the position at which they were accepted.
    open: HashMap<Uuid, i64>,
    over: HashSet<Uuid>,
    /// Finished pictures of open scans.
    finished: HashSet<(Uuid, Uuid)>,
}

impl Scans {
    /// Takes the next event. Findings of writers name scans that nobody accepted; they are no business of this one.
    pub fn take(&mut self, event: &Recorded) -> Result<(), Broken> {
        let at = event.position;
        let Some(scan) = id(event, "scan_id") else {
            return Ok(());
        };
        if self.over.contains(&scan) {
            let what = &event.event_type;
            return broken(
                "I4",
                format!(
                    "{what} at {at} is of the scan {scan}, which was over: its worker had lost it"
                ),
            );
        }
        let wrong = match event.event_type.as_str() {
            "ScanStarted" => self
                .open
                .insert(scan, at)
                .map(|_| format!("the scan {scan} is accepted again at {at}")),
            "ScanCompleted" | "ScanFailed" => {
                self.over.insert(scan);
                self.finished.retain(|(of, _)| *of != scan);
                let was = self.open.remove(&scan);
                was.is_none()
                    .then(|| format!("a scan ends at {at} that nobody accepted"))
            }
            "ImageScanned" => {
                let picture = id(event, "image_id").unwrap_or_default();
                let again = !self.finished.insert((scan, picture));
                again.then(|| format!("a picture of {scan} is finished again at {at}"))
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |what| broken("I4", what))
    }

    /// How many have ended.
    pub fn over(&self) -> usize {
        self.over.len()
    }

    /// Whether all have.
    pub fn ended(&self) -> Result<(), Broken> {
        match self.open.iter().next() {
            Some((scan, at)) => broken(
                "I4",
                format!("the scan {scan}, accepted at {at}, does not end"),
            ),
            None => Ok(()),
        }
    }
}

/// An id that an event of a scan, or of what it found, names.
fn id(event: &Recorded, field: &str) -> Option<Uuid> {
    event.payload[&event.event_type][field]
        .as_str()?
        .parse()
        .ok()
}
