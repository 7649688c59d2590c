//! A page of a list (LIM-11).

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// 1 to 100.
    pub size: u32,
}

impl Page {
    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number.saturating_sub(1)) * i64::from(self.size)
    }

    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size)
    }
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone)]
pub struct Listed<R> {
    /// The rows of this page.
    pub rows: Vec<R>,
    /// Rows of all pages.
    pub total: i64,
}
