//! How many threads look at pictures.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::thread;

use rten::{RunOptions, ThreadPool};

/// Threads for each processor that the process may use. rten 0.27 cuts a product of matrices into as many columns as there are
/// threads, but none wider than 1,024: the 3,072 of a ViT-B/32 are three pieces for two threads, so that one of them waits. With
/// twice as many there are four. Measured on two processors, with prepacked weights: 76 ms a picture became 63; eight at once took
/// no longer, nor did one on a single processor.
const FOR_EACH: usize = 2;

/// One for all models of a process, as one replaces the other.
static POOL: LazyLock<Arc<ThreadPool>> = LazyLock::new(|| {
    // What a container or a mask of processors leaves to this process, which rten itself does not ask for.
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Arc::new(ThreadPool::with_num_threads(FOR_EACH * processors))
});

/// A run on these threads; whoever asks for it waits.
pub(super) fn shared() -> RunOptions {
    RunOptions::default().with_thread_pool(Some(Arc::clone(&POOL)))
}
