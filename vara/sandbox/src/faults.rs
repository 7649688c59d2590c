//! The key decides: whether one may search, and what goes wrong on purpose.
//!
//! | key | what happens |
//! | --- | --- |
//! | `sandbox` | nothing goes wrong |
//! | `bad` or any other | 401 |
//! | `broke` | 402, no searches left |
//! | `busy` | 429 with `Retry-After: 1` |
//! | `slow`, `slow:300` | the right answer, 60 seconds or 300 milliseconds late |
//! | `html`, `html:200` | a page of HTML under status 502 or 200 |
//! | `cut` | the right answer, half of it |
//! | `huge` | 16 MiB that are no answer |
//! | `flaky` | 503 to the first search for a picture, the right answer to the second, and so on |
//! | `down` | the connection is closed without an answer |

use std::collections::HashMap;
use std::time::Duration;

const SLOW: Duration = Duration::from_secs(60);
const SLOW_MAX: Duration = Duration::from_secs(600);

/// Parameters of the signature scheme that TinEye has removed.
const REMOVED: [&str; 3] = ["api_key", "public_key", "api_sig"];

/// What goes wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Broke,
    Busy,
    Slow(Duration),
    /// A page of HTML; `true`: under status 200.
    Html(bool),
    Cut,
    Huge,
    Flaky,
    Down,
}

/// Lets a caller in or not, by the key's header and the parameters of the query.
///
/// # Errors
/// The sentence that goes with 401.
pub(crate) fn of_key(
    key: Option<&str>,
    query: &HashMap<String, String>,
) -> Result<Option<Fault>, &'static str> {
    if REMOVED.iter().any(|name| query.contains_key(*name)) {
        return Err("This authentication method was removed; send the header X-API-KEY.");
    }
    let key = key.ok_or("No API key was sent; send the header X-API-KEY.")?;
    let (name, more) = key
        .split_once(':')
        .map_or((key, None), |(name, more)| (name, Some(more)));
    Ok(Some(match (name, more) {
        ("sandbox", None) => return Ok(None),
        ("broke", None) => Fault::Broke,
        ("busy", None) => Fault::Busy,
        ("slow", None) => Fault::Slow(SLOW),
        ("slow", Some(ms)) => Fault::Slow(milliseconds(ms).ok_or("Invalid API key.")?),
        ("html", None) => Fault::Html(false),
        ("html", Some("200")) => Fault::Html(true),
        ("cut", None) => Fault::Cut,
        ("huge", None) => Fault::Huge,
        ("flaky", None) => Fault::Flaky,
        ("down", None) => Fault::Down,
        _ => return Err("Invalid API key."),
    }))
}

fn milliseconds(text: &str) -> Option<Duration> {
    Some(Duration::from_millis(text.parse().ok()?).min(SLOW_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_the_table_are_let_in() {
        let none = HashMap::new();
        assert_eq!(of_key(Some("sandbox"), &none), Ok(None));
        let slow = Fault::Slow(Duration::from_millis(300));
        assert_eq!(of_key(Some("slow:300"), &none), Ok(Some(slow)));
        for key in [
            None,
            Some("bad"),
            Some(""),
            Some("Sandbox"),
            Some("slow:x"),
            Some("sandbox:1"),
        ] {
            assert!(of_key(key, &none).is_err(), "{key:?}");
        }
    }

    #[test]
    fn the_removed_way_to_sign_in_is_refused_even_with_a_key() {
        for name in REMOVED {
            let query = HashMap::from([(name.to_owned(), "sandbox".to_owned())]);
            assert!(
                of_key(Some("sandbox"), &query)
                    .unwrap_err()
                    .contains("removed")
            );
        }
    }
}
