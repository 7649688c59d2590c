//! Commands that are on their way to the lane: a batch waits a moment for them, because one batch of many costs little
//! more than one of few, and whoever misses it waits for two.

use super::{Append, Reply};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Longest wait of a batch, whatever the disk takes.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// How many commands are loading or deciding.
#[derive(Debug, Default)]
pub(super) struct Coming {
    count: AtomicUsize,
    changed: Notify,
}

/// One of them; it has arrived, or comes to nothing, when this is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay(Arc<Coming>);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}

impl Coming {
    pub(super) fn one_more(of: &Arc<Self>) -> OnItsWay {
        of.count.fetch_add(1, Ordering::AcqRel);
        OnItsWay(Arc::clone(of))
    }

    /// Takes what comes until all are there that are on their way now, at most so long; says whether it waited.
    pub(super) async fn gather(
        &self,
        waiting: &mut mpsc::Receiver<(Append, Reply)>,
        held: &mut VecDeque<(Append, Reply)>,
        most: Duration,
    ) -> bool {
        let awaited = held.len() + self.count.load(Ordering::Acquire);
        let until = Instant::now() + most.min(WAIT_MAX);
        let waits = held.len() < awaited;
        while held.len() < awaited && self.count.load(Ordering::Acquire) > 0 {
            tokio::select! {
                biased;
                next = waiting.recv() => match next {
                    Some(next) => held.push_back(next),
                    None => break,
                },
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    fn an_append() -> (Append, Reply) {
        let append = crate::lane::an_append("1", Uuid::nil(), 0, "");
        (append, oneshot::channel().0)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn with_nobody_on_the_way_nothing_waits() {
        let (_queue, mut waiting) = mpsc::channel(8);
        let mut held = VecDeque::from([an_append()]);
        assert!(
            !Coming::default()
                .gather(&mut waiting, &mut held, LONG)
                .await
        );
        assert_eq!(held.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_on_the_way_are_taken_along_and_those_that_come_to_nothing_are_not_awaited() {
        let (queue, mut waiting) = mpsc::channel(8);
        let coming = Arc::new(Coming::default());
        let (one, two) = (Coming::one_more(&coming), Coming::one_more(&coming));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            queue.send(an_append()).await.unwrap();
            drop(one);
            tokio::time::sleep(Duration::from_millis(2)).await;
            // Refused: no events.
            drop(two);
            std::future::pending::<()>().await;
        });
        let (begun, mut held) = (Instant::now(), VecDeque::from([an_append()]));
        assert!(coming.gather(&mut waiting, &mut held, LONG).await);
        assert_eq!((held.len(), begun.elapsed()), (2, Duration::from_millis(4)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_too_long_is_not_awaited() {
        let (_queue, mut waiting) = mpsc::channel(8);
        let coming = Arc::new(Coming::default());
        let _slow = Coming::one_more(&coming);
        for (most, waited) in [(Duration::from_millis(3), 3), (LONG, 20)] {
            let (begun, mut held) = (Instant::now(), VecDeque::from([an_append()]));
            coming.gather(&mut waiting, &mut held, most).await;
            assert_eq!(
                (held.len(), begun.elapsed()),
                (1, Duration::from_millis(waited))
            );
        }
    }
}
