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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_where_the_one_before_it_ends() {
        // LIM-11
        for (number, size, offset) in [(1, 20, 0), (2, 20, 20), (7, 100, 600), (3, 1, 2)] {
            let page = Page { number, size };
            assert_eq!((page.offset(), page.limit()), (offset, i64::from(size)));
        }
    }

    #[test]
    fn no_number_of_a_page_is_too_large_or_too_small() {
        let last = Page {
            number: u32::MAX,
            size: 100,
        };
        assert_eq!(last.offset(), 429_496_729_400);
        let before_the_first = Page {
            number: 0,
            size: 20,
        };
        assert_eq!(before_the_first.offset(), 0);
    }
}
