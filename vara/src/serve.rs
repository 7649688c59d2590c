//! A listening port on this machine, and what is served there.

use anyhow::Context;
use poem::listener::{Acceptor, Listener, TcpAcceptor, TcpListener};
use poem::{Endpoint, Server};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// How long open requests may take to end after a stop was asked for.
const LAST_REQUESTS: Duration = Duration::from_secs(3);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(75);

/// A port that is ours and not served yet, so that its number can be told before.
pub struct Listening {
    acceptor: TcpAcceptor,
    port: u16,
}

/// Takes a port on 127.0.0.1; 0 takes any free one.
pub async fn listen(port: u16) -> anyhow::Result<Listening> {
    let listener = TcpListener::bind(("127.0.0.1", port));
    let acceptor = listener.into_acceptor().await.with_context(|| {
        format!("port {port} is taken by another program; choose another with --port, or --port 0")
    })?;
    let address = acceptor.local_addr();
    let port = address
        .first()
        .and_then(|address| address.0.as_socket_addr())
        .map(std::net::SocketAddr::port)
        .context("the port of the listener is not known")?;
    Ok(Listening { acceptor, port })
}

impl Listening {
    /// The address, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves until `stop` comes back, and lets open requests end.
    pub async fn serve(
        self,
        routes: impl Endpoint + 'static,
        stop: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let stop = async move {
            if let Err(fault) = stop.await {
                tracing::error!(%fault, "signals cannot be heard; stopping");
            }
        };
        Server::new_with_acceptor(self.acceptor)
            .idle_timeout(IDLE)
            .run_with_graceful_shutdown(routes, stop, Some(LAST_REQUESTS))
            .await
            .context("serving broke off")
    }
}

/// Writes the addresses for whoever waits for them.
pub fn tell_ready(file: Option<&Path>, addresses: &serde_json::Value) -> anyhow::Result<()> {
    match file {
        Some(file) => crate::running::write_whole(file, addresses.to_string().as_bytes(), 0o644),
        None => Ok(()),
    }
}
