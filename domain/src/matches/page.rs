//! The address of a page in its canonical form (MAT-1).

use crate::platform::Platform;
use url::Url;

/// Longest address that is kept, in bytes; longer ones are refused like broken ones.
const LENGTH_MAX: usize = 2_048;

/// Query parameters that only say where a visitor came from (MAT-1).
const TRACKING: [&str; 3] = ["fbclid", "gclid", "igshid"];

/// A page of the web: `http` or `https`, canonical, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAddress(Url);

/// An address that no finding can stand on; it is discarded alone (PIP-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a page")]
pub struct NotAPage;

impl PageAddress {
    /// Reads an address and brings it into canonical form: scheme and host lower case, no default port,
    /// no fragment, no tracking parameters, the rest unchanged.
    ///
    /// # Errors
    /// [`NotAPage`] for anything but `http` and `https`, for addresses with credentials, without a host,
    /// or longer than 2,048 bytes, as written or in canonical form.
    pub fn parse(text: &str) -> Result<Self, NotAPage> {
        if text.len() > LENGTH_MAX {
            return Err(NotAPage);
        }
        let mut url = Url::parse(text.trim()).map_err(|_| NotAPage)?;
        let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !plain || !url.username().is_empty() || url.password().is_some() {
            return Err(NotAPage);
        }
        url.set_fragment(None);
        if let Some(query) = url.query().map(without_tracking) {
            url.set_query(query.as_deref());
        }
        // Once more, because escaping makes it longer: what is kept must be readable again.
        if url.as_str().len() > LENGTH_MAX {
            return Err(NotAPage);
        }
        Ok(Self(url))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The platform of its host (PLT-1).
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        self.0.host_str().and_then(Platform::of_host)
    }
}

/// The query with tracking parameters cut out of the text, so that the rest stays as it was written.
fn without_tracking(query: &str) -> Option<String> {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !name.starts_with("utm_") && !TRACKING.contains(&name)
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        PageAddress::parse(text).unwrap().as_str().to_owned()
    }

    #[test]
    fn two_spellings_of_one_page_are_one_address() {
        // MAT-1
        let page = "https://example.test/a?id=7";
        assert_eq!(
            canonical("HTTPS://Example.TEST:443/a?utm_source=x&id=7&fbclid=1#top"),
            page
        );
        assert_eq!(canonical(page), page);
    }

    #[test]
    fn the_path_and_other_parameters_stay_as_written() {
        // MAT-1
        let page = "http://example.test:8080/A/b%20c/?q=a%2Fb&B";
        assert_eq!(canonical(page), page);
        assert_eq!(
            canonical("https://example.test/?gclid=2&igshid=3"),
            "https://example.test/"
        );
    }

    #[test]
    fn what_is_no_page_is_refused() {
        // MAT-1, PIP-11
        let long = format!("https://example.test/{}", "a".repeat(3_000));
        for wrong in [
            "",
            "not a url",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "ftp://a.test/",
            "https://",
            "https://user:pw@a.test/",
            &long,
        ] {
            assert_eq!(PageAddress::parse(wrong), Err(NotAPage), "{wrong}");
        }
    }

    #[test]
    fn the_platform_comes_from_the_host() {
        // PLT-1
        let page = PageAddress::parse("https://www.Reddit.com/r/x").unwrap();
        assert_eq!(page.platform(), Some(Platform::Reddit));
        assert_eq!(
            PageAddress::parse("https://example.test/x.com")
                .unwrap()
                .platform(),
            None
        );
    }

    proptest! {
        #[test]
        fn a_canonical_address_is_its_own_canonical_form(text in "https?://[a-z]{1,9}\\.test/[ -~]{0,40}") {
            if let Ok(page) = PageAddress::parse(&text) {
                prop_assert_eq!(canonical(page.as_str()), page.as_str());
            }
        }
    }

    #[test]
    fn an_address_that_grows_too_long_by_escaping_is_refused() {
        // What is kept must be readable again: each of these letters takes six bytes in canonical form
        let page = |letters: usize| format!("https://example.test/{}", "é".repeat(letters));
        assert!(page(400).len() < LENGTH_MAX && page(1_000).len() < LENGTH_MAX);
        assert_eq!(PageAddress::parse(&page(1_000)), Err(NotAPage));
        let kept = PageAddress::parse(&canonical(&page(330))).unwrap();
        assert!(kept.as_str().len() <= LENGTH_MAX);
    }

    #[test]
    fn the_longest_address_is_kept_and_one_byte_more_is_not() {
        let page = |length: usize| format!("https://a.test/{}", "a".repeat(length - 15));
        assert_eq!(canonical(&page(LENGTH_MAX)).len(), LENGTH_MAX);
        assert_eq!(PageAddress::parse(&page(LENGTH_MAX + 1)), Err(NotAPage));
    }

    #[test]
    fn a_parameter_that_only_looks_like_tracking_stays() {
        // MAT-1: `utm_*`, `fbclid`, `gclid` and `igshid`, by their whole name and nothing else
        for query in [
            "utm=1",
            "xutm_source=1",
            "fbclid2=1",
            "my_gclid=1",
            "q=utm_source",
            "q=fbclid",
            "IGSHID=1",
        ] {
            let page = format!("https://example.test/?{query}");
            assert_eq!(canonical(&page), page);
        }
    }

    #[test]
    fn another_port_path_or_scheme_is_another_page() {
        // MAT-1: the rest is unchanged
        let page = canonical("https://example.test/a");
        for other in [
            "http://example.test/a",
            "https://example.test:444/a",
            "https://example.test/A",
            "https://example.test/a/",
            "https://www.example.test/a",
            "https://example.test/a?b",
        ] {
            assert_ne!(canonical(other), page, "{other}");
        }
    }
}
