//! The turn that makes a picture upright (PIP-2), as a number of yes and no.

/// What makes a picture upright: whether its rows become columns, and which ends change places after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Whether rows become columns.
    pub lies: bool,
    /// Whether left and right change places after that.
    pub left_right: bool,
    /// Whether top and bottom do.
    pub top_bottom: bool,
}

impl Turn {
    /// For a picture that is upright as it is.
    pub(crate) const NONE: Self = Self {
        lies: false,
        left_right: false,
        top_bottom: false,
    };

    /// Whether the pixels of a stored row are to be read from its end.
    pub(crate) const fn reads_rows_backwards(self) -> bool {
        if self.lies {
            self.top_bottom
        } else {
            self.left_right
        }
    }

    /// Whether the stored rows are to be read from the last one.
    pub(crate) const fn reads_from_the_last_row(self) -> bool {
        if self.lies {
            self.left_right
        } else {
            self.top_bottom
        }
    }
}
