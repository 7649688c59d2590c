//! Which addresses are public: the edges of every block, and what the standard library says, as a second opinion.

use super::super::reachable::is_public;
use std::net::{IpAddr, Ipv4Addr};

/// First and last addresses of blocks, metadata services, addresses in disguise.
const NOT_PUBLIC: [&str; 76] = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "100.100.100.200",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "168.63.129.16",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.0",
    "192.0.2.255",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::169.254.169.254",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::",
    "64:ff9b:1:ffff::a00:1",
    "100::",
    "100::1",
    "100:0:0:1::1",
    "1fff:ffff::1",
    "2001::",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::",
    "2001:db8:ffff::1",
    "2002::",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::",
    "3fff:fff:ffff::1",
    "4000::",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
];

/// Neighbours of blocks, and addresses of well-known places.
const PUBLIC: [&str; 42] = [
    "1.0.0.0",
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2003::1",
    "2400::1",
    "2606:4700::1111",
    "2620:fe::fe",
    "2a00:1450::1",
    "2c00::1",
    "3ffe:ffff::1",
    "3fff:1000::1",
];

#[test]
fn what_is_not_public_is_refused_up_to_the_edges_of_its_block() {
    for text in NOT_PUBLIC {
        let address: IpAddr = text.parse().unwrap();
        assert!(!is_public(address), "{text}");
    }
}

#[test]
fn the_neighbours_of_a_block_are_public() {
    for text in PUBLIC {
        let address: IpAddr = text.parse().unwrap();
        assert!(is_public(address), "{text}");
    }
}

#[test]
fn whatever_the_standard_library_calls_special_is_refused() {
    // One address in each of the 65,536 blocks of 16 bits, and the first 256 of each block that begins with 192, 198 or 203.
    let sampled = (0..=u16::MAX).map(|high| Ipv4Addr::from_bits(u32::from(high) << 16 | 1));
    let dense = [192_u32, 198, 203].into_iter().flat_map(|first| {
        (0..=u16::MAX).map(move |middle| Ipv4Addr::from_bits(first << 24 | u32::from(middle) << 8))
    });
    let mut special = 0;
    for address in sampled.chain(dense) {
        let not_global = address.is_unspecified()
            || address.is_loopback()
            || address.is_private()
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_multicast();
        assert!(!(not_global && is_public(address.into())), "{address}");
        special += usize::from(not_global);
    }
    assert!(special > 4_000, "{special}");
}
