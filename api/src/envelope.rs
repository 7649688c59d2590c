//! What every successful answer is wrapped in (contract, section 2).
//!
//! `types::Type` stays behind its path: imported, its `is_empty` would hide that of `str`.

use crate::problem::Problem;
use poem_openapi::Object;
use poem_openapi::payload::Json;
use poem_openapi::types::{self, ParseFromJSON, ToJSON};
use projections::page::{Listed, Page};
use serde_json::Value;

/// Most rows of one page (LIM-11).
const LIMIT_MAX: u32 = 100;
/// Rows of a page where nothing is said (LIM-11).
const LIMIT: u32 = 20;

/// One thing.
#[derive(Debug, Object)]
pub struct One<T: types::Type + ParseFromJSON + ToJSON> {
    /// The thing.
    pub data: T,
}

/// A page of things.
#[derive(Debug, Object)]
pub struct Many<T: types::Type + ParseFromJSON + ToJSON> {
    /// The things of this page.
    pub data: Vec<T>,
    /// About the whole list.
    pub meta: Meta,
}

/// About a whole list.
#[derive(Debug, Object)]
pub struct Meta {
    /// Where this page stands.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Pagination {
    /// This page, from 1.
    pub page: u32,
    /// Rows of a page.
    pub limit: u32,
    /// Rows of all pages.
    pub total: i64,
    /// Pages; 0 for an empty list.
    pub total_pages: i64,
}

/// One thing, ready to be sent.
pub fn one<T: types::Type + ParseFromJSON + ToJSON>(data: T) -> Json<One<T>> {
    Json(One { data })
}

/// A page of things, ready to be sent; each row is shown by `show`.
///
/// # Errors
/// What `show` says about a row that makes no sense.
pub fn many<R, T: types::Type + ParseFromJSON + ToJSON>(
    listed: Listed<R>,
    page: Page,
    show: impl Fn(R) -> Result<T, Problem>,
) -> Result<Json<Many<T>>, Problem> {
    let (limit, total) = (page.size, listed.total);
    let pagination = Pagination {
        page: page.number,
        limit,
        total,
        total_pages: (total + i64::from(limit) - 1) / i64::from(limit),
    };
    let meta = Meta { pagination };
    let data = listed
        .rows
        .into_iter()
        .map(show)
        .collect::<Result<_, _>>()?;
    Ok(Json(Many { data, meta }))
}

/// The page that is asked for (LIM-11).
///
/// # Errors
/// Validation, for a page below 1 or a limit outside 1 to 100.
pub fn page(page: Option<u32>, limit: Option<u32>) -> Result<Page, Problem> {
    let (number, size) = (page.unwrap_or(1), limit.unwrap_or(LIMIT));
    if number == 0 {
        return Err(Problem::field("page", "Pages count from 1.", "LIM-11"));
    }
    if size == 0 || size > LIMIT_MAX {
        return Err(Problem::field(
            "limit",
            "A page has between 1 and 100 rows.",
            "LIM-11",
        ));
    }
    Ok(Page { number, size })
}

/// A code of a row as the type the contract names.
///
/// # Errors
/// A fault of ours, naming the column, for a code that nobody writes.
pub fn known<T: ParseFromJSON>(column: &'static str, code: &str) -> Result<T, Problem> {
    T::parse_from_json(Some(Value::String(code.to_owned()))).map_err(|_| {
        tracing::error!(column, "a row holds a code that nobody writes");
        Problem::Internal
    })
}

/// The codes of a comma list, each one checked against the type the contract names.
///
/// # Errors
/// Validation, for a code outside the type.
pub fn codes<T: ParseFromJSON>(field: &str, list: Option<String>) -> Result<Vec<String>, Problem> {
    let list = list.unwrap_or_default();
    let codes = list
        .split(',')
        .map(str::trim)
        .filter(|code| !code.is_empty());
    codes
        .map(
            |code| match T::parse_from_json(Some(Value::String(code.to_owned()))) {
                Ok(_) => Ok(code.to_owned()),
                Err(_) => Err(Problem::field(field, "This filter has no such value.", "")),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::AlertStatus;

    #[test]
    fn a_comma_list_is_checked_code_by_code() {
        let listed = |list: Option<&str>| codes::<AlertStatus>("status", list.map(str::to_owned));
        assert_eq!(listed(None), Ok(vec![]));
        assert_eq!(listed(Some("NEW, VIEWED,")).unwrap(), ["NEW", "VIEWED"]);
        assert!(matches!(
            listed(Some("NEW,OLD")),
            Err(Problem::Validation(_))
        ));
    }

    #[test]
    fn a_page_counts_from_one_and_has_at_most_a_hundred_rows() {
        // LIM-11
        assert_eq!(
            page(None, None).unwrap(),
            Page {
                number: 1,
                size: 20
            }
        );
        assert!(page(Some(0), None).is_err() && page(None, Some(0)).is_err());
        assert!(page(None, Some(101)).is_err() && page(None, Some(100)).is_ok());
    }
}
