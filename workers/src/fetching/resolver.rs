//! One look-up for each hop, and every answer of it checked: a name that changes its answer (rebinding) is asked no second time.

use super::NotFetched;
use super::address::{Place, Target};
use async_trait::async_trait;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Finds the addresses of a name.
#[async_trait]
pub(super) trait Resolver: Send + Sync {
    /// All addresses of `name`, an ASCII name without a dot at its end.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The dot makes the name complete, so that this machine's list of search domains adds nothing to it.
        let found = tokio::net::lookup_host((format!("{name}."), 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Addresses that were checked; made nowhere else. Never empty.
pub(super) struct Checked(Vec<SocketAddr>);

impl Checked {
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }
}

/// Looks the host up and refuses it if a single answer is not admitted: who mixes a private address into the answer means it.
pub(super) async fn resolve_once(
    resolver: &dyn Resolver,
    target: &Target,
    admits: fn(IpAddr) -> bool,
) -> Result<Checked, NotFetched> {
    let found = match target.host() {
        Place::Literal(address) => vec![*address],
        Place::Name(name) => {
            let found = resolver.addresses(name).await;
            found.map_err(|_| NotFetched::NameUnknown)?
        }
    };
    if found.is_empty() {
        return Err(NotFetched::NameUnknown);
    }
    if !found.iter().all(|address| admits(*address)) {
        return Err(NotFetched::NotPublic);
    }
    let with_port = |address| SocketAddr::new(address, target.port());
    Ok(Checked(found.into_iter().map(with_port).collect()))
}
