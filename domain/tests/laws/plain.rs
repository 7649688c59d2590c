//! A fact that is read from its text is the one that is read from its JSON, and never one that the JSON is refused for.

use crate::golden::{Golden, catalogue};
use domain::Event;
use domain::shape::SHAPES;
use proptest::prelude::*;
use proptest::sample::Index;

impl Golden {
    fn plain(&self, text: &str) -> Option<Event> {
        Event::decode_plain(&self.noun, &self.fact, &self.version, text)
    }

    /// What the JSON of a text says, if it is one.
    fn slowly(&self, text: &str) -> Option<Event> {
        let payload = serde_json::from_str(text).ok()?;
        Event::decode(&self.noun, &self.fact, &self.version, &payload).ok()
    }
}

/// A fact of the catalogue, as it stands in the log.
fn fact() -> impl Strategy<Value = (Golden, String)> {
    any::<Index>().prop_map(|which| {
        let mut all = catalogue();
        let one = all.swap_remove(which.index(all.len()));
        let text = one.payload.to_string();
        (one, text)
    })
}

#[test]
fn every_fact_that_is_written_today_is_read_from_its_text() {
    let of_today = |golden: &Golden| {
        let shapes = SHAPES.concat();
        let name = golden.name.split_once('/').unwrap().1.to_owned();
        shapes.iter().any(|shape| {
            (shape.noun, shape.event_type) == (golden.noun.as_str(), name.as_str())
                && shape.version.to_string() == golden.version
        })
    };
    let mut read = 0;
    for golden in catalogue() {
        let plain = golden.plain(&golden.payload.to_string());
        let expected = of_today(&golden).then(|| golden.event());
        assert_eq!(plain, expected, "{}", golden.name);
        read += usize::from(plain.is_some());
    }
    assert!(read >= SHAPES.concat().len());
}

#[test]
fn fields_in_a_list_another_name_and_another_version_are_left_to_the_slow_way() {
    for golden in catalogue() {
        let text = golden.payload.to_string();
        let fields = golden.payload.as_object().unwrap().values().next().unwrap();
        let listed: Vec<_> = fields.as_object().unwrap().values().collect();
        let listed = serde_json::json!({ golden.fact.as_str(): listed }).to_string();
        assert_eq!(golden.plain(&listed), None, "{listed}");
        let elsewhere =
            |noun: &str, fact: &str, version: &str| Event::decode_plain(noun, fact, version, &text);
        assert_eq!(elsewhere("weather", &golden.fact, &golden.version), None);
        assert_eq!(
            elsewhere(&golden.noun, "ScanForgotten", &golden.version),
            None
        );
        assert_eq!(elsewhere(&golden.noun, &golden.fact, "99"), None);
        assert_eq!(elsewhere(&golden.noun, &golden.fact, "01"), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn a_damaged_text_is_never_read_otherwise_than_its_json(
        (golden, mut text) in fact(),
        at in any::<Index>(),
        cut in 0_usize..12,
        put in prop_oneof![
            prop::sample::select(vec!["", "{", "}", "[", "]", "\"", ",", ":", "\\", "0", "-", "1e9", " ", "null", "\u{0}"])
                .prop_map(str::to_owned),
            "[a-z\"{}:,0-9]{1,8}",
        ],
    ) {
        let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let from = at.index(letters.len());
        let to = letters.get(from + cut).copied().unwrap_or(text.len());
        text.replace_range(letters[from]..to, &put);
        if let Some(plain) = golden.plain(&text) {
            prop_assert_eq!(Some(plain), golden.slowly(&text), "{}", text);
        }
    }
}
