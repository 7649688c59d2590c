//! Each event's leaf against the signed tree.
//!
//! A whole export needs no tile: its events give the root, and on the way the root of any older size. A partial one
//! is checked tile by tile ([`Signed`]).

use super::finding::{Finding, Wrong};
use super::signed::Signed;
use super::{NotVerified, is_whole};
use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::export::Export;
use crate::leaf::leaf_hash;
use crate::tree::Fold;
use tlog_tiles::{EMPTY_HASH, Hash};

/// Compares the events that pass by with the signed tree.
#[derive(Debug)]
pub(super) struct Leaves<'a> {
    export: &'a Export,
    now: &'a Checkpoint,
    older: Option<&'a Checkpoint>,
    how: How,
}

#[derive(Debug)]
enum How {
    /// Every event is there: they give the root, and before it that of the older size.
    Whole { fold: Fold, older: Option<Hash> },
    /// Some are there: tiles lead from each to the root.
    Part(Signed),
}

impl<'a> Leaves<'a> {
    pub(super) fn new(
        export: &'a Export,
        now: &'a Checkpoint,
        older: Option<&'a Checkpoint>,
    ) -> Self {
        let how = if is_whole(export, now) {
            How::Whole {
                fold: Fold::default(),
                older: older.filter(|older| older.size == 0).map(|_| EMPTY_HASH),
            }
        } else {
            How::Part(Signed::new(export.tiles(), now))
        };
        Self {
            export,
            now,
            older,
            how,
        }
    }

    /// Takes the next event.
    pub(super) fn check(
        &mut self,
        entry: &Entry,
        findings: &mut Vec<Finding>,
    ) -> Result<(), NotVerified> {
        match &mut self.how {
            How::Whole { fold, older } => {
                fold.push(leaf_hash(entry)?);
                if self.older.is_some_and(|o| o.size == fold.size()) {
                    *older = Some(fold.root());
                }
            }
            How::Part(signed) => findings.extend(signed.check(entry)?),
        }
        Ok(())
    }

    /// After the last event.
    pub(super) fn end(&self, findings: &mut Vec<Finding>) -> Result<(), NotVerified> {
        let older = match &self.how {
            How::Whole { fold, older } if fold.root() == self.now.root => *older,
            How::Whole { older, .. } => return self.locate(*older, findings),
            How::Part(signed) => self
                .older
                .map(|older| signed.root(older.size))
                .transpose()?,
        };
        // Also when there is no such root at all: what was not compared is not the same.
        if let Some(kept) = self.older
            && older != Some(kept.root)
        {
            let wrong = Wrong::Rewritten { older: kept.size };
            findings.push(Finding { position: 1, wrong });
        }
        Ok(())
    }

    /// Reads the events again, to find the first ones that are not those of the signed tiles. `older` is the root that
    /// the first events give: where an older checkpoint has the same one, they are sound.
    fn locate(&self, older: Option<Hash>, findings: &mut Vec<Finding>) -> Result<(), NotVerified> {
        let mut signed = Signed::new(self.export.tiles(), self.now);
        for entry in self.export.entries()? {
            // Tiles that say nothing are no finding here; the root has said enough.
            match signed.check(&entry?) {
                Ok(Some(finding)) if matches!(finding.wrong, Wrong::Tiles(_)) => break,
                Ok(finding) => findings.extend(finding),
                Err(_) => break,
            }
            if findings.len() >= super::FINDINGS_MAX {
                break;
            }
        }
        if findings.is_empty() {
            let kept = self.older.filter(|kept| older == Some(kept.root));
            let position = kept.map_or(0, |kept| kept.size) + 1;
            let wrong = Wrong::Root;
            findings.push(Finding { position, wrong });
        }
        Ok(())
    }
}
