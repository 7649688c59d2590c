//! A reader of the log that one process keeps at a time, for work too dear to be done twice: slice by slice, each taken up
//! again until it is done, and the position written down after each.
//!
//! It goes on where it stopped, whoever goes on. What a slice leads to must be named by its events all the same: a process
//! that ends between the work and the position leaves the slice to the next one.

use crate::checkpoint::Lease;
use crate::feed::Feed;
use crate::log::ReadFault;
use crate::recorded::Recorded;
use crate::work::Attempt;
use crate::{checkpoint, edge};
use sqlx::PgPool;
use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

/// Longest wait before a slice is tried again.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Which events make up a slice.
#[derive(Debug, Clone, Copy)]
pub struct Slices {
    /// Whether an event is worked on; all others are passed by.
    pub wanted: fn(&Recorded) -> bool,
    /// Most of them in one slice.
    pub at_once: usize,
}

/// Hands slice after slice of what is wanted to `work` until the process ends; it is dropped where it waits when another
/// process takes the reader over.
///
/// What is given up is told in the log and left behind: nothing waits for it.
pub async fn run<W, F>(
    pool: PgPool,
    name: impl Into<Cow<'static, str>>,
    mut feed: Feed,
    slices: Slices,
    work: W,
) where
    W: Fn(Vec<Recorded>) -> F,
    F: Future<Output = Attempt>,
{
    let mut reader = Reader {
        name: name.into(),
        pool,
        slices,
        tried: 0,
    };
    loop {
        if let Err(fault) = reader.follow(&mut feed, &work).await {
            tracing::warn!(reader = %reader.name, %fault, "a reader of the log waits and starts again");
            reader.tried += 1;
        }
        let base = Duration::from_millis(500);
        tokio::time::sleep(edge::backoff(reader.tried, base, WAIT_MAX)).await;
    }
}

struct Reader {
    name: Cow<'static, str>,
    pool: PgPool,
    slices: Slices,
    /// How often in a row something was in the way.
    tried: u32,
}

impl Reader {
    /// Reads on until something is in the way, or somebody else keeps the reader.
    async fn follow<W, F>(&mut self, feed: &mut Feed, work: &W) -> Result<(), ReadFault>
    where
        W: Fn(Vec<Recorded>) -> F,
        F: Future<Output = Attempt>,
    {
        let mut lease = Lease::new(self.pool.clone(), self.name.clone(), edge::this_process());
        let Some(term) = lease.renew().await? else {
            tokio::time::sleep(checkpoint::LEASE / 6).await;
            return Ok(());
        };
        let mut position = checkpoint::resume(&self.pool, &self.name).await?;
        loop {
            let batch = feed.next(position).await?;
            if lease.renew().await? != Some(term) {
                return Ok(());
            }
            let Some(last) = batch.last() else {
                continue;
            };
            if !checkpoint::stands(&self.pool, &self.name, position, last).await? {
                return Ok(());
            }
            for (until, slice) in self.sliced(batch) {
                if !slice.is_empty() && !self.is_done(&mut lease, term, slice, work).await? {
                    return Ok(());
                }
                if !checkpoint::advance(&self.pool, &self.name, position, until).await? {
                    return Ok(());
                }
                position = until;
                self.tried = 0;
            }
        }
    }

    /// The batch in slices, each with the position that is reached when it is done.
    fn sliced(&self, batch: Vec<Recorded>) -> Vec<(i64, Vec<Recorded>)> {
        let mut slices: Vec<(i64, Vec<Recorded>)> = Vec::new();
        for event in batch {
            let wanted = (self.slices.wanted)(&event);
            let full = |slice: &Vec<Recorded>| wanted && slice.len() >= self.slices.at_once;
            if slices.last().is_none_or(|(_, slice)| full(slice)) {
                slices.push((0, Vec::new()));
            }
            if let Some((until, slice)) = slices.last_mut() {
                *until = event.position;
                slice.extend(wanted.then_some(event));
            }
        }
        slices
    }

    /// Works on a slice while the reader is ours; whether it is done.
    async fn is_done<W, F>(
        &mut self,
        lease: &mut Lease,
        term: i64,
        slice: Vec<Recorded>,
        work: &W,
    ) -> Result<bool, ReadFault>
    where
        W: Fn(Vec<Recorded>) -> F,
        F: Future<Output = Attempt>,
    {
        let working = work(slice);
        tokio::pin!(working);
        let ended = loop {
            tokio::select! {
                ended = &mut working => break ended,
                () = tokio::time::sleep(checkpoint::LEASE / 3) => {
                    if lease.renew().await? != Some(term) {
                        return Ok(false);
                    }
                }
            }
        };
        match ended {
            Attempt::Done => Ok(true),
            Attempt::TryAgain => {
                self.tried += 1;
                Ok(false)
            }
            Attempt::GiveUp(why) => {
                tracing::error!(reader = %self.name, %why, "something is left undone");
                Ok(true)
            }
        }
    }
}
