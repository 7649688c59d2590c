//! The two ways in which a person or a system asks Vara to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Comes back when Ctrl-C or SIGTERM arrives.
pub async fn asked() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
