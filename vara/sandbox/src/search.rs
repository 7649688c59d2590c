//! From a fingerprint to the matches of an answer: compare, filter, order, cut.
//!
//! The numbers are the sandbox's own scale, not TinEye's: of the 256 bits of a hash, `d` differ
//! (at most 31 in a match), `score = 100 · (1 − d/128)` and
//! `query_match_percent = 100 · (1 − d/256)`, both rounded to a tenth. So an unchanged picture
//! scores 100, and the weakest match 75.8.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::NaiveDate;
use pictures::pdq::Fingerprint;

use crate::pages::{Page, Tag};
use crate::question::{Question, Sort};
use crate::web::{Hung, Seen, Web};

/// One match: a picture of the web, and the pages that were asked for.
#[derive(Debug)]
pub(crate) struct Match {
    hung: Arc<Hung>,
    distance: u16,
    pages: Vec<Page>,
}

/// What a search found, and the numbers about it.
#[derive(Debug)]
pub(crate) struct Found {
    /// Filtered, ordered and cut as asked.
    pub(crate) matches: Vec<Match>,
    /// Before any filter.
    pub(crate) total: usize,
    /// After the filters, before the cut.
    pub(crate) filtered: usize,
    pub(crate) backlinks: usize,
    pub(crate) stock: usize,
    pub(crate) collection: usize,
}

impl Match {
    pub(crate) fn seen(&self) -> &Seen {
        &self.hung.seen
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.hung.tags
    }

    pub(crate) fn pages(&self) -> &[Page] {
        &self.pages
    }

    pub(crate) fn score(&self) -> f64 {
        likeness(self.distance, 128.0)
    }

    pub(crate) fn query_match_percent(&self) -> f64 {
        likeness(self.distance, 256.0)
    }

    pub(crate) fn area(&self) -> u64 {
        u64::from(self.seen().width) * u64::from(self.seen().height)
    }

    fn newest(&self) -> Option<NaiveDate> {
        self.pages.iter().map(|page| page.seen).max()
    }

    fn compare(&self, other: &Self, sort: Sort) -> Ordering {
        match sort {
            Sort::Score => other.distance.cmp(&self.distance),
            Sort::Size => self.area().cmp(&other.area()),
            Sort::CrawlDate => self.newest().cmp(&other.newest()),
        }
    }
}

/// Searches the web for copies of a picture.
pub(crate) fn search(web: &Web, picture: &Fingerprint, question: &Question) -> Found {
    let copies = web.copies_of(picture);
    let total = copies.len();
    let mut matches: Vec<Match> = copies
        .into_iter()
        .filter_map(|(hung, distance)| asked_for(hung, distance, question))
        .collect();
    let filtered = matches.len();
    let tagged = |tag| {
        matches
            .iter()
            .filter(|one| one.tags().contains(&tag))
            .count()
    };
    let (stock, collection) = (tagged(Tag::Stock), tagged(Tag::Collection));
    let backlinks = matches.iter().map(|one| one.pages.len()).sum();
    matches.sort_by(|one, other| {
        let order = one.compare(other, question.sort);
        let order = if question.ascending {
            order
        } else {
            order.reverse()
        };
        // The same answer to the same question, also where two are equal.
        order.then_with(|| one.seen().file.cmp(&other.seen().file))
    });
    let limit = question.limit.unwrap_or(usize::MAX);
    let mut matches: Vec<Match> = matches
        .into_iter()
        .skip(question.offset)
        .take(limit)
        .collect();
    for one in &mut matches {
        one.pages
            .truncate(question.backlink_limit.unwrap_or(usize::MAX));
    }
    Found {
        matches,
        total,
        filtered,
        backlinks,
        stock,
        collection,
    }
}

fn asked_for(hung: Arc<Hung>, distance: u16, question: &Question) -> Option<Match> {
    let wanted = |page: &&Page| {
        question
            .domain
            .as_deref()
            .is_none_or(|name| belongs(page.page.host(), name))
    };
    let pages: Vec<Page> = hung.pages.iter().filter(wanted).cloned().collect();
    let tagged =
        question.tags.is_empty() || question.tags.iter().any(|tag| hung.tags.contains(tag));
    (tagged && !pages.is_empty()).then_some(Match {
        hung,
        distance,
        pages,
    })
}

/// Whether a host is this domain or below it.
fn belongs(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn likeness(distance: u16, whole: f64) -> f64 {
    (1000.0 * (1.0 - f64::from(distance) / whole)).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_runs_from_the_same_picture_to_the_weakest_match() {
        let scale = [
            (0, 100.0, 100.0),
            (2, 98.4, 99.2),
            (16, 87.5, 93.8),
            (31, 75.8, 87.9),
        ];
        for (distance, score, percent) in scale {
            assert!(
                (likeness(distance, 128.0) - score).abs() < 1e-9,
                "{distance}"
            );
            assert!(
                (likeness(distance, 256.0) - percent).abs() < 1e-9,
                "{distance}"
            );
        }
    }

    #[test]
    fn a_domain_covers_what_lies_below_it_and_nothing_that_only_ends_alike() {
        assert!(belongs("forum.example.org", "example.org"));
        assert!(belongs("example.org", "example.org"));
        assert!(!belongs("notexample.org", "example.org"));
    }
}
