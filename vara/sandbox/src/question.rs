//! The parameters of a search, from the query or from the parts of a form; both are in use.

use std::collections::HashMap;
use std::str::FromStr;

use crate::pages::Tag;

/// Shortest value that `domain` accepts.
const DOMAIN_CHARACTERS_MIN: usize = 5;

/// What is asked of a search besides the picture, with TinEye's defaults.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) offset: usize,
    /// `None`: without limit, which callers write as `0`.
    pub(crate) limit: Option<usize>,
    /// `None`: without limit, which callers write as `0`.
    pub(crate) backlink_limit: Option<usize>,
    pub(crate) sort: Sort,
    pub(crate) ascending: bool,
    pub(crate) domain: Option<String>,
    /// Only pictures that carry one of these; empty: all.
    pub(crate) tags: Vec<Tag>,
}

/// By what matches are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Score,
    Size,
    CrawlDate,
}

impl Question {
    /// Reads the parameters; unknown ones are ignored.
    ///
    /// # Errors
    /// The sentence for the caller, about the first parameter that makes no sense.
    pub(crate) fn read(asked: &HashMap<String, String>) -> Result<Self, &'static str> {
        let asked = |name: &str| {
            asked
                .get(name)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        Ok(Self {
            offset: number(asked("offset"), 0).ok_or("offset must be a number of 0 or more")?,
            limit: limit(asked("limit")).ok_or("limit must be a number of 0 or more")?,
            backlink_limit: limit(asked("backlink_limit"))
                .ok_or("backlink_limit must be a number of 0 or more")?,
            sort: match asked("sort") {
                None | Some("score") => Sort::Score,
                Some("size") => Sort::Size,
                Some("crawl_date") => Sort::CrawlDate,
                Some(_) => return Err("sort must be score, size or crawl_date"),
            },
            ascending: match asked("order") {
                None | Some("desc") => false,
                Some("asc") => true,
                Some(_) => return Err("order must be asc or desc"),
            },
            domain: match asked("domain") {
                Some(name) if name.len() < DOMAIN_CHARACTERS_MIN => {
                    return Err("domain must be a complete domain name");
                }
                name => name.map(str::to_ascii_lowercase),
            },
            tags: tags(asked("tags")).ok_or("tags must be stock, collection or both")?,
        })
    }
}

fn number<N: FromStr>(text: Option<&str>, default: N) -> Option<N> {
    text.map_or(Some(default), |text| text.parse().ok())
}

fn limit(text: Option<&str>) -> Option<Option<usize>> {
    let limit = number(text, 100)?;
    Some((limit > 0).then_some(limit))
}

fn tags(text: Option<&str>) -> Option<Vec<Tag>> {
    let names = text.into_iter().flat_map(|text| text.split(','));
    names
        .map(|name| match name.trim() {
            "stock" => Some(Tag::Stock),
            "collection" => Some(Tag::Collection),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asked: &[(&str, &str)]) -> Result<Question, &'static str> {
        Question::read(
            &asked
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect(),
        )
    }

    #[test]
    fn the_defaults_are_those_of_the_fact_sheet() {
        let question = read(&[("pretty", "true"), ("unknown", "x")]).unwrap();
        assert_eq!(
            (question.offset, question.limit, question.backlink_limit),
            (0, Some(100), Some(100))
        );
        assert_eq!((question.sort, question.ascending), (Sort::Score, false));
        assert_eq!((question.domain, question.tags), (None, vec![]));
    }

    #[test]
    fn zero_means_without_limit() {
        let question = read(&[("limit", "0"), ("backlink_limit", "0")]).unwrap();
        assert_eq!((question.limit, question.backlink_limit), (None, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            ("offset", "-1"),
            ("limit", "many"),
            ("backlink_limit", "1.5"),
            ("sort", "age"),
            ("order", "up"),
            ("domain", "a.b"),
            ("tags", "stock,other"),
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong:?}");
        }
        assert_eq!(
            read(&[("tags", "stock, collection")]).unwrap().tags.len(),
            2
        );
    }
}
