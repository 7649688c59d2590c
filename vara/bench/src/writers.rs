//! Many writers at once, each of which waits for its answer before it asks again.

use crate::plan::Span;
use crate::statistics::Call;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Calls again and again from so many tasks until the time is over, and tells every call that was answered.
///
/// # Errors
/// The first call that fails ends the whole.
pub async fn drive<F, Fut>(writers: u32, span: Span, once: F) -> anyhow::Result<Vec<Call>>
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let start = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..writers {
        let once = once.clone();
        running.spawn(async move { one_writer(start, span.whole(), once).await });
    }
    let mut calls = Vec::new();
    while let Some(ended) = running.join_next().await {
        calls.extend(ended??);
    }
    Ok(calls)
}

async fn one_writer<F, Fut>(start: Instant, whole: Duration, once: F) -> anyhow::Result<Vec<Call>>
where
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let mut calls = Vec::new();
    loop {
        let begun = start.elapsed();
        if begun >= whole {
            return Ok(calls);
        }
        once().await?;
        let ended = start.elapsed();
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        calls.push(Call {
            ended_us: micros(ended),
            took_us: micros(ended - begun),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Sample;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const SPAN: Span = Span {
        warm_up: Duration::from_millis(20),
        measured: Duration::from_millis(100),
    };

    #[tokio::test]
    async fn every_writer_asks_and_every_answer_is_told_once() {
        let answered = Arc::new(AtomicU32::new(0));
        let told = {
            let answered = Arc::clone(&answered);
            drive(3, SPAN, move || {
                let answered = Arc::clone(&answered);
                async move {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
            })
        };
        let calls = told.await.unwrap();
        assert_eq!(calls.len(), answered.load(Ordering::Relaxed) as usize);
        assert!(
            calls
                .iter()
                .all(|call| call.took_us >= 10_000 && call.took_us <= call.ended_us)
        );
        // Three writers, at most one answer in each 10 ms.
        let sample = Sample::of(&calls, SPAN).unwrap();
        assert!(sample.took_us.len() <= 30, "{}", sample.took_us.len());
    }

    #[tokio::test]
    async fn one_failure_ends_the_whole() {
        let failed = drive(2, SPAN, || async { anyhow::bail!("the server is gone") }).await;
        assert_eq!(failed.unwrap_err().to_string(), "the server is gone");
    }
}
