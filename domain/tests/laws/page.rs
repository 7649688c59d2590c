//! Addresses of pages (MAT-1): one page, one address; nothing about her or her visit stays in it.

use domain::matches::{NotAPage, PageAddress};
use proptest::prelude::*;

fn canonical(text: &str) -> Result<String, NotAPage> {
    PageAddress::parse(text).map(|page| page.as_str().to_owned())
}

/// Hosts, ports, paths and queries as they come from engines, good and odd.
fn address() -> impl Strategy<Value = String> {
    let host = "[a-z0-9]{1,8}(\\.[a-z]{2,5}){1,2}";
    let port = prop_oneof![Just(String::new()), (1u16..).prop_map(|n| format!(":{n}"))];
    let path = "(/[A-Za-z0-9._~%é ü'-]{0,8}){0,4}";
    let query = "(\\?[A-Za-z0-9=&._%+' -]{0,30})?";
    let fragment = "(#[ -~]{0,12})?";
    ("(http|https)", host, port, path, query, fragment).prop_map(
        |(scheme, host, port, path, query, fragment)| {
            format!("{scheme}://{host}{port}{path}{query}{fragment}")
        },
    )
}

fn tracking() -> impl Strategy<Value = String> {
    prop_oneof![
        "utm_[a-z]{0,8}=[a-z0-9]{0,6}",
        "(fbclid|gclid|igshid)=[A-Za-z0-9_-]{0,12}",
        Just("utm_source".to_owned()),
        Just("gclid".to_owned()),
    ]
}

fn names(page: &str) -> Vec<String> {
    let query = page.split_once('?').map(|(_, query)| query);
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    pairs
        .map(|pair| pair.split('=').next().unwrap().to_owned())
        .collect()
}

proptest! {
    #[test]
    fn what_was_read_once_reads_as_itself(text in address()) {
        let page = canonical(&text);
        if let Ok(page) = page {
            prop_assert_eq!(canonical(&page), Ok(page.clone()));
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_refused_and_reads_as_itself_ever_after(text in "\\PC{0,60}") {
        // PIP-11: one broken address is left out alone, so reading must never break
        for text in [text.clone(), format!("https://{text}"), format!("http://a.test/{text}")] {
            if let Ok(page) = canonical(&text) {
                prop_assert_eq!(canonical(&page), Ok(page.clone()));
            }
        }
    }

    #[test]
    fn a_page_holds_no_credentials_no_fragment_and_no_tracking(
        text in address(),
        more in tracking(),
    ) {
        let joint = if text.contains('?') { "&" } else { "?" };
        let (bare, fragment) = text.split_once('#').unwrap_or((&text, "top"));
        let page = canonical(&format!("{bare}{joint}{more}#{fragment}"));
        if let Ok(page) = page {
            prop_assert!(!page.contains('#'), "{page}");
            for name in names(&page) {
                let tracks = ["fbclid", "gclid", "igshid"].contains(&name.as_str());
                prop_assert!(!tracks && !name.starts_with("utm_"), "{page}");
            }
        }
    }

    #[test]
    fn an_address_with_credentials_is_refused(
        text in address(),
        // A name, a password, or both.
        credentials in "[a-z]{1,6}(:[a-z0-9]{0,6})?|:[a-z0-9]{1,6}",
    ) {
        let (scheme, rest) = text.split_once("://").unwrap();
        let signed_in = format!("{scheme}://{credentials}@{rest}");
        prop_assert_eq!(canonical(&signed_in), Err(NotAPage));
    }

    #[test]
    fn tracking_makes_no_other_page(
        host in "[a-z]{1,8}\\.test",
        pairs in prop::collection::vec("[a-d]{1,3}=[a-z0-9]{0,4}", 0..4),
        more in prop::collection::vec(tracking(), 1..4),
        at in any::<prop::sample::Index>(),
    ) {
        let with = |pairs: &[String]| match pairs {
            [] => format!("https://{host}/p"),
            some => format!("https://{host}/p?{}", some.join("&")),
        };
        let mut tracked = pairs.clone();
        let place = at.index(pairs.len() + 1);
        for pair in more {
            tracked.insert(place, pair);
        }
        prop_assert_eq!(canonical(&with(&tracked)), Ok(with(&pairs)));
    }

    #[test]
    fn case_default_port_and_fragment_make_no_other_page(
        secure in any::<bool>(),
        host in "[a-z]{1,8}\\.[a-z]{2,4}",
        path in "(/[A-Za-z0-9_]{1,6}){1,3}",
        shout in prop::collection::vec(any::<bool>(), 20),
        fragment in "[a-z0-9]{0,6}",
    ) {
        let (scheme, port) = if secure { ("https", 443) } else { ("http", 80) };
        let loud = |text: &str| -> String {
            let letters = text.chars().zip(shout.iter().cycle());
            letters.map(|(c, up)| if *up { c.to_ascii_uppercase() } else { c }).collect()
        };
        let plain = format!("{scheme}://{host}{path}");
        let odd = format!(" {}://{}:{port}{path}#{fragment} ", loud(scheme), loud(&host));
        prop_assert_eq!(canonical(&odd), Ok(plain.clone()));
        prop_assert_eq!(canonical(&plain), Ok(plain));
    }

    #[test]
    fn the_case_of_the_path_is_kept(path in "[A-Za-z]{1,12}") {
        let page = format!("https://example.test/{path}");
        prop_assert_eq!(canonical(&page), Ok(page.clone()));
    }

    #[test]
    fn only_http_and_https_are_pages(
        scheme in "[a-z][a-z0-9+.-]{0,8}",
        rest in "[a-z]{1,8}\\.test/[a-z]{0,5}",
    ) {
        let web = matches!(scheme.as_str(), "http" | "https");
        prop_assert_eq!(canonical(&format!("{scheme}://{rest}")).is_ok(), web);
        let without_host = format!("{scheme}://");
        prop_assert_eq!(canonical(&without_host), Err(NotAPage));
    }
}
