//! Hosts that stand in the operator's own network: loopback and private addresses, and nothing else.
//!
//! A model host is part of Vara's house, not one of the outside engines that she is asked about, so a picture must not
//! reach a public address by a name that was mistyped or answers otherwise one day.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Whether an address belongs to a network of one's own: loopback, private (RFC 1918), unique local (RFC 4193).
pub(super) fn is_own(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// Whether an address on the web may stand for a model host, as far as its text tells; names are looked at when they are
/// resolved.
pub(super) fn may_be_own(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_own(address.into()),
        Some(Host::Ipv6(address)) => is_own(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

/// The resolver of this machine, of which only names are believed that lead into one's own network with every answer.
#[derive(Debug)]
struct OwnNetwork;

impl Resolve for OwnNetwork {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if found.iter().all(|address| is_own(address.ip())) {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            Err(io::Error::other("a name leads out of the own network").into())
        })
    }
}

/// The resolver for a client that asks model hosts.
pub(super) fn resolver() -> Arc<impl Resolve> {
    Arc::new(OwnNetwork)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_private_addresses_are_ones_own_and_public_ones_are_not() {
        let own = [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.7",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "::1",
            "fd12::1",
            "fc00::1",
            "::ffff:10.0.0.1",
        ];
        let others = [
            "8.8.8.8",
            "172.32.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "2606:4700::1111",
            "fe80::1",
            "::",
            "::ffff:8.8.8.8",
            "ff02::1",
            "100.64.0.1",
        ];
        for address in own {
            assert!(is_own(address.parse().unwrap()), "{address}");
        }
        for address in others {
            assert!(!is_own(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_resolved() {
        let found = OwnNetwork.resolve("localhost".parse().unwrap()).await;
        assert!(found.unwrap().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn an_address_that_is_public_by_its_text_is_seen_before_anything_is_asked() {
        for (url, own) in [
            ("http://127.0.0.1:8001/", true),
            ("http://[::1]:8001/", true),
            ("http://models.internal/", true),
            ("https://1.1.1.1/", false),
            ("http://[2606:4700::1111]/", false),
            ("data:,x", false),
        ] {
            assert_eq!(may_be_own(&Url::parse(url).unwrap()), own, "{url}");
        }
    }
}
