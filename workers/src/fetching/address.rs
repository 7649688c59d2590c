//! Which addresses may be asked at all, decided before anything is looked up.
//!
//! The address is parsed once, and the same parsed address is connected to: there is no second reader that could read it
//! differently. Hosts in other spellings (decimal, octal, hexadecimal, short, full-width, escaped) are brought into one form by
//! the parser, as browsers do it (WHATWG URL standard).

use super::NotFetched;
use std::net::IpAddr;
use url::{Host, Url};

/// Longest address that is read, in bytes: what RFC 9110 (4.1) asks everybody to support.
const LENGTH_MAX: usize = 8_000;
/// Longest name of a host, in bytes, without a dot at its end (RFC 1035).
const NAME_LENGTH_MAX: usize = 253;

/// An address that may be asked, if its host turns out to be public.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    url: Url,
    host: Place,
}

/// Where the host is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A name in ASCII, in lower case, without a dot at its end.
    Name(String),
    /// The address stands in the address: nothing is looked up.
    Literal(IpAddr),
}

impl Target {
    /// Reads an address.
    pub(super) fn parse(text: &str, ports: &[u16]) -> Result<Self, NotFetched> {
        if !is_unambiguous(text) {
            return Err(NotFetched::NotAnAddress);
        }
        let url = Url::parse(text).map_err(|_| NotFetched::NotAnAddress)?;
        Self::of(url, ports)
    }

    /// Reads where an answer from here sends us to; `location` may be relative.
    pub(super) fn redirected(&self, location: &str, ports: &[u16]) -> Result<Self, NotFetched> {
        if !is_unambiguous(location) {
            return Err(NotFetched::BadRedirect);
        }
        let url = self.url.join(location);
        Self::of(url.map_err(|_| NotFetched::BadRedirect)?, ports)
    }

    fn of(mut url: Url, ports: &[u16]) -> Result<Self, NotFetched> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotFetched::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotFetched::Credentials);
        }
        let port = url.port_or_known_default();
        if !port.is_some_and(|port| ports.contains(&port)) {
            return Err(NotFetched::Port);
        }
        let host = match url.host().ok_or(NotFetched::NotAnAddress)? {
            Host::Ipv4(address) => Place::Literal(address.into()),
            Host::Ipv6(address) => Place::Literal(address.into()),
            Host::Domain(name) => Place::Name(plain_name(name)?),
        };
        // One name, one spelling: for the look-up, the certificate and the request.
        if let Place::Name(name) = &host {
            url.set_host(Some(name))
                .map_err(|_| NotFetched::NotAnAddress)?;
        }
        url.set_fragment(None);
        Ok(Self { url, host })
    }

    /// What is asked for.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Where it is asked for.
    pub(super) fn host(&self) -> &Place {
        &self.host
    }

    /// The port to connect to.
    pub(super) fn port(&self) -> u16 {
        // Checked in `of`; port 0 is never connected to.
        self.url.port_or_known_default().unwrap_or_default()
    }
}

/// Without control characters, which parsers drop silently, and without backslashes, which some take for slashes.
fn is_unambiguous(text: &str) -> bool {
    let misread = |c: char| c.is_ascii_control() || c == '\\';
    text.len() <= LENGTH_MAX && !text.contains(misread)
}

/// The name without a dot at its end; only letters, digits, hyphens and underscores go to a name server.
fn plain_name(name: &str) -> Result<String, NotFetched> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !label.is_empty() && label.chars().all(plain)
    };
    if name.len() > NAME_LENGTH_MAX || !name.split('.').all(is_label) {
        return Err(NotFetched::NotAnAddress);
    }
    if !name.contains('.') {
        return Err(NotFetched::LocalName);
    }
    Ok(name.to_owned())
}
