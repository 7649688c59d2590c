//! Positions without gap or repeat, streams without gap or fork, ids that are used once.

use super::finding::{Finding, Wrong};
use crate::entry::Entry;
use std::collections::{HashMap, HashSet};

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Order {
    count: u64,
    /// Position that comes next.
    next: u64,
    /// Whether streams must begin with 1, because the record does.
    from_the_beginning: bool,
    /// Sequence that comes next in each stream, by `<noun>/<stream>`.
    streams: HashMap<Box<str>, u64>,
    ids: HashSet<[u8; 16]>,
    /// The stream's name at hand; kept, so that a known stream costs no allocation.
    name: String,
}

impl Order {
    /// Expects the event at position `from` first.
    pub(super) fn new(from: u64) -> Self {
        Self {
            count: 0,
            next: from,
            from_the_beginning: from == 1,
            streams: HashMap::new(),
            ids: HashSet::new(),
            name: String::new(),
        }
    }

    /// How many events came.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// How many streams they belong to.
    pub(super) fn streams(&self) -> u64 {
        self.streams.len() as u64
    }

    /// Takes the next event.
    pub(super) fn check(&mut self, entry: &Entry, findings: &mut Vec<Finding>) {
        let position = entry.position;
        self.count += 1;
        if position > self.next {
            let wrong = Wrong::Missing { next: position };
            findings.push(Finding {
                position: self.next,
                wrong,
            });
        }
        let mut find = |wrong| findings.push(Finding { position, wrong });
        if position < self.next {
            let after = self.next - 1;
            find(Wrong::OutOfOrder { after });
        } else {
            self.next = position.saturating_add(1);
        }
        if !self.ids.insert(entry.event_id.0) {
            let id = entry.event_id;
            find(Wrong::IdAgain { id });
        }
        if let Some(wrong) = self.check_stream(entry) {
            find(wrong);
        }
    }

    /// After the last event: the one at position `to` must have been it.
    pub(super) fn end(&self, to: u64, findings: &mut Vec<Finding>) {
        let mut find = |position, wrong| findings.push(Finding { position, wrong });
        if self.next <= to {
            find(self.next, Wrong::EndsEarly { to });
        }
        if self.next > to.saturating_add(1) {
            find(to.saturating_add(1), Wrong::EndsLate { to });
        }
    }

    fn check_stream(&mut self, entry: &Entry) -> Option<Wrong> {
        self.name.clear();
        self.name.push_str(&entry.noun);
        self.name.push('/');
        self.name.push_str(&entry.stream);
        let found = entry.sequence;
        let expected = match self.streams.get_mut(self.name.as_str()) {
            Some(next) => {
                let expected = *next;
                *next = expected.max(found.saturating_add(1));
                expected
            }
            None => {
                let next = found.saturating_add(1);
                self.streams.insert(self.name.as_str().into(), next);
                // In the middle of the record a stream may begin with any of its events, but none has number 0.
                if self.from_the_beginning {
                    1
                } else {
                    found.max(1)
                }
            }
        };
        let stream = || self.name.clone();
        if found > expected {
            let stream = stream();
            return Some(Wrong::StreamGap {
                stream,
                expected,
                found,
            });
        }
        (found < expected).then(|| Wrong::StreamFork {
            stream: stream(),
            found,
        })
    }
}
