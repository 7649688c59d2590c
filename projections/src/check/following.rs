//! The check that is carried on: each look folds only what came since the last one, and compares it with what the projector
//! wrote down meanwhile. It costs as much as the new events, and holds the rows of the whole log in memory.

use super::{Replay, history, one_view};
use crate::generation;
use crate::projector::ReadModel;
use crate::rebuild::{RebuildFault, read_ahead};
use crate::{Operation, named};
use eventstore::{Vault, checkpoint};
use futures::future::BoxFuture;
use sqlx::PgPool;
use std::collections::VecDeque;

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// The position up to which both were compared.
    pub position: i64,
    /// The first position at which the projector's digest may have parted from the log's; none where they agree.
    pub diverges_at: Option<i64>,
}

/// A read model, followed from look to look.
pub trait Follow: Send {
    /// Goes on to where the read model stands now. Rows that were changed behind the projector's back are not seen
    /// ([`check`](super::check) sees them), a mistake of its own is.
    fn follow<'a>(
        &'a mut self,
        pool: &'a PgPool,
        vault: &'a Vault,
    ) -> BoxFuture<'a, Result<Followed, RebuildFault>>;
}

/// Begins to follow the read model of this name, from zero; nothing where none is called so.
pub async fn following(name: &str) -> Option<Box<dyn Follow>> {
    named(name, Begin).await
}

struct Begin;

impl Operation for Begin {
    type Output = Box<dyn Follow>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        Box::new(Following::<M> {
            replay: Replay::begin(VecDeque::new()),
            position: 0,
        })
    }
}

struct Following<M> {
    replay: Replay<M>,
    position: i64,
}

impl<M: ReadModel> Follow for Following<M> {
    fn follow<'a>(
        &'a mut self,
        pool: &'a PgPool,
        vault: &'a Vault,
    ) -> BoxFuture<'a, Result<Followed, RebuildFault>> {
        Box::pin(self.go_on(pool, vault))
    }
}

impl<M: ReadModel> Following<M> {
    async fn go_on(&mut self, pool: &PgPool, vault: &Vault) -> Result<Followed, RebuildFault> {
        let mut tx = one_view(pool).await?;
        let live = generation::live(&mut tx, M::NAME).await?;
        let position = checkpoint::read(&mut *tx, M::NAME).await?;
        let new = history(&mut tx, M::NAME, &live, self.position).await?;
        tx.commit().await?;
        self.replay.history.extend(new);
        let mut pages = read_ahead::<M>(pool.clone(), vault.clone(), self.position, position);
        while let Some(page) = pages.next::<M>().await? {
            for event in page {
                self.replay.take(event).await?;
            }
        }
        self.replay.end(position)?;
        self.position = position;
        let written = live.digest.unwrap_or_default();
        let parted = self.replay.parted.map(|(agreed, _)| agreed + 1);
        let differs = (written != self.replay.digest).then_some(position);
        Ok(Followed {
            position,
            diverges_at: parted.or(differs),
        })
    }
}
