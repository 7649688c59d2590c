//! After a change she sees the change (FRS-1): its answer waits a little, and if that is not enough, her next
//! read waits too and says "in a moment" rather than show yesterday.

use crate::problem::Problem;
use domain::ids::UserId;
use eventstore::Database;
use projections::{READ_MODELS, freshness};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Changes that are saved and were not shown when their answer left, by member.
#[derive(Debug, Clone)]
pub struct Fresh {
    database: Database,
    unshown: Arc<Mutex<HashMap<UserId, i64>>>,
    waits: bool,
}

impl Fresh {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            unshown: Arc::default(),
            waits: true,
        }
    }

    /// The same memory, for changes whose answer does not wait: the next read does.
    pub(crate) fn without_waiting(&self) -> Self {
        Self {
            waits: false,
            ..self.clone()
        }
    }

    /// Waits for a change of hers to be shown; if it is not in time, her next read will wait for it.
    pub(crate) async fn after_change(&self, who: UserId, read_models: &[&str], position: i64) {
        // A database that fails now cannot undo what is saved: that is not an error of the change.
        let reached = self.waits
            && freshness::reached(&self.database, read_models, position)
                .await
                .unwrap_or(false);
        if !reached {
            if self.waits {
                tracing::warn!(position, "a change is saved but not shown yet");
            }
            let mut unshown = self.unshown.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = unshown.entry(who).or_default();
            *newest = position.max(*newest);
        }
    }

    /// Lets a read pass once everything she changed is shown.
    ///
    /// # Errors
    /// [`Problem::NotShownYet`] after a bounded wait.
    pub(crate) async fn before_read(&self, who: UserId) -> Result<(), Problem> {
        let Some(position) = self.unshown_of(who) else {
            return Ok(());
        };
        if !freshness::reached(&self.database, &READ_MODELS, position).await? {
            return Err(Problem::NotShownYet);
        }
        let mut unshown = self.unshown.lock().unwrap_or_else(PoisonError::into_inner);
        if unshown.get(&who).is_some_and(|newest| *newest <= position) {
            unshown.remove(&who);
        }
        Ok(())
    }

    fn unshown_of(&self, who: UserId) -> Option<i64> {
        let unshown = self.unshown.lock().unwrap_or_else(PoisonError::into_inner);
        unshown.get(&who).copied()
    }
}
