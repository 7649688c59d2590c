//! Where the sandbox reads the clock; nowhere else.
//!
//! It cannot use `eventstore::edge`: it stands for an outside service and knows nothing of ours.

use chrono::{DateTime, Utc};

/// The present time.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of a stand-in for an outside service"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
