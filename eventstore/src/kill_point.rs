//! Places at which a test has the process end at once, as kill -9 would, to see that the next start takes everything up.
//!
//! `VARA_KILL_AT=relay:acknowledged` ends it when that place is passed first, `relay:acknowledged#3` the third time. Release builds
//! have no such places: the function is empty there and the setting is never read.

/// The places, as tests go through them. `<part>:<what was just done>`.
pub const KILL_POINTS: [&str; 21] = [
    "lane:asked",
    "lane:committed",
    "relay:read",
    "relay:acknowledged",
    "relay:checkpointed",
    "projector:read",
    "projector:applied",
    "projector:committed",
    "policy:read",
    "policy:acted",
    "work:received",
    "work:leased",
    "work:ended",
    "work:done",
    "upload:stored",
    "answer:made",
    "proof:appended",
    "erasure:written",
    "erasure:recorded",
    "erasure:key-destroyed",
    "erasure:emptied",
];

/// Ends the process here, if this place was asked for.
#[cfg(debug_assertions)]
pub fn kill_point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static ASKED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.get_or_init(|| parse(&std::env::var("VARA_KILL_AT").ok()?));
    if let Some((at, time)) = asked
        && at == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        std::process::abort();
    }
}

/// Nothing in release builds.
#[cfg(not(debug_assertions))]
pub const fn kill_point(_name: &str) {}

/// What runs while compiling can neither read a setting nor end the process: the build itself proves that nothing is left.
#[cfg(not(debug_assertions))]
const _: () = kill_point("");

#[cfg(debug_assertions)]
fn parse(asked: &str) -> Option<(String, u32)> {
    match asked.split_once('#') {
        Some((name, time)) => Some((name.to_owned(), time.parse().ok()?)),
        None => Some((asked.to_owned(), 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_with_or_without_its_time() {
        let place = |asked| parse(asked).unwrap();
        assert_eq!(place("relay:read"), ("relay:read".to_owned(), 1));
        assert_eq!(place("relay:read#3"), ("relay:read".to_owned(), 3));
        assert!(parse("relay:read#soon").is_none());
    }
}
