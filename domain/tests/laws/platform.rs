//! Platforms of hosts (PLT-1): the host or a name below it, never a substring.

use domain::matches::PageAddress;
use domain::platform::Platform;
use proptest::prelude::*;
use std::collections::HashSet;

/// PLT-1, written out once more: the rule and its test must not share a table.
const HOSTS: [(&str, Platform); 11] = [
    ("instagram.com", Platform::Instagram),
    ("facebook.com", Platform::Facebook),
    ("fb.com", Platform::Facebook),
    ("twitter.com", Platform::Twitter),
    ("x.com", Platform::Twitter),
    ("tiktok.com", Platform::Tiktok),
    ("linkedin.com", Platform::Linkedin),
    ("youtube.com", Platform::Youtube),
    ("reddit.com", Platform::Reddit),
    ("pinterest.com", Platform::Pinterest),
    ("tumblr.com", Platform::Tumblr),
];

fn entry() -> impl Strategy<Value = (&'static str, Platform)> {
    prop::sample::select(&HOSTS[..])
}

proptest! {
    #[test]
    fn every_name_below_a_host_belongs_to_its_platform(
        (host, platform) in entry(),
        below in "([a-z0-9]{1,6}\\.){0,3}",
    ) {
        prop_assert_eq!(Platform::of_host(&format!("{below}{host}")), Some(platform));
    }

    #[test]
    fn letters_before_a_host_make_it_another_host(
        (host, _) in entry(),
        before in "[a-z0-9-]{1,8}",
    ) {
        // PLT-1, changed: `notx.com`, `netflix.com` and `max.com` were taken for X
        let longer = format!("{before}{host}");
        let known = HOSTS.iter().find(|(other, _)| *other == longer);
        prop_assert_eq!(Platform::of_host(&longer), known.map(|(_, p)| *p), "{}", longer);
    }

    #[test]
    fn anything_after_a_host_makes_it_another_host(
        (host, _) in entry(),
        after in "(\\.?[a-z0-9-]{1,6}){1,3}",
    ) {
        prop_assert_eq!(Platform::of_host(&format!("{host}{after}")), None);
        prop_assert_eq!(Platform::of_host(&format!("www.{host}{after}")), None);
    }

    #[test]
    fn a_part_of_a_host_is_no_host((host, _) in entry(), cut in 1usize..8) {
        let part = &host[cut.min(host.len() - 1)..];
        let known = HOSTS.iter().find(|(other, _)| *other == part);
        prop_assert_eq!(Platform::of_host(part), known.map(|(_, p)| *p));
    }

    #[test]
    fn a_host_anywhere_but_in_its_place_names_no_platform(
        (host, _) in entry(),
        own in "[a-z]{1,6}\\.test",
    ) {
        for text in [
            format!("https://{own}/{host}"),
            format!("https://{own}/?next=https://{host}/p"),
            format!("https://{own}/#{host}"),
            format!("https://{host}.{own}/"),
        ] {
            prop_assert_eq!(PageAddress::parse(&text).unwrap().platform(), None, "{}", text);
        }
    }

    #[test]
    fn the_platform_of_a_page_does_not_depend_on_how_its_host_is_written(
        (host, platform) in entry(),
        secure in any::<bool>(),
    ) {
        let scheme = if secure { "https" } else { "http" };
        let text = format!("{scheme}://WWW.{}/p", host.to_ascii_uppercase());
        prop_assert_eq!(PageAddress::parse(&text).unwrap().platform(), Some(platform));
    }
}

#[test]
fn every_platform_is_written_as_the_contract_names_it() {
    // LIM-15; OTHER belongs to accounts, not to hosts
    let names = [
        "INSTAGRAM",
        "TIKTOK",
        "FACEBOOK",
        "TWITTER",
        "LINKEDIN",
        "YOUTUBE",
        "REDDIT",
        "PINTEREST",
        "TUMBLR",
    ];
    let read = |name: &str| serde_json::from_value::<Platform>(name.into());
    let read_all: HashSet<Platform> = names.iter().map(|name| read(name).unwrap()).collect();
    let reachable: HashSet<Platform> = HOSTS.iter().map(|(_, platform)| *platform).collect();
    assert_eq!(read_all, reachable);
    assert!(read("OTHER").is_err() && read("X").is_err());
}
