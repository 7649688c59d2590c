//! The address of a page, checked where it comes in and again where it is read from a file.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use url::Url;

/// Longest address of a page, in bytes.
const BYTES_MAX: usize = 2_048;

/// A full `http` or `https` address without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Address(Url);

impl Address {
    /// Reads the address of a page.
    ///
    /// # Errors
    /// For anything but a full `http` or `https` address of at most 2,048 bytes without credentials.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        ensure!(text.len() <= BYTES_MAX, "the page's address is too long");
        let url = Url::parse(text).context("that is no address of a page")?;
        ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "a page's address begins with http:// or https:// and names a host"
        );
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "a page's address carries no user name and no password"
        );
        Ok(Self(url))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its host; none gets in without one.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Another path on the same host.
    pub(crate) fn beside(&self, path: &str) -> String {
        let mut other = self.0.clone();
        other.set_path(path);
        other.set_query(None);
        other.set_fragment(None);
        other.into()
    }
}

impl TryFrom<String> for Address {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_page_is_no_address() {
        let long = format!("https://a.test/{}", "a".repeat(3_000));
        for wrong in [
            "",
            "a.test/x",
            "ftp://a.test/",
            "javascript:alert(1)",
            "https://her:secret@a.test/",
            &long,
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Address::parse("http://a.test:8080/x?y=z").is_ok());
    }

    #[test]
    fn a_picture_lies_on_the_host_of_its_page() {
        let page = Address::parse("https://gallery.example/p/17?q=1#top").unwrap();
        let expected = "https://gallery.example/pictures/0f.jpg";
        assert_eq!(page.beside("/pictures/0f.jpg"), expected);
    }
}
