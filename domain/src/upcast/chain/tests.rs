//! A letter that was posted in 2026 and is read in 2030: its shape changed in every way that a shape can change.

use super::*;
use crate::personal::{ERASED, KNOWN};
use proptest::prelude::*;
use serde_json::json;

const SHAPES: [&[Shape]; 2] = [
    &[
        Shape::of("letter", "LetterSent", 4),
        Shape::of("letter", "LetterRead", 1),
    ],
    &[Shape::of("parcel", "LetterSent", 1)],
];

/// In no order at all.
const STEPS: [Step; 3] = [
    step("LetterPosted", 3, "LetterSent", counted),
    step("LetterPosted", 1, "LetterPosted", addressed),
    step("LetterPosted", 2, "LetterPosted", split),
];

const fn step(
    event_type: &'static str,
    version: u32,
    becomes: &'static str,
    raise: fn(Fields) -> Result<Fields, &'static str>,
) -> Step {
    Step {
        noun: "letter",
        event_type,
        version,
        becomes,
        raise,
    }
}

/// Renames a field; what it holds, known, erased or sealed, moves as it is.
fn addressed(mut fields: Fields) -> Result<Fields, &'static str> {
    let name = fields.remove("to").ok_or("no field `to`")?;
    fields.insert("recipient".to_owned(), name);
    Ok(fields)
}

/// Splits a personal field in two; two erased ones come of an erased one.
fn split(mut fields: Fields) -> Result<Fields, &'static str> {
    let whole = fields.remove("recipient").ok_or("no field `recipient`")?;
    let (first, last) = if whole.get(ERASED).is_some() {
        (whole.clone(), whole)
    } else {
        let name = whole.get(KNOWN).and_then(Value::as_str);
        let (first, last) = name
            .and_then(|name| name.split_once(' '))
            .ok_or("`recipient` is no name")?;
        (json!({ KNOWN: first }), json!({ KNOWN: last }))
    };
    fields.insert("first_name".to_owned(), first);
    fields.insert("last_name".to_owned(), last);
    Ok(fields)
}

/// Adds a field with a default.
fn counted(mut fields: Fields) -> Result<Fields, &'static str> {
    fields.entry("copies").or_insert_with(|| json!(0));
    Ok(fields)
}

const HOUSE: Chain<'static> = Chain {
    shapes: &SHAPES,
    steps: &STEPS,
};

/// The same letter as each version wrote it, with the name and the version that stand in the log.
fn written(version: u32, first: &str, last: &str) -> (&'static str, Value) {
    let whole = json!({ KNOWN: format!("{first} {last}") });
    let (first, last) = (json!({ KNOWN: first }), json!({ KNOWN: last }));
    match version {
        1 => (
            "LetterPosted",
            json!({ "LetterPosted": { "id": 7, "to": whole } }),
        ),
        2 => (
            "LetterPosted",
            json!({ "LetterPosted": { "id": 7, "recipient": whole } }),
        ),
        3 => (
            "LetterPosted",
            json!({ "LetterPosted": { "id": 7, "first_name": first, "last_name": last } }),
        ),
        _ => (
            "LetterSent",
            json!({ "LetterSent": { "id": 7, "first_name": first, "last_name": last, "copies": 0 } }),
        ),
    }
}

fn raised(chain: Chain<'_>, name: &str, version: u32, payload: &Value) -> Value {
    let version = version.to_string();
    let raised = chain.raised("letter", name, &version, payload).unwrap();
    raised.into_owned()
}

proptest! {
    #[test]
    fn whatever_version_a_fact_was_written_in_it_reads_as_the_same_fact(
        version in 1u32..=4,
        first in "[A-Z][a-zë]{0,9}",
        last in "[A-Z][a-z ]{0,9}",
    ) {
        let (name, payload) = written(version, &first, &last);
        prop_assert_eq!(raised(HOUSE, name, version, &payload), written(4, &first, &last).1);
    }

    #[test]
    fn the_order_of_the_table_does_not_matter(
        steps in Just(STEPS.to_vec()).prop_shuffle(),
        version in 1u32..=4,
    ) {
        let chain = Chain { shapes: &SHAPES, steps: &steps };
        let (name, payload) = written(version, "Ana", "Lopez");
        prop_assert_eq!(raised(chain, name, version, &payload), written(4, "Ana", "Lopez").1);
    }

    #[test]
    fn what_was_raised_once_is_raised_no_further(version in 1u32..=4) {
        let (name, payload) = written(version, "Ana", "Lopez");
        let once = raised(HOUSE, name, version, &payload);
        let twice = HOUSE.raised("letter", "LetterSent", "4", &once).unwrap();
        prop_assert!(matches!(twice, Cow::Borrowed(_)), "not even copied");
        prop_assert_eq!(&*twice, &once);
    }

    #[test]
    fn a_gap_is_told_and_never_jumped_over(missing in 1u32..=3, version in 1u32..=4) {
        let steps: Vec<Step> = STEPS.into_iter().filter(|s| s.version != missing).collect();
        let chain = Chain { shapes: &SHAPES, steps: &steps };
        let (name, payload) = written(version, "Ana", "Lopez");
        let told = chain.raised("letter", name, &version.to_string(), &payload);
        if version > missing {
            prop_assert!(told.is_ok());
        } else if missing == 3 {
            // The step that knew today's name is the missing one: the old name ends before it.
            let newer = Undecodable::Newer {
                noun: "letter",
                event_type: "LetterPosted".to_owned(),
                version: 3,
            };
            prop_assert_eq!(told, Err(newer));
        } else {
            let gap = Undecodable::NoStep {
                noun: "letter",
                event_type: "LetterPosted".to_owned(),
                version: missing,
            };
            prop_assert_eq!(told, Err(gap));
        }
    }

    #[test]
    fn a_newer_version_is_never_read_as_an_older_one(above in 1u32..=u32::MAX - 4) {
        for (name, today) in [("LetterSent", 4), ("LetterPosted", 3), ("LetterLost", 0)] {
            let version = today + above;
            let told = HOUSE.raised("letter", name, &version.to_string(), &Value::Null);
            let event_type = name.to_owned();
            prop_assert_eq!(told, Err(Undecodable::Newer { noun: "letter", event_type, version }));
        }
    }
}

#[test]
fn an_erased_value_stays_erased_through_every_step() {
    // AUD-2
    let erased = json!({ ERASED: true });
    let payload = json!({ "LetterPosted": { "id": 7, "to": erased } });
    let today = raised(HOUSE, "LetterPosted", 1, &payload);
    assert_eq!(today["LetterSent"]["first_name"], erased);
    assert_eq!(today["LetterSent"]["last_name"], erased);
}

#[test]
fn a_sealed_value_may_move_whole_and_is_never_looked_into() {
    let sealed = json!({ "$sealed": "1.AAAA" });
    let shapes: [&[Shape]; 1] = [&[Shape::of("letter", "LetterPosted", 2)]];
    let chain = Chain {
        shapes: &shapes,
        steps: &STEPS[1..2],
    };
    let payload = json!({ "LetterPosted": { "to": sealed } });
    let today = raised(chain, "LetterPosted", 1, &payload);
    assert_eq!(today, json!({ "LetterPosted": { "recipient": sealed } }));
    let told = HOUSE.raised("letter", "LetterPosted", "1", &payload);
    assert!(matches!(told, Err(Undecodable::Misshapen { .. })));
}

#[test]
fn a_step_that_does_not_find_its_field_names_it_and_quotes_no_value() {
    // AUD-5
    let payload = json!({ "LetterPosted": { "id": 7, "too": "ana@example.test" } });
    let told = HOUSE.raised("letter", "LetterPosted", "1", &payload);
    let told = told.unwrap_err().to_string();
    assert_eq!(told, "a fact of letter does not read: no field `to`");
}

#[test]
fn a_step_of_one_noun_or_fact_touches_no_other() {
    let parcel = json!({ "LetterSent": { "to": 1 } });
    let told = HOUSE.raised("parcel", "LetterSent", "1", &parcel);
    assert!(matches!(told, Ok(Cow::Borrowed(same)) if *same == parcel));
    let read = json!({ "LetterRead": { "to": 1 } });
    let told = HOUSE.raised("letter", "LetterRead", "1", &read);
    assert!(matches!(told, Ok(Cow::Borrowed(same)) if *same == read));
}

#[test]
fn a_fact_that_is_renamed_has_no_second_life_under_its_old_name() {
    let (_, payload) = written(4, "Ana", "Lopez");
    for version in ["1", "2", "3", "4"] {
        let told = HOUSE.raised("letter", "LetterPosted", version, &payload);
        assert!(told.is_err(), "{version}");
    }
    let told = HOUSE.raised("letter", "LetterSent", "3", &payload);
    assert!(matches!(told, Err(Undecodable::NoStep { version: 3, .. })));
}

#[test]
fn a_noun_that_nobody_knows_is_told_first() {
    let told = HOUSE.raised("weather", "LetterSent", "x", &Value::Null);
    let weather = Undecodable::UnknownNoun("weather".to_owned());
    assert_eq!(told, Err(weather));
}
