//! Nobody reaches the canary: by no spelling of an address, by no redirect, by no name.

use super::super::{Bounds, Fetcher, NotFetched};
use super::hostile_numbers::NUMBERS;
use super::hostile_words::WORDS;
use super::world::{
    Canary, Detour, Here, LOOPBACK, Names, PUBLIC, Server, fetcher, fetcher_that_admits, hasty,
    installed, patient, redirect,
};
use crate::providers::Retry;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Every hostile address with its refusal and its reason.
fn hostile() -> impl Iterator<Item = &'static (&'static str, NotFetched, &'static str)> {
    NUMBERS.iter().chain(WORDS)
}

/// What the name server says in these tests.
pub(super) fn answer_of(name: &str) -> Vec<IpAddr> {
    let texts: &[&str] = match name {
        "good.test" | "start.test" => return vec![PUBLIC],
        "mixed.test" => return vec![PUBLIC, LOOPBACK],
        "metadata.google.internal" => &["169.254.169.254"],
        "mapped.test" => &["::ffff:127.0.0.1"],
        "nat64.test" => &["64:ff9b::7f00:1"],
        "six.test" => &["fd12::1", "2600::1"],
        "zero.test" => &["0.0.0.0"],
        _ => return vec![LOOPBACK],
    };
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn names() -> Arc<Names> {
    Names::that(|name, _| answer_of(name))
}

/// Bounds under which the canary's own port may be asked, so that only the check of the host stands before it.
fn with_port_of(canary: &Canary) -> Bounds {
    Bounds {
        ports: vec![80, 443, canary.at.port()],
        ..patient()
    }
}

#[test]
fn the_table_is_long_and_says_nothing_twice() {
    let different: HashSet<&str> = hostile().map(|(address, _, _)| *address).collect();
    assert_eq!(different.len(), hostile().count());
    assert!(hostile().count() >= 120, "{}", hostile().count());
}

#[tokio::test]
async fn a_hostile_address_is_refused_before_anything_is_connected_to() {
    let (canary, names) = (Canary::start(), names());
    let detour = Detour::to(&[], &canary);
    let port = format!(":{}", canary.at.port());
    // As it stands, with the ports of the rules; then with the canary's own port, which these bounds allow.
    for (bounds, port) in [(patient(), ""), (with_port_of(&canary), port.as_str())] {
        let fetcher = fetcher(&names, &detour, bounds);
        for (address, refusal, why) in hostile() {
            let asked_before = names.asked().len();
            let refused = fetcher.picture(&address.replace("{}", port)).await;
            assert_eq!(refused, Err(refusal.clone()), "{address}: {why}");
            assert_eq!(refusal.retry(), Retry::GiveUp, "{address}");
            assert!(names.asked().len() <= asked_before + 1, "{address}");
        }
    }
    assert_eq!(canary.reached(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_hostile_address_is_refused_at_that_hop() {
    let (canary, names) = (Canary::start(), names());
    let port = format!(":{}", canary.at.port());
    let mut hops = 0;
    for (address, _, why) in hostile() {
        // A header can carry everything but control characters.
        if address.contains(|c: char| c.is_ascii_control() && c != '\t') {
            continue;
        }
        let to = address.replace("{}", &port);
        let web = Server::plain(move |_| redirect(&to));
        let detour = Detour::to(&[(80, &web)], &canary);
        let fetcher = fetcher(&names, &detour, with_port_of(&canary));
        let refused = fetcher
            .picture("http://start.test/a.png")
            .await
            .unwrap_err();
        assert_eq!(
            refused.retry(),
            Retry::GiveUp,
            "{address}: {why}: {refused}"
        );
        hops += web.asked().len();
    }
    assert!(hops >= 120, "{hops}");
    assert_eq!(canary.reached(), 0);
}

#[tokio::test]
async fn a_name_with_any_answer_that_is_not_public_is_refused() {
    // Every kind of answer, alone, before and behind a public one.
    let canary = Canary::start();
    let kinds = [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001::1",
        "2001:db8::1",
        "100::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for kind in kinds {
        let private: IpAddr = kind.parse().unwrap();
        for answers in [vec![private], vec![PUBLIC, private], vec![private, PUBLIC]] {
            let names = Names::that(move |_, _| answers.clone());
            let fetcher = fetcher(&names, &Detour::to(&[], &canary), patient());
            for address in ["http://pictures.test/", "https://pictures.test/"] {
                let refused = fetcher.picture(address).await;
                assert_eq!(refused, Err(NotFetched::NotPublic), "{kind}");
            }
        }
    }
    assert_eq!(canary.reached(), 0);
}

#[tokio::test]
async fn the_fetcher_of_production_is_strict() {
    // SHR-7
    installed();
    let fetcher = Fetcher::new(Arc::new(Here)).unwrap();
    let bounds = &fetcher.bounds;
    assert_eq!(bounds.ports, [80, 443]);
    assert_eq!((bounds.total.as_secs(), bounds.redirects_max), (10, 3));
    assert_eq!(bounds.bytes_max, 10 * 1_024 * 1_024);
    let canary = Canary::start();
    for (address, refusal) in [
        ("http://127.0.0.1/", NotFetched::NotPublic),
        ("http://[::1]/", NotFetched::NotPublic),
        (&format!("http://{}/", canary.at), NotFetched::Port),
        // A name that nobody has (RFC 6761), asked of this machine's resolver.
        ("http://nobody.invalid/", NotFetched::NameUnknown),
    ] {
        assert_eq!(fetcher.picture(address).await, Err(refusal), "{address}");
    }
    assert_eq!(canary.reached(), 0);
}

#[tokio::test]
async fn a_name_without_an_answer_may_be_tried_again() {
    let canary = Canary::start();
    let fetcher = fetcher(
        &Names::that(|_, _| vec![]),
        &Detour::to(&[], &canary),
        patient(),
    );
    let refused = fetcher.picture("http://nowhere.test/").await.unwrap_err();
    assert_eq!(refused, NotFetched::NameUnknown);
    assert_eq!(refused.retry(), Retry::TryAgain { after: None });
}

#[tokio::test]
async fn an_address_that_is_too_long_is_not_read() {
    let (canary, names) = (Canary::start(), names());
    let fetcher = fetcher(&names, &Detour::to(&[], &canary), patient());
    let long_name = format!("http://{}test/", "a.".repeat(130));
    let long_path = format!("http://good.test/{}", "a".repeat(8_000));
    for address in [long_name, long_path] {
        assert_eq!(
            fetcher.picture(&address).await,
            Err(NotFetched::NotAnAddress)
        );
    }
    assert!(names.asked().is_empty());
}

#[tokio::test]
async fn without_the_check_the_canary_is_reached_so_its_silence_means_something() {
    let canary = Canary::start();
    let detour = Detour::to(&[], &canary);
    let bounds = Bounds {
        ports: vec![80, canary.at.port()],
        ..hasty()
    };
    let unchecked = fetcher_that_admits(|_| true, &names(), &detour, bounds);
    let literal = format!("http://0x7f.1:{}/", canary.at.port());
    for (visits, address) in [literal.as_str(), "http://foo.localhost/"]
        .iter()
        .enumerate()
    {
        let refused = unchecked.picture(address).await.unwrap_err();
        assert_eq!(
            refused.retry(),
            Retry::TryAgain { after: None },
            "{refused}"
        );
        assert_eq!(canary.reached(), visits + 1, "{address}");
    }
}
